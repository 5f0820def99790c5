//! The halves of a [`TcpStream`]; beside what all halves have, those that read can peek.

use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;

use super::TcpStream;

crate::halves::split_halves!(TcpStream, SocketAddr);

macro_rules! peek_methods {
    () => {
        /// Reads without taking: the same bytes are there for the next read. Waits for at least
        /// one byte or the end of the stream.
        ///
        /// # Errors
        ///
        /// Those of recv(2).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: peeking takes nothing.
        pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.stream().peek(buf).await
        }

        /// Polls for bytes to look at, without taking them, and returns how many are in `buf`.
        ///
        /// # Errors
        ///
        /// Those of recv(2).
        pub fn poll_peek(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<usize>> {
            self.stream().poll_peek(cx, buf)
        }
    };
}

impl ReadHalf<'_> {
    peek_methods!();
}

impl OwnedReadHalf {
    peek_methods!();
}
