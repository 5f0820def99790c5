//! [`UnixSocket`]: a socket to be bound before it listens, connects or sends.
//!
//! # Protocol of a connect
//!
//! connect(2) on a Unix socket either succeeds at once or fails at once; only a full queue at the
//! listener makes it `WouldBlock`, and then no event ever tells of room. So that one case is tried
//! again after a pause, [`FIRST_PAUSE`] at first and doubling up to [`LONGEST_PAUSE`].

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use heist_reactor::{Handle, Sleep};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use crate::system::new_socket;

/// The pause after the first attempt that met a full queue.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The pause that repeated attempts end at.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// A Unix socket that is neither connected nor listening yet. Unix only.
///
/// It is non-blocking and close-on-exec from its first moment, unless it was made from a descriptor, and
/// belongs to no runtime until [`listen`](Self::listen), [`connect`](Self::connect) or
/// [`datagram`](Self::datagram).
#[derive(Debug)]
pub struct UnixSocket {
    socket: Socket,
}

impl UnixSocket {
    /// The backlog of [`UnixListener::bind`]: how many connections wait to be accepted.
    pub const DEFAULT_BACKLOG: u32 = 4096;

    /// Makes a socket for a stream or a listener.
    ///
    /// # Errors
    ///
    /// Those of socket(2).
    pub fn new_stream() -> io::Result<Self> {
        Self::new(Type::STREAM)
    }

    /// Makes a socket for datagrams.
    ///
    /// # Errors
    ///
    /// Those of socket(2).
    pub fn new_datagram() -> io::Result<Self> {
        Self::new(Type::DGRAM)
    }

    fn new(kind: Type) -> io::Result<Self> {
        let socket = new_socket(Domain::UNIX, kind, None)?;
        Ok(Self { socket })
    }

    /// Binds the socket to `path`; one that begins with a null byte is an abstract name.
    ///
    /// # Errors
    ///
    /// Those of bind(2).
    pub fn bind(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket.bind(&SockAddr::unix(path)?)
    }

    /// Binds the socket to that name.
    pub(super) fn bind_addr(&self, addr: &SocketAddr) -> io::Result<()> {
        self.socket.bind(&sock_addr(addr)?)
    }

    /// Listens for connections; at most `backlog` of them wait to be accepted.
    ///
    /// # Errors
    ///
    /// Those of listen(2), among them that of a socket for datagrams.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<UnixListener> {
        self.socket.set_nonblocking(true)?;
        self.socket
            .listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        UnixListener::from_fd(self.socket.into())
    }

    /// Connects to the socket at `path`.
    ///
    /// # Errors
    ///
    /// As [`UnixStream::connect`], and `InvalidInput` for a socket for datagrams.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the socket.
    pub async fn connect(self, path: impl AsRef<Path>) -> io::Result<UnixStream> {
        self.connect_sock_addr(&SockAddr::unix(path)?).await
    }

    /// Connects to the socket of that name.
    pub(super) async fn connect_addr(self, addr: &SocketAddr) -> io::Result<UnixStream> {
        self.connect_sock_addr(&sock_addr(addr)?).await
    }

    async fn connect_sock_addr(self, addr: &SockAddr) -> io::Result<UnixStream> {
        self.expect_kind(Type::STREAM, "connect a datagram socket with `datagram`")?;
        self.socket.set_nonblocking(true)?;
        let handle = Handle::current();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.socket.connect(addr) {
                Ok(()) => return UnixStream::from_fd(self.socket.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            Sleep::until_with_handle(handle.now() + pause, &handle).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Turns the socket into one that sends and receives datagrams.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a socket for streams, or when the system refuses to register the socket.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn datagram(self) -> io::Result<UnixDatagram> {
        self.expect_kind(Type::DGRAM, "`datagram` needs a socket of `new_datagram`")?;
        self.socket.set_nonblocking(true)?;
        UnixDatagram::from_fd(self.socket.into())
    }

    fn expect_kind(&self, kind: Type, message: &'static str) -> io::Result<()> {
        if self.socket.r#type()? == kind {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }
}

/// The name as socket2 has it, which takes abstract names as paths that begin with a null byte.
fn sock_addr(addr: &SocketAddr) -> io::Result<SockAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = addr.as_abstract_name() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = [b"\0", name].concat();
        return SockAddr::unix(std::ffi::OsStr::from_bytes(&name));
    }
    SockAddr::unix(addr.as_pathname().unwrap_or(Path::new("")))
}

impl From<OwnedFd> for UnixSocket {
    /// Wraps a descriptor, which must be that of such a socket for any of the calls to make sense. Its mode
    /// is left alone here; the calls that end in a stream, a listener or datagrams set it to non-blocking.
    fn from(fd: OwnedFd) -> Self {
        Self { socket: fd.into() }
    }
}

impl From<UnixSocket> for OwnedFd {
    fn from(socket: UnixSocket) -> Self {
        socket.socket.into()
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for UnixSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl IntoRawFd for UnixSocket {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_raw_fd()
    }
}
