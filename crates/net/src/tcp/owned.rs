//! The owned halves: the stream in an `Arc`, for tasks that read and write on their own.
//!
//! The connection closes when both halves are gone. Dropping the write half alone shuts the write
//! direction down, so that the peer of a task that has ended sees the end of the stream.

use std::error::Error;
use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;

use super::TcpStream;
use super::halves::{half_methods, read_half_methods, write_half_methods};

/// The reading half of a stream, made by [`TcpStream::into_split`].
///
/// Dropping it does not tell the peer anything; the connection closes with the last half.
#[derive(Debug)]
pub struct OwnedReadHalf {
    stream: Arc<TcpStream>,
}

/// The writing half of a stream, made by [`TcpStream::into_split`].
///
/// Dropping it shuts the write direction down. [`forget`](OwnedWriteHalf::forget) drops it without.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<TcpStream>,
    on_drop: OnDrop,
}

/// What dropping a write half does to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnDrop {
    ShutDown,
    Nothing,
}

pub(super) fn split(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    let read = OwnedReadHalf {
        stream: stream.clone(),
    };
    let write = OwnedWriteHalf {
        stream,
        on_drop: OnDrop::ShutDown,
    };
    (read, write)
}

fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
    if !Arc::ptr_eq(&read.stream, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    Ok(Arc::into_inner(read.stream)
        .expect("a stream is shared by exactly two halves, and the other one is gone"))
}

impl OwnedReadHalf {
    read_half_methods!();
    half_methods!();

    /// Puts the stream back together.
    ///
    /// # Errors
    ///
    /// When the halves come from different streams; the error holds both.
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        reunite(self, other)
    }
}

impl OwnedWriteHalf {
    write_half_methods!();
    half_methods!();

    /// Puts the stream back together.
    ///
    /// # Errors
    ///
    /// When the halves come from different streams; the error holds both.
    pub fn reunite(self, other: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        reunite(other, self)
    }

    /// Drops this half without shutting the write direction down.
    pub fn forget(mut self) {
        self.on_drop = OnDrop::Nothing;
    }

    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        self.stream.shutdown_write()?;
        self.on_drop = OnDrop::Nothing;
        Ok(())
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if mem::replace(&mut self.on_drop, OnDrop::Nothing) == OnDrop::ShutDown {
            // Fails when the peer is gone already, and then there is nobody to tell.
            let _ = self.stream.shutdown_write();
        }
    }
}

impl AsRef<TcpStream> for OwnedReadHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsRef<TcpStream> for OwnedWriteHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

/// Two halves that do not come from the same stream, given back.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl Error for ReuniteError {}
