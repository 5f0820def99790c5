//! What sending and receiving datagrams comes down to, for UDP and Unix sockets alike.
//!
//! # Invariants
//!
//! - A datagram is taken whole: what does not fit into the caller's room is cut off, and an empty
//!   datagram is `Ok(0)`, not an end.
//! - An error pending on the socket (an ICMP refusal) goes to the next call that is made, once, and
//!   closes nothing: readiness is cleared by `WouldBlock` alone, whatever an event said.

use std::io;
use std::task::{Context, Poll};

use heist_reactor::buf::Unfilled;
use heist_reactor::{Direction, Interest};
use mio::event::Source;

use crate::Evented;
use crate::system::{self, Sender, Socket};

/// A source that carries datagrams. None of its calls waits.
pub trait Datagrams: Source + Socket {
    /// How its peers are named.
    type Addr;

    /// Sends to the peer the socket is connected to.
    fn send(&self, buf: &[u8]) -> io::Result<usize>;

    /// Says where a datagram came from.
    fn sender(addr: Option<Sender>) -> io::Result<Self::Addr>;
}

impl<S: Datagrams> Evented<S> {
    pub(crate) async fn recv(&self, buf: &mut impl Unfilled) -> io::Result<usize> {
        self.registration()
            .async_io(Interest::READABLE, || system::recv(self.source(), buf))
            .await
    }

    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buf: &mut impl Unfilled,
    ) -> Poll<io::Result<usize>> {
        self.registration()
            .poll_io(cx, Direction::Read, || system::recv(self.source(), buf))
    }

    pub(crate) fn try_recv(&self, buf: &mut impl Unfilled) -> io::Result<usize> {
        self.registration()
            .try_io(Interest::READABLE, || system::recv(self.source(), buf))
    }

    fn take(&self, buf: &mut impl Unfilled) -> io::Result<(usize, S::Addr)> {
        let (length, sender) = system::recv_from(self.source(), buf)?;
        Ok((length, S::sender(sender)?))
    }

    pub(crate) async fn recv_from(&self, buf: &mut impl Unfilled) -> io::Result<(usize, S::Addr)> {
        self.registration()
            .async_io(Interest::READABLE, || self.take(buf))
            .await
    }

    pub(crate) fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut impl Unfilled,
    ) -> Poll<io::Result<(usize, S::Addr)>> {
        self.registration()
            .poll_io(cx, Direction::Read, || self.take(buf))
    }

    pub(crate) fn try_recv_from(&self, buf: &mut impl Unfilled) -> io::Result<(usize, S::Addr)> {
        self.registration()
            .try_io(Interest::READABLE, || self.take(buf))
    }

    pub(crate) async fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.registration()
            .async_io(Interest::WRITABLE, || self.source().send(buf))
            .await
    }

    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.registration()
            .poll_io(cx, Direction::Write, || self.source().send(buf))
    }

    pub(crate) fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.registration()
            .try_io(Interest::WRITABLE, || self.source().send(buf))
    }
}

/// The methods of every socket for datagrams.
macro_rules! datagram_methods {
    ($Addr:ty) => {
        /// Sends a datagram to the peer this socket is connected to, and returns its length.
        ///
        /// # Errors
        ///
        /// Those of send(2). `ConnectionRefused` may tell of an *earlier* datagram that nobody took.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: a future dropped before it completes has sent nothing.
        pub async fn send(&self, buf: &[u8]) -> std::io::Result<usize> {
            self.evented().send(buf).await
        }

        /// Polls for room to send a datagram to the peer this socket is connected to, and sends it.
        ///
        /// Of several tasks that poll for sending, only the last one is woken.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn poll_send(
            &self,
            cx: &mut std::task::Context<'_>,
            buf: &[u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.evented().poll_send(cx, buf)
        }

        /// Sends a datagram to the peer this socket is connected to, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when there is no room, else as [`send`](Self::send).
        pub fn try_send(&self, buf: &[u8]) -> std::io::Result<usize> {
            self.evented().try_send(buf)
        }

        /// Receives a datagram from the peer and returns its length, zero for an empty one. What
        /// does not fit into `buf` is cut off.
        ///
        /// # Errors
        ///
        /// Those of recv(2). `ConnectionRefused` tells of an earlier datagram that nobody took; the
        /// socket can be used on.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: a future dropped before it completes has taken nothing.
        pub async fn recv(&self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.evented().recv(&mut tokio::io::ReadBuf::new(buf)).await
        }

        /// Polls for a datagram from the peer.
        ///
        /// Of several tasks that poll for receiving, only the last one is woken.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv).
        pub fn poll_recv(
            &self,
            cx: &mut std::task::Context<'_>,
            buf: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            self.evented().poll_recv(cx, buf).map_ok(drop)
        }

        /// Receives a datagram from the peer, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when none is there, else as [`recv`](Self::recv).
        pub fn try_recv(&self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.evented().try_recv(&mut tokio::io::ReadBuf::new(buf))
        }

        /// As [`recv`](Self::recv), into the next room of `buf`, which is not zeroed.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv).
        ///
        /// # Cancel safety
        ///
        /// As [`recv`](Self::recv).
        pub async fn recv_buf<B: bytes::BufMut>(&self, buf: &mut B) -> std::io::Result<usize> {
            self.evented()
                .recv(&mut heist_reactor::buf::Growing(buf))
                .await
        }

        /// As [`try_recv`](Self::try_recv), into the next room of `buf`, which is not zeroed.
        ///
        /// # Errors
        ///
        /// As [`try_recv`](Self::try_recv).
        pub fn try_recv_buf<B: bytes::BufMut>(&self, buf: &mut B) -> std::io::Result<usize> {
            self.evented()
                .try_recv(&mut heist_reactor::buf::Growing(buf))
        }

        /// Receives a datagram from anybody and returns its length and its sender. What does not
        /// fit into `buf` is cut off.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: a future dropped before it completes has taken nothing.
        pub async fn recv_from(&self, buf: &mut [u8]) -> std::io::Result<(usize, $Addr)> {
            self.evented()
                .recv_from(&mut tokio::io::ReadBuf::new(buf))
                .await
        }

        /// Polls for a datagram from anybody and returns its sender.
        ///
        /// Of several tasks that poll for receiving, only the last one is woken.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv).
        pub fn poll_recv_from(
            &self,
            cx: &mut std::task::Context<'_>,
            buf: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<$Addr>> {
            let received = self.evented().poll_recv_from(cx, buf);
            received.map_ok(|(_, sender)| sender)
        }

        /// Receives a datagram from anybody, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when none is there, else as [`recv`](Self::recv).
        pub fn try_recv_from(&self, buf: &mut [u8]) -> std::io::Result<(usize, $Addr)> {
            self.evented()
                .try_recv_from(&mut tokio::io::ReadBuf::new(buf))
        }

        /// As [`recv_from`](Self::recv_from), into the next room of `buf`, which is not zeroed.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv).
        ///
        /// # Cancel safety
        ///
        /// As [`recv_from`](Self::recv_from).
        pub async fn recv_buf_from<B: bytes::BufMut>(
            &self,
            buf: &mut B,
        ) -> std::io::Result<(usize, $Addr)> {
            self.evented()
                .recv_from(&mut heist_reactor::buf::Growing(buf))
                .await
        }

        /// As [`try_recv_from`](Self::try_recv_from), into the next room of `buf`, which is not
        /// zeroed.
        ///
        /// # Errors
        ///
        /// As [`try_recv_from`](Self::try_recv_from).
        pub fn try_recv_buf_from<B: bytes::BufMut>(
            &self,
            buf: &mut B,
        ) -> std::io::Result<(usize, $Addr)> {
            self.evented()
                .try_recv_from(&mut heist_reactor::buf::Growing(buf))
        }
    };
}

pub(crate) use datagram_methods;
