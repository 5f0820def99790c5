//! TCP: listener, stream, the two ways to split one, and sockets configured by hand.
//!
//! `stream` is a connection, `connect` makes one, `halves` split it; `socket` stands on `std`'s and
//! `socket2`'s calls.

mod connect;
mod halves;
mod listener;
mod socket;
mod stream;

pub use halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use listener::TcpListener;
pub use socket::TcpSocket;
pub use stream::TcpStream;
