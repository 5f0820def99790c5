//! The calls on Unix: rustix's, which give evidence of what they have filled.

use std::io;
use std::os::fd::AsFd;

use rustix::net::{RecvFlags, SocketAddrAny};

use super::Unfilled;

/// Receives from a socket into the room `buf` has, and returns how many bytes were added.
///
/// Zero means the end of a stream, or that there was no room.
///
/// # Errors
///
/// As recv(2); `WouldBlock` if nothing is there.
///
/// # Examples
///
/// ```
/// use heist_reactor::buf;
/// use std::io::Write;
/// use std::mem::MaybeUninit;
/// use std::os::unix::net::UnixStream;
///
/// # fn main() -> std::io::Result<()> {
/// let (mut sender, receiver) = UnixStream::pair()?;
/// sender.write_all(b"loot")?;
///
/// let mut room = [MaybeUninit::uninit(); 16];
/// let mut buf = tokio::io::ReadBuf::uninit(&mut room);
/// assert_eq!(buf::recv(&receiver, &mut buf)?, 4);
/// assert_eq!(buf.filled(), b"loot");
/// # Ok(())
/// # }
/// ```
pub fn recv(fd: impl AsFd, buf: &mut impl Unfilled) -> io::Result<usize> {
    recv_with(fd, buf, RecvFlags::empty())
}

/// As [`recv`], but leaves what it returns in the socket's queue.
///
/// # Errors
///
/// As recv(2); `WouldBlock` if nothing is there.
pub fn peek(fd: impl AsFd, buf: &mut impl Unfilled) -> io::Result<usize> {
    recv_with(fd, buf, RecvFlags::PEEK)
}

/// As [`recv`], and tells who sent it, where the kernel says: for datagrams. What does not fit into
/// the room is cut off.
///
/// # Errors
///
/// As recvfrom(2); `WouldBlock` if nothing is there.
pub fn recv_from(
    fd: impl AsFd,
    buf: &mut impl Unfilled,
) -> io::Result<(usize, Option<SocketAddrAny>)> {
    recv_from_with(fd, buf, RecvFlags::empty())
}

/// As [`recv_from`], but leaves the datagram in the socket's queue.
///
/// # Errors
///
/// As recvfrom(2); `WouldBlock` if nothing is there.
pub fn peek_from(
    fd: impl AsFd,
    buf: &mut impl Unfilled,
) -> io::Result<(usize, Option<SocketAddrAny>)> {
    recv_from_with(fd, buf, RecvFlags::PEEK)
}

/// Reads from any descriptor into the room `buf` has, and returns how many bytes were added.
///
/// # Errors
///
/// As read(2); `WouldBlock` if nothing is there and the descriptor is non-blocking.
pub fn read(fd: impl AsFd, buf: &mut impl Unfilled) -> io::Result<usize> {
    buf.fill(|room| {
        let (filled, _) = rustix::io::read(fd, room)?;
        Ok(filled)
    })
}

fn recv_with(fd: impl AsFd, buf: &mut impl Unfilled, flags: RecvFlags) -> io::Result<usize> {
    buf.fill(|room| {
        let ((filled, _), _) = rustix::net::recv(fd, room, flags)?;
        Ok(filled)
    })
}

fn recv_from_with(
    fd: impl AsFd,
    buf: &mut impl Unfilled,
    flags: RecvFlags,
) -> io::Result<(usize, Option<SocketAddrAny>)> {
    let mut from = None;
    let length = buf.fill(|room| {
        let ((filled, _), _, sender) = rustix::net::recvfrom(fd, room, flags)?;
        from = sender;
        Ok(filled)
    })?;
    Ok((length, from))
}
