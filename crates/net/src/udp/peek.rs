//! Looking at a datagram, or at its sender, without taking it.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use heist_reactor::{Direction, Interest};
use tokio::io::ReadBuf;

use super::UdpSocket;
use crate::datagram::Datagrams as _;
use crate::system;

impl UdpSocket {
    /// Reads the next datagram of the peer without taking it, and returns its length, or as much
    /// as fits into `buf`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: peeking takes nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let buf = &mut ReadBuf::new(buf);
        self.async_io(Interest::READABLE, || self.look(buf)).await
    }

    /// Polls for a datagram of the peer to look at.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let registration = self.evented().registration();
        let peeked = registration.poll_io(cx, Direction::Read, || self.look(buf));
        peeked.map_ok(drop)
    }

    /// Reads the next datagram of the peer without taking it and without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none is there, else as [`recv`](Self::recv).
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let buf = &mut ReadBuf::new(buf);
        self.try_io(Interest::READABLE, || self.look(buf))
    }

    /// Reads the next datagram without taking it, and returns its length and its sender.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: peeking takes nothing.
    pub async fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let buf = &mut ReadBuf::new(buf);
        self.async_io(Interest::READABLE, || self.look_from(buf))
            .await
    }

    /// Polls for a datagram to look at, and returns its sender.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_peek_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        let registration = self.evented().registration();
        let peeked = registration.poll_io(cx, Direction::Read, || self.look_from(buf));
        peeked.map_ok(|(_, sender)| sender)
    }

    /// Reads the next datagram without taking it and without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none is there, else as [`recv`](Self::recv).
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let buf = &mut ReadBuf::new(buf);
        self.try_io(Interest::READABLE, || self.look_from(buf))
    }

    /// Waits for a datagram and returns its sender; the datagram stays.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: peeking takes nothing.
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        self.async_io(Interest::READABLE, || self.sender_of_next())
            .await
    }

    /// Polls for a datagram and returns its sender; the datagram stays.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        let registration = self.evented().registration();
        registration.poll_io(cx, Direction::Read, || self.sender_of_next())
    }

    /// Returns the sender of the next datagram without waiting; the datagram stays.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none is there, else as [`recv`](Self::recv).
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.try_io(Interest::READABLE, || self.sender_of_next())
    }

    fn look(&self, buf: &mut ReadBuf<'_>) -> io::Result<usize> {
        system::peek(self.evented().source(), buf)
    }

    fn look_from(&self, buf: &mut ReadBuf<'_>) -> io::Result<(usize, SocketAddr)> {
        let (length, sender) = system::peek_from(self.evented().source(), buf)?;
        Ok((length, mio::net::UdpSocket::sender(sender)?))
    }

    fn sender_of_next(&self) -> io::Result<SocketAddr> {
        let (_, sender) = self.look_from(&mut ReadBuf::new(&mut []))?;
        Ok(sender)
    }
}
