//! [`UnixStream`]: a connection. Its bytes move through [`stream`](crate::stream).

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

#[cfg(target_os = "linux")]
use super::UCred;
use super::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, SocketAddr, UnixSocket, WriteHalf};
use crate::Evented;
use crate::readiness::{poll_readiness_methods, readiness_methods};
use crate::stream::{socket_channel, try_read_methods, try_write_methods};

/// A connection to another process, or another part of this one, over a Unix socket. Unix
/// only.
///
/// It reads and writes through the traits of the ecosystem: [`tokio::io::AsyncRead`] and
/// [`AsyncWrite`](tokio::io::AsyncWrite) always, those of `futures-io` and `hyper::rt` with the
/// features of these names. To read and write at the same time, [split](UnixStream::into_split) it.
///
/// # Examples
///
/// ```no_run
/// # mod heist { pub use heist_net as net; pub use tokio::io; }
/// # async fn run() -> std::io::Result<()> {
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
/// use heist::net::UnixStream;
///
/// let (mut near, mut far) = UnixStream::pair()?;
/// near.write_all(b"loot").await?;
/// drop(near);
/// let mut text = String::new();
/// far.read_to_string(&mut text).await?;
/// # Ok(())
/// # }
/// ```
pub struct UnixStream {
    io: Evented<mio::net::UnixStream>,
}

socket_channel!(mio::net::UnixStream, short_is_all: false);

impl UnixStream {
    /// Connects to the socket at `path`; one that begins with a null byte is an abstract name.
    ///
    /// # Errors
    ///
    /// Those of connect(2): `NotFound` when there is no such file, `ConnectionRefused` when nobody
    /// listens. When the listener's queue is full, this waits for room, where tokio fails with
    /// `WouldBlock`.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the socket.
    pub async fn connect<P: AsRef<Path>>(path: P) -> io::Result<Self> {
        UnixSocket::new_stream()?.connect(path).await
    }

    /// Connects to the socket of that name.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the socket.
    pub async fn connect_addr(addr: &SocketAddr) -> io::Result<Self> {
        UnixSocket::new_stream()?.connect_addr(addr).await
    }

    /// Makes two streams that are connected to each other and have no name.
    ///
    /// # Errors
    ///
    /// Those of socketpair(2).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = mio::net::UnixStream::pair()?;
        Ok((Self::new(one)?, Self::new(other)?))
    }

    #[track_caller]
    fn new(stream: mio::net::UnixStream) -> io::Result<Self> {
        Ok(Self {
            io: Evented::new(stream)?,
        })
    }

    pub(super) fn from_evented(io: Evented<mio::net::UnixStream>) -> Self {
        Self { io }
    }

    /// Wraps a stream descriptor that is already non-blocking.
    #[track_caller]
    pub(super) fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        Self::new(mio::net::UnixStream::from(fd))
    }

    /// Turns a stream of the standard library into one of this runtime.
    ///
    /// The stream is set to non-blocking mode, so any is welcome.
    ///
    /// # Errors
    ///
    /// When the system refuses to change the mode or to register the stream.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_std(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Self::from_fd(stream.into())
    }

    /// Turns this stream into one of the standard library, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the stream; it is then closed.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixStream> {
        self.io.into_source().map(Into::into)
    }

    /// Splits the stream into halves that borrow it. Costs nothing.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        super::halves::split(self)
    }

    /// Splits the stream into halves that own it together, for use in separate tasks.
    ///
    /// Dropping the write half shuts the write direction down. Costs one allocation.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        super::halves::into_split(self)
    }

    /// Returns the name of this end.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr().map(Into::into)
    }

    /// Returns the name of the other end.
    ///
    /// # Errors
    ///
    /// Those of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().peer_addr().map(Into::into)
    }

    /// Returns who is at the other end (`SO_PEERCRED`). Linux only.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn peer_cred(&self) -> io::Result<UCred> {
        UCred::of_peer(self)
    }

    /// Takes the error pending on the socket (`SO_ERROR`), if any.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.source().take_error()
    }

    readiness_methods!();
    poll_readiness_methods!(poll_read_ready, poll_write_ready);
    try_read_methods!();
    try_write_methods!();

    pub(crate) fn evented(&self) -> &Evented<mio::net::UnixStream> {
        &self.io
    }

    /// Tells the peer that nothing more will be written. Never waits.
    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        self.io.end_writing()
    }
}

impl TryFrom<std::os::unix::net::UnixStream> for UnixStream {
    type Error = io::Error;

    /// As [`UnixStream::from_std`].
    fn try_from(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        Self::from_std(stream)
    }
}

impl AsRef<UnixStream> for UnixStream {
    fn as_ref(&self) -> &UnixStream {
        self
    }
}

impl AsFd for UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl AsRawFd for UnixStream {
    fn as_raw_fd(&self) -> RawFd {
        self.io.source().as_raw_fd()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}
