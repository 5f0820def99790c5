//! [`TcpListener`]: a listening socket; how it [accepts](crate::accept) is said elsewhere.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use socket2::SockRef;

use super::{TcpSocket, TcpStream};
use crate::ToSocketAddrs;
use crate::accept::Acceptor;
use crate::addr::{no_address, resolve};
use crate::system::{WANTS_REUSEADDR, lends_handle};

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
    acceptor: Acceptor<mio::net::TcpListener>,
}

impl TcpListener {
    /// Binds a listener to `addr`, with a backlog of [`DEFAULT_BACKLOG`](TcpSocket::DEFAULT_BACKLOG) and
    /// with `SO_REUSEADDR`, but not on Windows, where anybody could then take the address over.
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
        Err(last.unwrap_or_else(no_address))
    }

    fn bind_one(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::for_addr(addr)?;
        if WANTS_REUSEADDR {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(addr)?;
        socket.listen(TcpSocket::DEFAULT_BACKLOG)
    }

    /// Binds `count` listeners, at least one, to the same address with `SO_REUSEPORT`; the kernel
    /// spreads the connections among them.
    ///
    /// Meant for one listener per worker. Port 0 asks the system for a free port, the same for all.
    /// Any process of the same user may join the group. Unix only.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: only the resolution of a host name waits, and nothing is bound before it.
    #[cfg(unix)]
    pub async fn bind_group<A: ToSocketAddrs>(addr: A, count: usize) -> io::Result<Vec<Self>> {
        let mut last = None;
        for addr in resolve(addr).await? {
            match Self::bind_group_to(addr, count.max(1)) {
                Ok(listeners) => return Ok(listeners),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    #[cfg(unix)]
    fn bind_group_to(mut addr: SocketAddr, count: usize) -> io::Result<Vec<Self>> {
        let mut group = Vec::with_capacity(count);
        for _ in 0..count {
            let socket = TcpSocket::for_addr(addr)?;
            socket.set_reuseaddr(true)?;
            socket.set_reuseport(true)?;
            socket.bind(addr)?;
            // The port that was chosen for the first is the port of all.
            addr = socket.local_addr()?;
            group.push(socket.listen(TcpSocket::DEFAULT_BACKLOG)?);
        }
        Ok(group)
    }

    /// Wraps a listener that is already non-blocking.
    #[track_caller]
    pub(super) fn from_nonblocking(listener: std::net::TcpListener) -> io::Result<Self> {
        Ok(Self {
            acceptor: Acceptor::new(mio::net::TcpListener::from_std(listener))?,
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
        let (io, peer) = self.acceptor.accept().await?;
        Ok((TcpStream::from_evented(io), peer))
    }

    /// Polls for a connection; as [`accept`](TcpListener::accept), for hand-written futures.
    ///
    /// Of several tasks that poll this way, only the last one to return `Pending` is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](TcpListener::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = self.acceptor.poll_accept(cx);
        accepted.map_ok(|(io, peer)| (TcpStream::from_evented(io), peer))
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
        Self::from_nonblocking(listener)
    }

    /// Turns this listener into one of the standard library, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the listener; it is then closed.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        self.acceptor.into_source().map(Into::into)
    }

    /// Returns the address the listener is bound to.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.source().local_addr()
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

lends_handle!(TcpListener: acceptor.source());

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acceptor.source().fmt(f)
    }
}
