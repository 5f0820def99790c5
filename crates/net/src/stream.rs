//! What reading and writing a stream of bytes comes down to, whichever descriptor carries it.
//!
//! A [`Channel`] says how bytes get in and out of one kind of source; the operations on its
//! [`Evented`] are the only ones in the crate that move bytes of a stream. The I/O traits, the split
//! halves and the `try_` methods add nothing but their own signatures.
//!
//! # Invariants
//!
//! - Reads and writes are told how much was asked for. Where a short one proves the kernel's buffer
//!   empty or full ([`Channel::SHORT_IS_ALL`]), that spares the call that would only say so.
//! - A write to a connection that is gone is an error, never a `SIGPIPE`.

use std::io::{self, IoSlice, IoSliceMut};
use std::task::{Context, Poll, ready};

use heist_reactor::buf::{Growing, Unfilled};
use heist_reactor::{Direction, Interest};
use mio::event::Source;
use tokio::io::ReadBuf;

use crate::Evented;

/// A source that carries a stream of bytes. None of its calls waits.
pub trait Channel: Source {
    /// Whether less than was asked for means that the next call would block. True for TCP only:
    /// a Unix socket also stops at passed descriptors, a pipe at the border of a packet.
    const SHORT_IS_ALL: bool;

    /// Reads into the room of `buf`, initialised or not.
    fn fill(&self, buf: &mut impl Unfilled) -> io::Result<usize>;

    /// Reads into several buffers in turn.
    fn read_slices(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize>;

    /// Writes as much of `buf` as fits.
    fn write_slice(&self, buf: &[u8]) -> io::Result<usize>;

    /// Writes several buffers in turn, at most [`MAX_SLICES`] of them.
    fn write_slices(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Tells the other end that nothing more will be written.
    fn end_writing(&self) -> io::Result<()>;
}

/// `UIO_MAXIOV` of Linux: a longer list is an error to sendmsg(2) and writev(2).
pub(crate) const MAX_SLICES: usize = 1024;

/// Makes a [`Channel`] of a socket that mio reads and shuts down.
macro_rules! socket_channel {
    ($source:ty, short_is_all: $short_is_all:expr) => {
        impl crate::stream::Channel for $source {
            const SHORT_IS_ALL: bool = $short_is_all;

            fn fill(&self, buf: &mut impl heist_reactor::buf::Unfilled) -> std::io::Result<usize> {
                crate::system::recv(self, buf)
            }

            fn read_slices(&self, bufs: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
                let mut source = self;
                std::io::Read::read_vectored(&mut source, bufs)
            }

            fn write_slice(&self, buf: &[u8]) -> std::io::Result<usize> {
                crate::system::send(self, buf)
            }

            fn write_slices(&self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                crate::system::send_slices(self, bufs)
            }

            fn end_writing(&self) -> std::io::Result<()> {
                self.shutdown(std::net::Shutdown::Write)
            }
        }
    };
}

socket_channel!(mio::net::TcpStream, short_is_all: true);

impl<S: Channel> Evented<S> {
    /// Reads into the unfilled part of `buf`, initialised or not.
    pub(crate) fn poll_read_buf(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let want = buf.remaining();
        ready!(self.poll_stream(cx, Direction::Read, want, || self.source().fill(buf)))?;
        Poll::Ready(Ok(()))
    }

    /// Reads into hyper's buffer, initialised or not.
    #[cfg(feature = "hyper")]
    pub(crate) fn poll_read_cursor(
        &self,
        cx: &mut Context<'_>,
        mut cursor: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let want = cursor.remaining();
        let read = || self.source().fill(&mut cursor);
        ready!(self.poll_stream(cx, Direction::Read, want, read))?;
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_write_slice(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_stream(cx, Direction::Write, buf.len(), || {
            self.source().write_slice(buf)
        })
    }

    pub(crate) fn poll_write_slices(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bufs = clip(bufs);
        let want = bufs.iter().map(|buf| buf.len()).sum();
        self.poll_stream(cx, Direction::Write, want, || {
            self.source().write_slices(bufs)
        })
    }

    fn poll_stream(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        want: usize,
        f: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let registration = self.registration();
        if S::SHORT_IS_ALL {
            registration.poll_stream_io(cx, direction, want, f)
        } else {
            registration.poll_io(cx, direction, f)
        }
    }

    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        self.try_fill(&mut buf)
    }

    pub(crate) fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.registration()
            .try_io(Interest::READABLE, || self.source().read_slices(bufs))
    }

    pub(crate) fn try_read_buf(&self, buf: &mut impl bytes::BufMut) -> io::Result<usize> {
        self.try_fill(&mut Growing(buf))
    }

    fn try_fill(&self, buf: &mut impl Unfilled) -> io::Result<usize> {
        self.registration()
            .try_io(Interest::READABLE, || self.source().fill(buf))
    }

    pub(crate) fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.registration()
            .try_io(Interest::WRITABLE, || self.source().write_slice(buf))
    }

    pub(crate) fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.registration().try_io(Interest::WRITABLE, || {
            self.source().write_slices(clip(bufs))
        })
    }

    /// Tells the other end that nothing more will be written. Never waits.
    pub(crate) fn end_writing(&self) -> io::Result<()> {
        self.source().end_writing()
    }
}

/// Cuts `bufs` to what one system call takes.
fn clip<'a, 'b>(bufs: &'a [IoSlice<'b>]) -> &'a [IoSlice<'b>] {
    &bufs[..bufs.len().min(MAX_SLICES)]
}

/// The reading `try_` methods of everything that reads a stream.
macro_rules! try_read_methods {
    () => {
        /// Reads what is there, without waiting. `Ok(0)` is the end of the stream, or an empty
        /// `buf`.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing is there, else those of recv(2) or read(2).
        pub fn try_read(&self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.evented().try_read(buf)
        }

        /// Reads what is there into several buffers in turn, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing is there, else those of readv(2).
        pub fn try_read_vectored(
            &self,
            bufs: &mut [std::io::IoSliceMut<'_>],
        ) -> std::io::Result<usize> {
            self.evented().try_read_vectored(bufs)
        }

        /// Reads what is there into the next room of `buf`, without zeroing it and without waiting,
        /// and moves its end by that much.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing is there, else those of recv(2) or read(2).
        pub fn try_read_buf<B: bytes::BufMut>(&self, buf: &mut B) -> std::io::Result<usize> {
            self.evented().try_read_buf(buf)
        }
    };
}

/// The writing `try_` methods of everything that writes a stream.
macro_rules! try_write_methods {
    () => {
        /// Writes what fits the kernel's buffer, without waiting, and returns how many bytes that
        /// was.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing fits, else those of send(2) or write(2).
        pub fn try_write(&self, buf: &[u8]) -> std::io::Result<usize> {
            self.evented().try_write(buf)
        }

        /// Writes what fits of several buffers in turn, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing fits, else those of sendmsg(2) or writev(2).
        pub fn try_write_vectored(&self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
            self.evented().try_write_vectored(bufs)
        }
    };
}

#[cfg(unix)]
pub(crate) use socket_channel;
pub(crate) use {try_read_methods, try_write_methods};
