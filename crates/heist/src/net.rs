//! Sockets and pipes: TCP, UDP, Unix.
//!
//! A socket belongs to the runtime it was made in; it can be used and dropped on any thread. Names
//! and meaning are tokio's. What differs is said where it differs: chiefly that
//! [`TcpListener::accept`] outlives a shortage of descriptors instead of failing. For other
//! descriptors there is [`AsyncFd`](crate::io::unix::AsyncFd).

pub use heist_net::{
    TcpListener, TcpSocket, TcpStream, ToSocketAddrs, UdpSocket, lookup_host, tcp, udp,
};
#[cfg(unix)]
pub use heist_net::{UnixDatagram, UnixListener, UnixSocket, UnixStream, unix};

#[cfg(all(unix, feature = "listen-fds"))]
pub use heist_net::Inherited;
