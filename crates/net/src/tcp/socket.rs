//! [`TcpSocket`]: a socket to be configured before it listens or connects.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::{TcpListener, TcpStream, connect};
use crate::system::{holds_handle, is_connecting, lends_handle, new_socket};

/// A TCP socket that is neither connected nor listening yet, for setting options first.
///
/// It is non-blocking and close-on-exec from its first moment. It belongs to no runtime until
/// [`listen`](TcpSocket::listen) or [`connect`](TcpSocket::connect).
///
/// # Examples
///
/// Several listeners on one port, among which the kernel spreads the connections:
///
/// ```no_run
/// # mod heist { pub use heist_net as net; }
/// # async fn run() -> std::io::Result<()> {
/// use heist::net::TcpSocket;
///
/// let addr = "127.0.0.1:8080".parse().expect("an address");
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuseport(true)?;
/// socket.bind(addr)?;
/// let listener = socket.listen(1024)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TcpSocket {
    socket: Socket,
}

impl TcpSocket {
    /// The backlog of [`TcpListener::bind`]: how many connections the kernel completes ahead of
    /// `accept`. Linux cuts it to `net.core.somaxconn`, which is this number by default.
    pub const DEFAULT_BACKLOG: u32 = 4096;

    /// Makes a socket for IPv4 addresses.
    ///
    /// # Errors
    ///
    /// Those of socket(2).
    pub fn new_v4() -> io::Result<Self> {
        Self::new(Domain::IPV4)
    }

    /// Makes a socket for IPv6 addresses.
    ///
    /// # Errors
    ///
    /// Those of socket(2).
    pub fn new_v6() -> io::Result<Self> {
        Self::new(Domain::IPV6)
    }

    /// Makes a socket for the family of `addr`.
    pub(super) fn for_addr(addr: SocketAddr) -> io::Result<Self> {
        Self::new(Domain::for_address(addr))
    }

    fn new(domain: Domain) -> io::Result<Self> {
        let socket = new_socket(domain, Type::STREAM, Some(Protocol::TCP))?;
        Ok(Self { socket })
    }

    /// Turns a stream of the standard library, connected or not, into a socket.
    ///
    /// As in tokio, the stream's mode is left alone here; [`connect`](Self::connect) and
    /// [`listen`](Self::listen) set it to non-blocking.
    pub fn from_std_stream(stream: std::net::TcpStream) -> Self {
        Self {
            socket: stream.into(),
        }
    }

    /// Binds the socket to a local address. Port 0 asks the system for a free one.
    ///
    /// # Errors
    ///
    /// Those of bind(2).
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.socket.bind(&addr.into())
    }

    /// Connects to `addr`.
    ///
    /// # Errors
    ///
    /// Those of connect(2), and whatever the attempt ends with.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the socket.
    pub async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream> {
        self.socket.set_nonblocking(true)?;
        if let Err(error) = self.socket.connect(&addr.into()) {
            if !is_connecting(&error) {
                return Err(error);
            }
        }
        connect::finish(TcpStream::from_nonblocking(self.socket.into())?).await
    }

    /// Listens for connections. `backlog` is how many the kernel completes ahead of `accept`.
    ///
    /// # Errors
    ///
    /// Those of listen(2), or when the system refuses to register the socket.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.socket.set_nonblocking(true)?;
        self.socket
            .listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        TcpListener::from_nonblocking(self.socket.into())
    }

    /// Returns the address the socket is bound to.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()?.as_socket().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "not an IPv4 or IPv6 socket")
        })
    }

    /// Takes the error pending on the socket (`SO_ERROR`), if any.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }
}

/// Writes a getter and a setter of one socket option, with the errors they share.
macro_rules! options {
    ($(
        $(#[$doc:meta])*
        $get:ident, $set:ident: $value:ty = $inner_get:ident, $inner_set:ident
        $(, if $cfg:meta: $only:literal)?;
    )+) => {
        /// Options. See socket(7), ip(7) and tcp(7).
        impl TcpSocket {$(
            #[doc = concat!("Sets what [`", stringify!($get), "`](Self::", stringify!($get), ") returns.")]
            $(#[doc = $only] #[cfg($cfg)])?
            ///
            /// # Errors
            ///
            /// Those of setsockopt(2).
            pub fn $set(&self, value: $value) -> io::Result<()> {
                self.socket.$inner_set(value)
            }

            $(#[$doc])*
            $(#[doc = $only] #[cfg($cfg)])?
            ///
            /// # Errors
            ///
            /// Those of getsockopt(2).
            pub fn $get(&self) -> io::Result<$value> {
                self.socket.$inner_get()
            }
        )+}
    };
}

options! {
    /// Tells whether the kernel probes an idle connection (`SO_KEEPALIVE`).
    keepalive, set_keepalive: bool = keepalive, set_keepalive;
    /// Tells whether an address may be bound while connections of its last owner linger
    /// (`SO_REUSEADDR`).
    reuseaddr, set_reuseaddr: bool = reuse_address, set_reuse_address;
    /// Tells whether several sockets may be bound to one address, among which the kernel spreads
    /// the connections (`SO_REUSEPORT`).
    reuseport, set_reuseport: bool = reuse_port, set_reuse_port, if unix: "Unix only.";
    /// Returns how long closing waits for unsent data (`SO_LINGER`). Any `Some` but zero makes
    /// closing block the thread.
    linger, set_linger: Option<Duration> = linger, set_linger;
    /// Tells whether small writes are sent at once (`TCP_NODELAY`).
    nodelay, set_nodelay: bool = tcp_nodelay, set_tcp_nodelay;
    /// Tells whether an IPv6 socket refuses IPv4 peers (`IPV6_V6ONLY`).
    only_v6, set_only_v6: bool = only_v6, set_only_v6;
    /// Returns the type-of-service field of IPv4 packets (`IP_TOS`).
    tos_v4, set_tos_v4: u32 = tos_v4, set_tos_v4;
    /// Returns the traffic-class field of IPv6 packets (`IPV6_TCLASS`).
    tclass_v6, set_tclass_v6: u32 = tclass_v6, set_tclass_v6, if unix: "Unix only.";
}

/// Options whose signatures differ from those of the system.
impl TcpSocket {
    /// Makes closing reset the connection and discard unsent data (`SO_LINGER` of zero).
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// Sets the size of the kernel's send buffer in bytes (`SO_SNDBUF`). Linux doubles it.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_send_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.socket.set_send_buffer_size(bytes as usize)
    }

    /// Returns the size of the kernel's send buffer in bytes (`SO_SNDBUF`).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        self.socket.send_buffer_size().map(saturate)
    }

    /// Sets the size of the kernel's receive buffer in bytes (`SO_RCVBUF`). Linux doubles it.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_recv_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.socket.set_recv_buffer_size(bytes as usize)
    }

    /// Returns the size of the kernel's receive buffer in bytes (`SO_RCVBUF`).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        self.socket.recv_buffer_size().map(saturate)
    }

    /// Returns the network interface the socket is bound to, if any (`SO_BINDTODEVICE`). Linux
    /// only.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        self.socket.device()
    }

    /// Binds the socket to a network interface, or to none (`SO_BINDTODEVICE`). Linux only.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.socket.bind_device(interface)
    }
}

fn saturate(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

lends_handle!(TcpSocket: socket);
holds_handle!(TcpSocket: socket);
