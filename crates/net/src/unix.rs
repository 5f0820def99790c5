//! Unix sockets and pipes: streams, listeners, datagrams, FIFOs between processes of one machine.
//!
//! Unix only. A socket's name is a path, or on Linux an *abstract* name, which needs no file:
//! [`SocketAddr::from_abstract_name`], or a path that begins with a null byte.

mod addr;
#[cfg(target_os = "linux")]
mod cred;
mod datagram;
mod halves;
mod listener;
pub mod pipe;
mod socket;
mod stream;

pub use addr::SocketAddr;
#[cfg(target_os = "linux")]
pub use cred::{UCred, gid_t, pid_t, uid_t};
pub use datagram::UnixDatagram;
pub use halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use listener::UnixListener;
pub use socket::UnixSocket;
pub use stream::UnixStream;
