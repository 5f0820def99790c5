//! [`UnixListener`]: a listening socket; how it [accepts](crate::accept) is said elsewhere.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::task::{Context, Poll};

use super::{SocketAddr, UnixSocket, UnixStream};
use crate::accept::{Acceptor, Listen};

/// A socket that listens for connections from this machine. Unix only.
///
/// As [`TcpListener`](crate::TcpListener) it outlives a shortage of descriptors. Dropping it leaves
/// its file behind: remove that before binding to the same path again.
///
/// # Examples
///
/// ```no_run
/// # mod heist { pub use heist_net as net; }
/// # async fn serve(stream: heist::net::UnixStream) {}
/// # async fn run() -> std::io::Result<()> {
/// use heist::net::UnixListener;
///
/// let listener = UnixListener::bind("/run/vault.sock")?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     serve(stream).await;
/// }
/// # }
/// ```
pub struct UnixListener {
    acceptor: Acceptor<mio::net::UnixListener>,
}

impl Listen for mio::net::UnixListener {
    type Stream = mio::net::UnixStream;
    type Addr = std::os::unix::net::SocketAddr;

    fn accept(&self) -> io::Result<(Self::Stream, Self::Addr)> {
        self.accept()
    }
}

impl UnixListener {
    /// Binds a listener to `path`, which must not exist yet; one that begins with a null byte is an
    /// abstract name.
    ///
    /// # Errors
    ///
    /// Those of bind(2): `AddrInUse` when there is such a file.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<Self> {
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        socket.listen(UnixSocket::DEFAULT_BACKLOG)
    }

    /// Binds a listener to that name.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<Self> {
        let socket = UnixSocket::new_stream()?;
        socket.bind_addr(addr)?;
        socket.listen(UnixSocket::DEFAULT_BACKLOG)
    }

    /// Wraps a listening descriptor that is already non-blocking.
    #[track_caller]
    pub(super) fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            acceptor: Acceptor::new(mio::net::UnixListener::from(fd))?,
        })
    }

    /// Turns a listener of the standard library into one of this runtime.
    ///
    /// The listener is set to non-blocking mode, so any is welcome.
    ///
    /// # Errors
    ///
    /// When the system refuses to change the mode or to register the listener.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::from_fd(listener.into())
    }

    /// Turns this listener into one of the standard library, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the listener; it is then closed.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixListener> {
        self.acceptor.into_source().map(Into::into)
    }

    /// Accepts a connection, waiting for one if there is none.
    ///
    /// Any number of tasks may wait at once. The new stream belongs to the runtime of the caller.
    ///
    /// # Errors
    ///
    /// When the listener itself is broken or its runtime has shut down; not for lack of descriptors.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future dropped before it completes has accepted nothing.
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (io, peer) = self.acceptor.accept().await?;
        Ok((UnixStream::from_evented(io), peer.into()))
    }

    /// Polls for a connection; as [`accept`](Self::accept), for hand-written futures.
    ///
    /// Of several tasks that poll this way, only the last one to return `Pending` is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        let accepted = self.acceptor.poll_accept(cx);
        accepted.map_ok(|(io, peer)| (UnixStream::from_evented(io), peer.into()))
    }

    /// Returns the name the listener is bound to.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.source().local_addr().map(Into::into)
    }

    /// Takes the error pending on the socket (`SO_ERROR`), if any.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.acceptor.source().take_error()
    }
}

impl TryFrom<std::os::unix::net::UnixListener> for UnixListener {
    type Error = io::Error;

    /// As [`UnixListener::from_std`].
    fn try_from(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        Self::from_std(listener)
    }
}

impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.acceptor.source().as_fd()
    }
}

impl AsRawFd for UnixListener {
    fn as_raw_fd(&self) -> RawFd {
        self.acceptor.source().as_raw_fd()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acceptor.source().fmt(f)
    }
}
