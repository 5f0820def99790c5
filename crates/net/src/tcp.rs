//! TCP: listener, stream, the two ways to split one, and sockets configured by hand.
//!
//! `stream` holds what every operation of a connection comes down to; `connect`, `split` and
//! `owned` are built on it, and `socket` on `std`'s and `socket2`'s calls.

mod backoff;
mod connect;
mod halves;
mod listener;
mod owned;
mod readiness;
mod socket;
mod split;
mod stream;

use std::io;

pub use listener::TcpListener;
pub use owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
pub use socket::TcpSocket;
pub use split::{ReadHalf, WriteHalf};
pub use stream::TcpStream;

/// The error of a name that stands for no address at all.
fn no_address() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "could not resolve to any address",
    )
}
