//! UDP: [`UdpSocket`], and with the feature `udp-batch` many datagrams per system call.

#[cfg(feature = "udp-batch")]
mod batch;
mod options;
mod peek;

#[cfg(feature = "udp-batch")]
pub use batch::{Received, UdpBatch};

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use heist_reactor::{Direction, Interest};

use crate::addr::{no_address, resolve};
use crate::datagram::{Datagrams, datagram_methods};
use crate::readiness::{poll_readiness_methods, readiness_methods};
use crate::system::{Sender, ip_sender, lends_handle};
use crate::{Evented, ToSocketAddrs};

/// A socket for UDP datagrams, connected to one peer or open to all.
///
/// All methods take `&self`, so one socket in an `Arc` serves any number of tasks.
///
/// A *connected* socket hears of refusals: when nobody listens at the peer's port, an ICMP message
/// comes back, and the next send or receive fails with `ConnectionRefused`. That is news of an
/// earlier datagram, told once; the socket stays open and usable. An unconnected socket on Linux
/// hears nothing of the kind. Windows calls it `ConnectionReset`, and tells unconnected sockets, too.
///
/// # Examples
///
/// ```
/// # mod heist { pub use heist_net as net; }
/// # async fn echo() -> std::io::Result<()> {
/// use heist::net::UdpSocket;
///
/// let socket = UdpSocket::bind("127.0.0.1:9000").await?;
/// let mut buf = [0; 1500];
/// loop {
///     let (length, sender) = socket.recv_from(&mut buf).await?;
///     socket.send_to(&buf[..length], sender).await?;
/// }
/// # }
/// ```
pub struct UdpSocket {
    io: Evented<mio::net::UdpSocket>,
}

impl Datagrams for mio::net::UdpSocket {
    type Addr = SocketAddr;

    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.send(buf)
    }

    fn sender(addr: Option<Sender>) -> io::Result<SocketAddr> {
        let addr = addr.ok_or_else(|| io::Error::other("a UDP datagram without a sender"))?;
        ip_sender(addr)
    }
}

impl UdpSocket {
    /// Binds a socket to `addr`. Port 0 asks the system for a free port.
    ///
    /// If `addr` yields several addresses, the first that can be bound is.
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
            match mio::net::UdpSocket::bind(addr) {
                Ok(socket) => return Self::new(socket),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    fn new(socket: mio::net::UdpSocket) -> io::Result<Self> {
        Ok(Self {
            io: Evented::new(socket)?,
        })
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
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            io: Evented::new(mio::net::UdpSocket::from_std(socket))?,
        })
    }

    /// Turns this socket into one of the standard library, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the socket; it is then closed.
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        self.io.into_source().map(Into::into)
    }

    /// Connects the socket to a peer: [`send`](Self::send) goes there, and only what comes from
    /// there is received.
    ///
    /// If `addr` yields several addresses, the first that works is taken. Nothing is sent.
    ///
    /// # Errors
    ///
    /// When the name cannot be resolved, or the error of the last address tried.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: only the resolution of a host name waits.
    pub async fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        let mut last = None;
        for addr in resolve(addr).await? {
            match self.io.source().connect(addr) {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    /// Returns the address of this end.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().local_addr()
    }

    /// Returns the address of the peer this socket is connected to.
    ///
    /// # Errors
    ///
    /// `NotConnected` when it is not, else those of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.source().peer_addr()
    }

    readiness_methods!();
    poll_readiness_methods!(poll_recv_ready, poll_send_ready);
    datagram_methods!(SocketAddr);

    /// Sends a datagram to `target` and returns its length. If `target` yields several addresses,
    /// the first one is taken.
    ///
    /// # Errors
    ///
    /// When the name cannot be resolved, or those of sendto(2).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future dropped before it completes has sent nothing.
    pub async fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], target: A) -> io::Result<usize> {
        let target = resolve(target).await?.next().ok_or_else(no_address)?;
        self.async_io(Interest::WRITABLE, || self.io.source().send_to(buf, target))
            .await
    }

    /// Polls for room to send a datagram to `target`, and sends it.
    ///
    /// Of several tasks that poll for sending, only the last one is woken.
    ///
    /// # Errors
    ///
    /// Those of sendto(2).
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        let send = || self.io.source().send_to(buf, target);
        self.io.registration().poll_io(cx, Direction::Write, send)
    }

    /// Sends a datagram to `target`, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room, else those of sendto(2).
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, || self.io.source().send_to(buf, target))
    }

    pub(crate) fn evented(&self) -> &Evented<mio::net::UdpSocket> {
        &self.io
    }
}

impl TryFrom<std::net::UdpSocket> for UdpSocket {
    type Error = io::Error;

    /// As [`UdpSocket::from_std`].
    fn try_from(socket: std::net::UdpSocket) -> io::Result<Self> {
        Self::from_std(socket)
    }
}

lends_handle!(UdpSocket: io.source());

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.source().fmt(f)
    }
}
