//! Receiving into memory that has not been initialised: no zeroing before a read.
//!
//! The kernel is handed a buffer's spare room, and the call in `buf/unix.rs` answers with evidence: the
//! part of that very room the kernel has filled, as `&mut [u8]`. Only its length is then vouched for. On
//! Windows no call gives evidence, so there the room is zeroed after all, as a part of the evidence. This
//! is the only file of the crate with unsafe code.
//!
//! # Invariants
//! - [`Unfilled`] is sealed; each implementation moves its cursor by the length of the evidence
//!   and nothing else, and only if it starts where the room starts.
//! - The room is never read here, and nothing de-initialises it: the calls write to it or leave it.

use std::io;
use std::mem::MaybeUninit;
#[cfg(any(windows, all(test, not(any(heist_loom, heist_shuttle)))))]
use std::slice;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{peek, peek_from, read, recv, recv_from};
#[cfg(windows)]
pub use windows::{peek, peek_from, recv, recv_from};

/// A buffer with room at its end: tokio's `ReadBuf` and, as [`Growing`], any `bytes::BufMut`
/// (feature `tokio`), hyper's `ReadBufCursor` (feature `hyper`). Sealed: the unsafe code here relies on how each counts what was filled.
pub trait Unfilled: sealed::Sealed {}

impl<B: sealed::Sealed> Unfilled for B {}

/// The length of what was filled, once it is shown to be the start of the room.
fn proven_len(room: *const MaybeUninit<u8>, filled: &[u8]) -> usize {
    assert!(
        std::ptr::eq(room.cast(), filled.as_ptr()),
        "what was filled is the start of the room"
    );
    filled.len()
}

/// Has `f` fill the start of a room that is zeroed before, and returns as much of it as `f` says: evidence
/// of what is initialised, if not of what was received.
///
/// `f` is one of `buf/windows.rs`'s closures, and leaves nothing in the room uninitialised.
#[cfg(any(windows, all(test, not(any(heist_loom, heist_shuttle)))))]
fn zeroed(
    room: &mut [MaybeUninit<u8>],
    f: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<usize>,
) -> io::Result<&mut [u8]> {
    let most = room.len().min(MOST_ZEROED);
    let room = &mut room[..most];
    room.fill(MaybeUninit::new(0));
    let len = f(room)?;
    let filled = &mut room[..len];
    // SAFETY: all of `filled` must be initialised: it was zeroed above, and `f` hands it to socket2 only,
    // which promises to write no uninitialised byte.
    Ok(unsafe { slice::from_raw_parts_mut(filled.as_mut_ptr().cast(), len) })
}

/// How much of a room is zeroed for one call, in bytes: the longest datagram.
#[cfg(any(windows, all(test, not(any(heist_loom, heist_shuttle)))))]
const MOST_ZEROED: usize = 65_536;

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
        // SAFETY: the room must not be de-initialised. `f` is one of the closures of
        // `buf/`, which write to it bytes the kernel has received, zeros, or nothing.
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
        // SAFETY: the room must not be de-initialised. `f` is one of the closures of
        // `buf/`, which write to it bytes the kernel has received, zeros, or nothing.
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
        // SAFETY: the room must not be de-initialised. `f` is one of the closures of
        // `buf/`, which write to it bytes the kernel has received, zeros, or nothing.
        let room = unsafe { self.as_mut() };
        let start = room.as_ptr();
        let len = proven_len(start, f(room)?);
        // SAFETY: the first `len` bytes of the room must be initialised: `proven_len` has seen
        // them as a `[u8]` at the room's start, and nothing has touched the buffer since.
        unsafe { self.advance(len) };
        Ok(len)
    }
}

#[cfg(all(test, unix, not(any(heist_loom, heist_shuttle))))]
#[path = "buf_tests.rs"]
mod tests;
