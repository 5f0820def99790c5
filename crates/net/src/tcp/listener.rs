//! [`TcpListener`]: accepting connections, whatever happens to the process meanwhile.
//!
//! # Protocol of an accept
//!
//! 1. Wait until the listener's [pause](super::backoff) is over, if there is one.
//! 2. Attempt: skip connections that died in the queue; on exhaustion begin a pause instead of
//!    failing; on `WouldBlock` wait for readiness (the registration's loop does that).
//! 3. Admit: register the new socket. Exhaustion here closes that one connection and pauses.
//!
//! Between the system call that yields a connection and the return there is no await, so a dropped
//! accept never drops a connection.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use heist_reactor::{Direction, Handle, Interest, Sleep};
use socket2::SockRef;

use super::backoff::{Backoff, Failure};
use super::{TcpSocket, TcpStream};
use crate::addr::resolve;
use crate::{Evented, ToSocketAddrs};

/// A socket that listens for TCP connections.
///
/// Accepting survives exhaustion. When the process or the system is out of descriptors or memory
/// (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`), [`accept`](TcpListener::accept) does not fail: it
/// pauses, 10 ms at first and up to 1 s while the shortage lasts, and serves the waiting
/// connections once it is over. Connections that die before they are accepted are skipped.
///
/// # Examples
///
/// ```no_run
/// # mod heist { pub use heist_net as net; }
/// # async fn serve(stream: heist::net::TcpStream) {}
/// # async fn run() -> std::io::Result<()> {
/// use heist::net::TcpListener;
///
/// let listener = TcpListener::bind("127.0.0.1:8080").await?;
/// loop {
///     let (stream, peer) = listener.accept().await?;
///     println!("connection from {peer}");
///     serve(stream).await;
/// }
/// # }
/// ```
pub struct TcpListener {
    io: Evented<mio::net::TcpListener>,
    backoff: Backoff,
}

/// What one attempt to accept came to.
enum Attempt {
    Accepted(mio::net::TcpStream, SocketAddr),
    /// The listener pauses. Not an error, lest the registration clear the readiness.
    Paused,
}

impl TcpListener {
    /// Binds a listener to `addr`, with `SO_REUSEADDR` and a backlog of
    /// [`DEFAULT_BACKLOG`](TcpSocket::DEFAULT_BACKLOG).
    ///
    /// Port 0 asks the system for a free port; [`local_addr`](TcpListener::local_addr) tells which.
    /// If `addr` yields several addresses, the first that can be bound is. For other options use
    /// [`TcpSocket`].
    ///
    /// # Errors
    ///
    /// When the name cannot be resolved, or the error of the last address tried.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: only the resolution of a host name waits, and nothing is bound before it.
    pub async fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<Self> {
        let mut last = None;
        for addr in resolve(addr).await? {
            match Self::bind_one(addr) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(super::no_address))
    }

    fn bind_one(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::for_addr(addr)?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(TcpSocket::DEFAULT_BACKLOG)
    }

    /// Wraps a listening descriptor that is already non-blocking.
    #[track_caller]
    pub(super) fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            io: Evented::new(mio::net::TcpListener::from(fd))?,
            backoff: Backoff::default(),
        })
    }

    /// Accepts a connection, waiting for one if there is none.
    ///
    /// Any number of tasks may wait at once. The new stream belongs to the runtime of the caller.
    ///
    /// # Errors
    ///
    /// When the listener itself is broken or its runtime has shut down. Unlike tokio's, not for
    /// lack of descriptors or memory: see [`TcpListener`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future dropped before it completes has accepted nothing.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let registration = self.io.registration();
        loop {
            let handle = registration.handle();
            if let Some(until) = self.backoff.pause(|| handle.now()) {
                let mut timer = Sleep::until_with_handle(until, handle);
                poll_fn(|cx| self.poll_timer(cx, &mut timer)).await?;
            }
            let attempt = registration
                .async_io(Interest::READABLE, || self.attempt())
                .await?;
            if let Some(accepted) = self.admit(attempt)? {
                return Ok(accepted);
            }
        }
    }

    /// Polls for a connection; as [`accept`](TcpListener::accept), for hand-written futures.
    ///
    /// Of several tasks that poll this way, only the last one to return `Pending` is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](TcpListener::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        loop {
            ready!(self.poll_pause(cx))?;
            let registration = self.io.registration();
            let attempt = ready!(registration.poll_io(cx, Direction::Read, || self.attempt()))?;
            if let Some(accepted) = self.admit(attempt)? {
                return Poll::Ready(Ok(accepted));
            }
        }
    }

    fn poll_pause(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let handle = self.io.registration().handle();
        let Some(until) = self.backoff.pause(|| handle.now()) else {
            return Poll::Ready(Ok(()));
        };
        let mut timer = self
            .backoff
            .take_poll_timer()
            .filter(|timer| timer.deadline() == until)
            .unwrap_or_else(|| Sleep::until_with_handle(until, handle));
        let polled = self.poll_timer(cx, &mut timer);
        self.backoff.leave_poll_timer(timer);
        polled
    }

    /// Polls the timer of a pause, unless the runtime has shut down: a timer would panic then.
    fn poll_timer(&self, cx: &mut Context<'_>, timer: &mut Sleep) -> Poll<io::Result<()>> {
        // Ready throughout a pause, so this tells at once whether there is still a reactor.
        let alive = pin!(self.io.registration().readiness(Interest::READABLE)).poll(cx);
        if let Poll::Ready(Err(error)) = alive {
            return Poll::Ready(Err(error));
        }
        Pin::new(timer).poll(cx).map(Ok)
    }

    /// Attempts to accept without waiting.
    fn attempt(&self) -> io::Result<Attempt> {
        /// Dead connections skipped in one attempt, so that a flood of them cannot hold a worker.
        const SKIP_AT_MOST: usize = 64;

        let handle = self.io.registration().handle();
        if self.backoff.pause(|| handle.now()).is_some() {
            return Ok(Attempt::Paused);
        }
        for _ in 0..SKIP_AT_MOST {
            match self.io.source().accept() {
                Ok((stream, peer)) => return Ok(Attempt::Accepted(stream, peer)),
                Err(error) => match Failure::of(&error) {
                    Failure::Connection => {}
                    Failure::Exhausted => break,
                    Failure::Other => return Err(error),
                },
            }
        }
        self.backoff.failed(handle.now());
        Ok(Attempt::Paused)
    }

    /// Registers an accepted socket; `None` when there is nothing to return yet.
    fn admit(&self, attempt: Attempt) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        let Attempt::Accepted(stream, peer) = attempt else {
            return Ok(None);
        };
        let own = self.io.registration().handle();
        let handle = Handle::try_current();
        match TcpStream::with_handle(stream, handle.as_ref().unwrap_or(own)) {
            Ok(stream) => {
                self.backoff.succeeded();
                Ok(Some((stream, peer)))
            }
            // epoll_ctl(2) reports its own limit on watches as ENOSPC.
            Err(error)
                if Failure::of(&error) == Failure::Exhausted
                    || error.kind() == io::ErrorKind::StorageFull =>
            {
                self.backoff.failed(own.now());
                Ok(None)
            }
            Err(error) => Err(error),
        }
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
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::from_fd(listener.into())
    }

    /// Turns this listener into one of the standard library, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the listener; it is then closed.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        self.io.into_source().map(Into::into)
    }

    /// Returns the address the listener is bound to.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr()
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
}

impl TryFrom<std::net::TcpListener> for TcpListener {
    type Error = io::Error;

    /// As [`TcpListener::from_std`].
    fn try_from(listener: std::net::TcpListener) -> io::Result<Self> {
        Self::from_std(listener)
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().as_fd()
    }
}

impl AsRawFd for TcpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.io.source().as_raw_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}
