//! [`TcpStream`]: a connection. Its bytes move through [`stream`](crate::stream).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use heist_reactor::{Direction, Interest};
#[cfg(target_os = "linux")]
use rustix::net::sockopt;
use socket2::SockRef;
use tokio::io::ReadBuf;

use super::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::readiness::{poll_readiness_methods, readiness_methods};
use crate::stream::{try_read_methods, try_write_methods};
use crate::system::{lends_handle, peek};
use crate::{Evented, ToSocketAddrs};

/// A TCP connection between this process and a peer.
///
/// It reads and writes through the traits of the ecosystem: [`tokio::io::AsyncRead`] and
/// [`AsyncWrite`](tokio::io::AsyncWrite) always, those of `futures-io` and `hyper::rt` with the
/// features of these names. To read and write at the same time, [split](TcpStream::into_split) it.
///
/// Dropping the stream closes the connection.
///
/// # Examples
///
/// ```no_run
/// # mod heist { pub use heist_net as net; pub use tokio::io; }
/// # async fn run() -> std::io::Result<()> {
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
/// use heist::net::TcpStream;
///
/// let mut stream = TcpStream::connect("127.0.0.1:8080").await?;
/// stream.write_all(b"hello\n").await?;
/// let mut answer = [0; 1024];
/// let length = stream.read(&mut answer).await?;
/// println!("{} bytes came back", length);
/// # Ok(())
/// # }
/// ```
pub struct TcpStream {
    io: Evented<mio::net::TcpStream>,
}

impl TcpStream {
    /// Connects to `addr`. If it yields several addresses, they race as RFC 8305 ("happy eyeballs")
    /// has it: the families take turns, and an attempt that has not succeeded after 250 ms is joined
    /// by the next.
    ///
    /// # Errors
    ///
    /// When the name cannot be resolved, or the error of the last attempt to fail.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the sockets of the attempts under way.
    pub async fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<Self> {
        super::connect::connect(addr).await
    }

    #[track_caller]
    pub(super) fn new(stream: mio::net::TcpStream) -> io::Result<Self> {
        Ok(Self {
            io: Evented::new(stream)?,
        })
    }

    pub(super) fn from_evented(io: Evented<mio::net::TcpStream>) -> Self {
        Self { io }
    }

    /// Wraps a stream that is already non-blocking.
    #[track_caller]
    pub(super) fn from_nonblocking(stream: std::net::TcpStream) -> io::Result<Self> {
        Self::new(mio::net::TcpStream::from_std(stream))
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
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Self::from_nonblocking(stream)
    }

    /// Turns this stream into one of the standard library, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the stream; it is then closed.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
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

    /// Returns the address of this end.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr()
    }

    /// Returns the address of the other end.
    ///
    /// # Errors
    ///
    /// Those of getpeername(2), `NotConnected` among them once the peer has reset the connection.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().peer_addr()
    }

    /// Takes the error pending on the socket (`SO_ERROR`), if any.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.source().take_error()
    }

    /// Tells whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.source().nodelay()
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`) instead of being gathered.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.source().set_nodelay(nodelay)
    }

    /// Tells whether acknowledgements are sent at once (`TCP_QUICKACK`). Linux only.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn quickack(&self) -> io::Result<bool> {
        Ok(sockopt::tcp_quickack(self)?)
    }

    /// Sets whether acknowledgements are sent at once (`TCP_QUICKACK`). The kernel may leave this
    /// mode by itself later. Linux only.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        Ok(sockopt::set_tcp_quickack(self, quickack)?)
    }

    /// Returns how long closing waits for unsent data (`SO_LINGER`), or `None` for the default:
    /// closing returns at once and the kernel goes on sending.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self).linger()
    }

    /// Sets how long closing waits for unsent data (`SO_LINGER`), in whole seconds.
    ///
    /// Zero makes closing reset the connection. Any other `Some` makes *dropping the stream block
    /// the thread* for up to that long; prefer
    /// [`shutdown`](tokio::io::AsyncWriteExt::shutdown) and reading to the end.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(self).set_linger(linger)
    }

    /// Makes closing reset the connection and discard unsent data (`SO_LINGER` of zero).
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// Returns the time to live (`IP_TTL`) of packets sent from this socket, in hops.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn ttl(&self) -> io::Result<u32> {
        SockRef::from(self).ttl_v4()
    }

    /// Sets the time to live (`IP_TTL`) of packets sent from this socket, in hops.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        SockRef::from(self).set_ttl_v4(ttl)
    }

    readiness_methods!();
    poll_readiness_methods!(poll_read_ready, poll_write_ready);
    try_read_methods!();
    try_write_methods!();

    /// Reads without taking: the same bytes are there for the next read. Waits for at least one.
    ///
    /// Returns how many bytes are in `buf`; 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of recv(2).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: peeking takes nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.async_io(Interest::READABLE, || self.io.source().peek(buf))
            .await
    }

    /// Polls for bytes to look at, without taking them, and returns how many are now in `buf`.
    ///
    /// # Errors
    ///
    /// Those of recv(2).
    pub fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let attempt = || peek(self.io.source(), buf);
        let registration = self.io.registration();
        registration.poll_io(cx, Direction::Read, attempt)
    }

    pub(crate) fn evented(&self) -> &Evented<mio::net::TcpStream> {
        &self.io
    }

    /// Tells the peer that nothing more will be written. Never waits. To one that has reset the connection
    /// there is nothing to tell: that is no error.
    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        match self.io.end_writing() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}

impl TryFrom<std::net::TcpStream> for TcpStream {
    type Error = io::Error;

    /// As [`TcpStream::from_std`].
    fn try_from(stream: std::net::TcpStream) -> io::Result<Self> {
        Self::from_std(stream)
    }
}

impl AsRef<TcpStream> for TcpStream {
    fn as_ref(&self) -> &TcpStream {
        self
    }
}

lends_handle!(TcpStream: io.source());

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}
