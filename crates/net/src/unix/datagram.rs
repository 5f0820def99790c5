//! [`UnixDatagram`]: datagrams within a machine. How they are moved is in
//! [`datagram`](crate::datagram).
//!
//! # Protocol of a send to a name
//!
//! A receiver whose queue is full makes sendto(2) `WouldBlock`, but room in the queue of a peer that
//! this socket is *not* connected to causes no event here. So [`UnixDatagram::send_to`] tries again
//! at an event or after a pause, whichever comes first: [`FIRST_PAUSE`], doubling up to
//! [`LONGEST_PAUSE`]. A connected socket hears of room; its sends wait for that.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use heist_reactor::{Direction, Interest, Sleep};
use socket2::{SockAddr, SockRef};

use super::{SocketAddr, UnixSocket};
use crate::Evented;
use crate::datagram::{Datagrams, datagram_methods};
use crate::readiness::{poll_readiness_methods, readiness_methods};
use crate::system::Sender;

/// The pause after the first attempt that met a full queue.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The pause that repeated attempts end at.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A Unix socket for datagrams, which arrive whole, in order and surely. Unix only.
///
/// Dropping it leaves its file behind, if it was bound to a path.
///
/// # Examples
///
/// ```
/// # mod heist { pub use heist_net as net; }
/// # async fn run() -> std::io::Result<()> {
/// use heist::net::UnixDatagram;
///
/// let (one, other) = UnixDatagram::pair()?;
/// one.send(b"loot").await?;
/// let mut buf = [0; 16];
/// assert_eq!(other.recv(&mut buf).await?, 4);
/// # Ok(())
/// # }
/// ```
pub struct UnixDatagram {
    io: Evented<mio::net::UnixDatagram>,
}

impl Datagrams for mio::net::UnixDatagram {
    type Addr = SocketAddr;

    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.send(buf)
    }

    fn sender(addr: Option<Sender>) -> io::Result<SocketAddr> {
        SocketAddr::from_received(addr)
    }
}

impl UnixDatagram {
    /// Binds a socket to `path`, which must not exist yet; one that begins with a null byte is an
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
        let socket = UnixSocket::new_datagram()?;
        socket.bind(path)?;
        socket.datagram()
    }

    /// Makes a socket without a name: it can send, and receive once it is connected.
    ///
    /// # Errors
    ///
    /// Those of socket(2).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn unbound() -> io::Result<Self> {
        UnixSocket::new_datagram()?.datagram()
    }

    /// Makes two sockets that are connected to each other and have no name.
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
        let (one, other) = mio::net::UnixDatagram::pair()?;
        Ok((Self::new(one)?, Self::new(other)?))
    }

    #[track_caller]
    fn new(socket: mio::net::UnixDatagram) -> io::Result<Self> {
        Ok(Self {
            io: Evented::new(socket)?,
        })
    }

    /// Wraps a descriptor that is already non-blocking.
    #[track_caller]
    pub(super) fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        Self::new(mio::net::UnixDatagram::from(fd))
    }

    /// Turns a socket of the standard library into one of this runtime.
    ///
    /// The socket is set to non-blocking mode, so any is welcome.
    ///
    /// # Errors
    ///
    /// When the system refuses to change the mode or to register the socket.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_std(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Self::from_fd(socket.into())
    }

    /// Turns this socket into one of the standard library, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the socket; it is then closed.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixDatagram> {
        self.io.into_source().map(Into::into)
    }

    /// Connects the socket to the one at `path`: [`send`](Self::send) goes there, and only what
    /// comes from there is received.
    ///
    /// # Errors
    ///
    /// Those of connect(2).
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        SockRef::from(self).connect(&SockAddr::unix(path)?)
    }

    readiness_methods!();
    poll_readiness_methods!(poll_recv_ready, poll_send_ready);
    datagram_methods!(SocketAddr);

    /// Sends a datagram to the socket at `target` and returns its length.
    ///
    /// Waits while the receiver's queue is full.
    ///
    /// # Errors
    ///
    /// Those of sendto(2): `NotFound` when there is no such file, `ConnectionRefused` when its
    /// socket is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future dropped before it completes has sent nothing.
    pub async fn send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        let target = SockAddr::unix(target)?;
        let handle = self.io.registration().handle();
        let mut pause = FIRST_PAUSE;
        loop {
            let mut timer: Option<Sleep> = None;
            let attempt = poll_fn(|cx| {
                if let Poll::Ready(sent) = self.poll_send_to_addr(cx, buf, &target) {
                    return Poll::Ready(Some(sent));
                }
                let deadline = handle.now() + pause;
                let timer = timer.get_or_insert_with(|| Sleep::until_with_handle(deadline, handle));
                Pin::new(timer).poll(cx).map(|()| None)
            });
            if let Some(sent) = attempt.await {
                return sent;
            }
            // The registration holds the socket unwritable; only the socket knows better.
            match self.send_to_addr(buf, &target) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return sent,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Polls for room to send a datagram to the socket at `target`, and sends it.
    ///
    /// Of several tasks that poll for sending, only the last one is woken. The system tells of room
    /// in this socket, not in the queue of a receiver it is not connected to:
    /// [`send_to`](Self::send_to) waits for both.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    pub fn poll_send_to<P: AsRef<Path>>(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: P,
    ) -> Poll<io::Result<usize>> {
        self.poll_send_to_addr(cx, buf, &SockAddr::unix(target)?)
    }

    fn poll_send_to_addr(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: &SockAddr,
    ) -> Poll<io::Result<usize>> {
        let send = || self.send_to_addr(buf, target);
        self.io.registration().poll_io(cx, Direction::Write, send)
    }

    fn send_to_addr(&self, buf: &[u8], target: &SockAddr) -> io::Result<usize> {
        SockRef::from(self).send_to(buf, target)
    }

    /// Sends a datagram to the socket at `target`, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the receiver's queue is full, else as [`send_to`](Self::send_to).
    pub fn try_send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        let target = SockAddr::unix(target)?;
        self.try_io(Interest::WRITABLE, || self.send_to_addr(buf, &target))
    }

    /// Returns the name of this socket.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr().map(Into::into)
    }

    /// Returns the name of the socket this one is connected to.
    ///
    /// # Errors
    ///
    /// Those of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().peer_addr().map(Into::into)
    }

    /// Takes the error pending on the socket (`SO_ERROR`), if any.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.source().take_error()
    }

    /// Ends receiving, sending, or both.
    ///
    /// # Errors
    ///
    /// Those of shutdown(2).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.source().shutdown(how)
    }

    pub(crate) fn evented(&self) -> &Evented<mio::net::UnixDatagram> {
        &self.io
    }
}

impl TryFrom<std::os::unix::net::UnixDatagram> for UnixDatagram {
    type Error = io::Error;

    /// As [`UnixDatagram::from_std`].
    fn try_from(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        Self::from_std(socket)
    }
}

impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl AsRawFd for UnixDatagram {
    fn as_raw_fd(&self) -> RawFd {
        self.io.source().as_raw_fd()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}
