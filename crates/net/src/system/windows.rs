//! Windows: sockets are handles of their own kind, and every operation runs inside mio's `try_io`.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::os::windows::io::AsSocket;

use heist_reactor::buf::{self, Unfilled};
use mio::event::Source;
use socket2::SockRef;

use crate::Evented;

/// A source that is a socket, and has mio ask for its readiness again after a `WouldBlock`.
pub trait Socket: AsSocket {
    /// Runs `f`, an operation on the socket that does not wait.
    fn attempt<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R>;
}

macro_rules! attempts {
    ($($Source:ident),+) => {$(
        impl Socket for mio::net::$Source {
            fn attempt<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
                self.try_io(f)
            }
        }
    )+};
}

attempts!(TcpStream, UdpSocket);

/// Who sent a datagram.
pub(crate) type Sender = SocketAddr;

/// Whether a listener wants `SO_REUSEADDR`. Here an address can be bound again at once without it, and
/// with it by anybody.
pub(crate) const WANTS_REUSEADDR: bool = false;

/// `WSAEMFILE`: the process has no room for another socket.
const NO_MORE_SOCKETS: i32 = 10024;

/// `WSAENOBUFS`: the system has no room for another connection.
const NO_BUFFERS: i32 = 10055;

/// Runs `f`, an operation on the source of `io` that does not wait.
pub(crate) fn attempt<S: Source + Socket, R>(
    io: &Evented<S>,
    f: impl FnOnce() -> io::Result<R>,
) -> io::Result<R> {
    io.source().attempt(f)
}

/// Receives into the room of `buf`.
pub(crate) fn recv(socket: &impl Socket, buf: &mut impl Unfilled) -> io::Result<usize> {
    socket.attempt(|| buf::recv(socket, buf))
}

/// Receives into the room of `buf` and leaves it in the queue.
pub(crate) fn peek(socket: &impl Socket, buf: &mut impl Unfilled) -> io::Result<usize> {
    socket.attempt(|| buf::peek(socket, buf))
}

/// Receives a datagram and its sender.
pub(crate) fn recv_from(
    socket: &impl Socket,
    buf: &mut impl Unfilled,
) -> io::Result<(usize, Option<Sender>)> {
    socket.attempt(|| buf::recv_from(socket, buf))
}

/// Receives a datagram and its sender, and leaves it in the queue.
pub(crate) fn peek_from(
    socket: &impl Socket,
    buf: &mut impl Unfilled,
) -> io::Result<(usize, Option<Sender>)> {
    socket.attempt(|| buf::peek_from(socket, buf))
}

/// Writes as much of `buf` as fits.
pub(crate) fn send(socket: &impl Socket, buf: &[u8]) -> io::Result<usize> {
    socket.attempt(|| SockRef::from(socket).send(buf))
}

/// Writes several buffers in turn.
pub(crate) fn send_slices(socket: &impl Socket, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.attempt(|| SockRef::from(socket).send_vectored(bufs))
}

/// Who sent a datagram over IPv4 or IPv6.
pub(crate) fn ip_sender(sender: Sender) -> io::Result<SocketAddr> {
    Ok(sender)
}

/// Whether a connect that says this has only begun.
pub(crate) fn is_connecting(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

/// Whether an accept that says this has met a shortage of handles or memory.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(NO_MORE_SOCKETS | NO_BUFFERS))
        || error.kind() == ErrorKind::OutOfMemory
}

/// Whether an accept that says this speaks of one connection only.
pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}

/// Lends a socket's handle, which is that of the source or socket at `$path`.
macro_rules! lends_handle {
    ($Socket:ident: $($path:tt)+) => {
        #[cfg(windows)]
        impl std::os::windows::io::AsSocket for $Socket {
            fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
                self.$($path)+.as_socket()
            }
        }

        #[cfg(windows)]
        impl std::os::windows::io::AsRawSocket for $Socket {
            fn as_raw_socket(&self) -> std::os::windows::io::RawSocket {
                let socket = std::os::windows::io::AsSocket::as_socket(self);
                std::os::windows::io::AsRawSocket::as_raw_socket(&socket)
            }
        }
    };
}

/// Makes a socket of a handle, and back.
macro_rules! holds_handle {
    ($Socket:ident: $field:ident) => {
        #[cfg(windows)]
        impl From<std::os::windows::io::OwnedSocket> for $Socket {
            /// Wraps a handle, which must be that of such a socket for any of the calls to make sense.
            fn from(socket: std::os::windows::io::OwnedSocket) -> Self {
                Self {
                    $field: socket.into(),
                }
            }
        }

        #[cfg(windows)]
        impl From<$Socket> for std::os::windows::io::OwnedSocket {
            fn from(socket: $Socket) -> Self {
                socket.$field.into()
            }
        }

        #[cfg(windows)]
        impl std::os::windows::io::IntoRawSocket for $Socket {
            fn into_raw_socket(self) -> std::os::windows::io::RawSocket {
                std::os::windows::io::IntoRawSocket::into_raw_socket(self.$field)
            }
        }
    };
}

pub(crate) use {holds_handle, lends_handle};
