//! TCP sockets. See [`TcpListener`] and [`TcpStream`].
//!
//! A socket belongs to the runtime it was made in; it can be used and dropped on any thread. Names
//! and meaning are tokio's. What differs is said where it differs: chiefly that
//! [`TcpListener::accept`] outlives a shortage of descriptors instead of failing.

pub use heist_net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host, tcp};
