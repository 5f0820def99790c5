//! The borrowed halves: two views of one `&mut TcpStream`, at no cost.

use std::io;

use super::TcpStream;
use super::halves::{half_methods, read_half_methods, write_half_methods};

/// The reading half of a stream, borrowed from it by [`TcpStream::split`].
#[derive(Debug)]
pub struct ReadHalf<'a>(&'a TcpStream);

/// The writing half of a stream, borrowed from it by [`TcpStream::split`].
///
/// Shutting it down tells the peer that nothing more will come; dropping it does nothing.
#[derive(Debug)]
pub struct WriteHalf<'a>(&'a TcpStream);

/// `&mut` makes sure that there is one half of each kind.
pub(super) fn split(stream: &mut TcpStream) -> (ReadHalf<'_>, WriteHalf<'_>) {
    (ReadHalf(stream), WriteHalf(stream))
}

impl ReadHalf<'_> {
    read_half_methods!();
    half_methods!();
}

impl WriteHalf<'_> {
    write_half_methods!();
    half_methods!();

    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        self.0.shutdown_write()
    }
}

impl AsRef<TcpStream> for ReadHalf<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.0
    }
}

impl AsRef<TcpStream> for WriteHalf<'_> {
    fn as_ref(&self) -> &TcpStream {
        self.0
    }
}
