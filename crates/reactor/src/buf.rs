//! Receiving into memory that has not been initialised: no zeroing before a read.
//!
//! The kernel is handed a buffer's spare room, and rustix answers with evidence: the part of that
//! very room the kernel has filled, as `&mut [u8]`. Only its length is then vouched for. This is
//! the only file of the crate with unsafe code.
//!
//! # Invariants
//! - [`Unfilled`] is sealed; each implementation moves its cursor by the length of the evidence
//!   and nothing else, and only if it starts where the room starts.
//! - The room is never read here, and nothing de-initialises it: rustix writes to it or leaves it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::net::{RecvFlags, SocketAddrAny};

/// A buffer with room at its end: tokio's `ReadBuf` and, as [`Growing`], any `bytes::BufMut`
/// (feature `tokio`), hyper's `ReadBufCursor` (feature `hyper`). Sealed: the unsafe code here relies on how each counts what was filled.
pub trait Unfilled: sealed::Sealed {}

impl<B: sealed::Sealed> Unfilled for B {}

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

/// The length of what was filled, once it is shown to be the start of the room.
fn proven_len(room: *const MaybeUninit<u8>, filled: &[u8]) -> usize {
    assert!(
        std::ptr::eq(room.cast(), filled.as_ptr()),
        "what was filled is the start of the room"
    );
    filled.len()
}

mod sealed {
    use super::{MaybeUninit, io};

    pub trait Sealed {
        /// Lets `f` fill the start of the room there is; what it returns counts as filled.
        fn fill(
            &mut self,
            f: impl for<'r> FnOnce(&'r mut [MaybeUninit<u8>]) -> io::Result<&'r mut [u8]>,
        ) -> io::Result<usize>;
    }
}

#[cfg(feature = "tokio")]
impl sealed::Sealed for tokio::io::ReadBuf<'_> {
    fn fill(
        &mut self,
        f: impl for<'r> FnOnce(&'r mut [MaybeUninit<u8>]) -> io::Result<&'r mut [u8]>,
    ) -> io::Result<usize> {
        // SAFETY: the room must not be de-initialised. `f` is one of this file's closures,
        // which pass it to rustix: that writes bytes the kernel has received, or nothing.
        let room = unsafe { self.unfilled_mut() };
        let start = room.as_ptr();
        let len = proven_len(start, f(room)?);
        // SAFETY: the first `len` bytes of the room must be initialised: `proven_len` has seen
        // them as a `[u8]` at the room's start, and nothing has touched the buffer since.
        unsafe { self.assume_init(len) };
        self.advance(len);
        Ok(len)
    }
}

/// A buffer of the `bytes` crate (`BytesMut`, `Vec<u8>`, …), filled in its next chunk of room.
#[cfg(feature = "tokio")]
#[derive(Debug)]
pub struct Growing<'a, B: ?Sized>(pub &'a mut B);

#[cfg(feature = "tokio")]
impl<B: bytes::BufMut + ?Sized> sealed::Sealed for Growing<'_, B> {
    fn fill(
        &mut self,
        f: impl for<'r> FnOnce(&'r mut [MaybeUninit<u8>]) -> io::Result<&'r mut [u8]>,
    ) -> io::Result<usize> {
        let chunk = self.0.chunk_mut();
        // SAFETY: the room must not be de-initialised. `f` is one of this file's closures,
        // which pass it to rustix: that writes bytes the kernel has received, or nothing.
        let room = unsafe { chunk.as_uninit_slice_mut() };
        let start = room.as_ptr();
        let len = proven_len(start, f(room)?);
        // SAFETY: the next `len` bytes must be initialised: `proven_len` has seen them as a `[u8]`
        // at the start of what `chunk_mut`, of an unsafe trait, calls the next bytes.
        unsafe { self.0.advance_mut(len) };
        Ok(len)
    }
}

#[cfg(feature = "hyper")]
impl sealed::Sealed for hyper::rt::ReadBufCursor<'_> {
    fn fill(
        &mut self,
        f: impl for<'r> FnOnce(&'r mut [MaybeUninit<u8>]) -> io::Result<&'r mut [u8]>,
    ) -> io::Result<usize> {
        // SAFETY: the room must not be de-initialised. `f` is one of this file's closures,
        // which pass it to rustix: that writes bytes the kernel has received, or nothing.
        let room = unsafe { self.as_mut() };
        let start = room.as_ptr();
        let len = proven_len(start, f(room)?);
        // SAFETY: the first `len` bytes of the room must be initialised: `proven_len` has seen
        // them as a `[u8]` at the room's start, and nothing has touched the buffer since.
        unsafe { self.advance(len) };
        Ok(len)
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "buf_tests.rs"]
mod tests;
