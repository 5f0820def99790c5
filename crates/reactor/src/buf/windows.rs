//! The calls on Windows: socket2's, into a room that is zeroed before.
//!
//! A datagram longer than the room is an error to Windows (`WSAEMSGSIZE`). The vectored calls of socket2
//! make of it what it is elsewhere: a datagram that was cut off. It has filled the room, whatever
//! count comes with it.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::windows::io::AsSocket;

use socket2::{MaybeUninitSlice, SockRef};

use super::{Unfilled, zeroed};

/// `MSG_PEEK`: leave what is returned in the queue.
const PEEK: c_int = 2;

/// Receives from a socket into the room `buf` has, and returns how many bytes were added.
///
/// Zero means the end of a stream, or that there was no room.
///
/// # Errors
///
/// As `WSARecv`; `WouldBlock` if nothing is there.
pub fn recv(socket: impl AsSocket, buf: &mut impl Unfilled) -> io::Result<usize> {
    recv_with(socket, buf, 0)
}

/// As [`recv`], but leaves what it returns in the socket's queue.
///
/// # Errors
///
/// As `WSARecv`; `WouldBlock` if nothing is there.
pub fn peek(socket: impl AsSocket, buf: &mut impl Unfilled) -> io::Result<usize> {
    recv_with(socket, buf, PEEK)
}

/// As [`recv`], and tells who sent it: for datagrams. What does not fit into the room is cut off.
///
/// # Errors
///
/// As `WSARecvFrom`; `WouldBlock` if nothing is there.
pub fn recv_from(
    socket: impl AsSocket,
    buf: &mut impl Unfilled,
) -> io::Result<(usize, Option<SocketAddr>)> {
    recv_from_with(socket, buf, 0)
}

/// As [`recv_from`], but leaves the datagram in the socket's queue.
///
/// # Errors
///
/// As `WSARecvFrom`; `WouldBlock` if nothing is there.
pub fn peek_from(
    socket: impl AsSocket,
    buf: &mut impl Unfilled,
) -> io::Result<(usize, Option<SocketAddr>)> {
    recv_from_with(socket, buf, PEEK)
}

fn recv_with(socket: impl AsSocket, buf: &mut impl Unfilled, flags: c_int) -> io::Result<usize> {
    let socket = SockRef::from(&socket);
    let recv = |room: &mut [MaybeUninit<u8>]| {
        let bufs = &mut [MaybeUninitSlice::new(room)];
        let (len, how) = socket.recv_vectored_with_flags(bufs, flags)?;
        Ok(if how.is_truncated() { room.len() } else { len })
    };
    buf.fill(|room| zeroed(room, recv))
}

fn recv_from_with(
    socket: impl AsSocket,
    buf: &mut impl Unfilled,
    flags: c_int,
) -> io::Result<(usize, Option<SocketAddr>)> {
    let socket = SockRef::from(&socket);
    let mut from = None;
    let recv = |room: &mut [MaybeUninit<u8>]| {
        let bufs = &mut [MaybeUninitSlice::new(room)];
        let (len, how, sender) = socket.recv_from_vectored_with_flags(bufs, flags)?;
        from = sender.as_socket();
        Ok(if how.is_truncated() { room.len() } else { len })
    };
    let len = buf.fill(|room| zeroed(room, recv))?;
    Ok((len, from))
}
