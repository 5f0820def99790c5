//! Unix: sockets are descriptors, and operations are their system calls.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;

use mio::event::Source;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmsg};
#[cfg(target_os = "linux")]
use socket2::{Domain, Protocol, Socket as NewSocket, Type};

use crate::Evented;

pub(crate) use heist_reactor::buf::{peek, peek_from, recv, recv_from};

/// A source that is a socket.
pub trait Socket: AsFd {}

impl<S: AsFd> Socket for S {}

/// Who sent a datagram.
pub(crate) type Sender = SocketAddrAny;

/// Whether a listener wants `SO_REUSEADDR`, to be bound while connections of its last owner linger.
pub(crate) const WANTS_REUSEADDR: bool = true;

/// Keeps a send to a peer that is gone from raising `SIGPIPE`.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// There it is an option of the socket, which mio, socket2 and the standard library set.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();

/// Runs `f`, an operation on the source of `io` that does not wait.
#[inline(always)]
pub(crate) fn attempt<S: Source, R>(
    _io: &Evented<S>,
    f: impl FnOnce() -> io::Result<R>,
) -> io::Result<R> {
    f()
}

/// Writes as much of `buf` as fits.
#[inline(always)]
pub(crate) fn send(socket: &impl AsFd, buf: &[u8]) -> io::Result<usize> {
    // Past libc, whose `send` is a point of cancellation for POSIX threads.
    Ok(rustix::net::send(socket, buf, NO_SIGNAL)?)
}

/// Writes several buffers in turn. The standard library's vectored write would raise `SIGPIPE`.
pub(crate) fn send_slices(socket: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut no_control = SendAncillaryBuffer::default();
    Ok(sendmsg(socket, bufs, &mut no_control, NO_SIGNAL)?)
}

/// Who sent a datagram over IPv4 or IPv6.
pub(crate) fn ip_sender(sender: Sender) -> io::Result<SocketAddr> {
    Ok(SocketAddr::try_from(sender)?)
}

/// Makes a socket, close-on-exec and non-blocking from its first moment.
#[cfg(target_os = "linux")]
pub(crate) fn new_socket(
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
) -> io::Result<NewSocket> {
    NewSocket::new_raw(domain, kind.nonblocking().cloexec(), protocol)
}

/// Whether a connect that says this has only begun.
pub(crate) fn is_connecting(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}

/// Whether an accept that says this has met a shortage of descriptors or memory.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

/// Whether an accept that says this speaks of one connection only. Linux reports errors that are
/// pending on the new connection through accept(2).
pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::INTR
                | Errno::PROTO
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH,
        )
    )
}

/// Lends a socket's descriptor, which is that of the source or socket at `$path`.
macro_rules! lends_handle {
    ($Socket:ident: $($path:tt)+) => {
        #[cfg(unix)]
        impl std::os::fd::AsFd for $Socket {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.$($path)+.as_fd()
            }
        }

        #[cfg(unix)]
        impl std::os::fd::AsRawFd for $Socket {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(self))
            }
        }
    };
}

/// Makes a socket of a descriptor, and back.
macro_rules! holds_handle {
    ($Socket:ident: $field:ident) => {
        #[cfg(unix)]
        impl From<std::os::fd::OwnedFd> for $Socket {
            /// Wraps a descriptor, which must be that of such a socket for any of the calls to make
            /// sense.
            fn from(fd: std::os::fd::OwnedFd) -> Self {
                Self { $field: fd.into() }
            }
        }

        #[cfg(unix)]
        impl From<$Socket> for std::os::fd::OwnedFd {
            fn from(socket: $Socket) -> Self {
                socket.$field.into()
            }
        }

        #[cfg(unix)]
        impl std::os::fd::IntoRawFd for $Socket {
            fn into_raw_fd(self) -> std::os::fd::RawFd {
                std::os::fd::IntoRawFd::into_raw_fd(self.$field)
            }
        }
    };
}

pub(crate) use {holds_handle, lends_handle};
