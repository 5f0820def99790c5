//! Copying between two sockets inside the kernel: splice(2), through a pipe per direction. Linux
//! only.
//!
//! # Protocol of one direction
//!
//! 1. With an empty pipe: splice from the socket into it. `WouldBlock` can then only mean that the
//!    socket has nothing; zero is its end, which is passed on by shutting the other socket's write
//!    direction down.
//! 2. With something in the pipe: splice that to the other socket, until the pipe is empty.
//!
//! The sockets are those behind the caller's streams, as descriptors of our own that share their open
//! files. These are registered like any other for as long as the copy lasts, and deregistered before
//! they close, so that nothing of them outlives it.
//!
//! # How a stream is recognized
//!
//! The caller is generic, and may not demand `'static` for a downcast. So the type's name is compared,
//! which lets no wrapper through, and the stream is asked for its descriptor by a call that it and its
//! wrappers answer anyway, with [`ASKED`] set. Nothing is unsafe about a name that deceives: the worst
//! that an impostor could do is to hand over a descriptor that it owns.
//!
//! # The size of a pipe
//!
//! A larger pipe takes fewer calls per byte, but all pipes of a user share an allowance (64 MiB by
//! default), beyond which new ones get two pages. So a pipe grows once it has shown to be busy, and
//! [`MOST_LARGE`] of a process do at most.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use heist_reactor::Direction;
use rustix::net::Shutdown;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::AsyncWrite;

use crate::{AsyncFd, TcpStream, UnixStream};

/// How much one call moves at most; the pipe holds less.
const CHUNK: usize = 1 << 20;

/// How many bytes make a direction busy.
const BUSY: u64 = 1 << 20;

/// What the pipe of a busy direction grows to, in bytes: what the kernel allows without privilege.
const LARGE: usize = 1 << 20;

/// How many pipes of this process are large, at most: a quarter of the allowance.
const MOST_LARGE: usize = 16;

static LARGE_PIPES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Set while a stream is asked for its descriptor.
    static ASKED: Cell<bool> = const { Cell::new(false) };
    static ANSWER: RefCell<Option<OwnedFd>> = const { RefCell::new(None) };
}

/// Two sockets that the kernel can copy between.
#[derive(Debug)]
pub struct Splice {
    a: AsyncFd<OwnedFd>,
    b: AsyncFd<OwnedFd>,
    a_to_b: Pipe,
    b_to_a: Pipe,
}

/// One direction's pipe and how far it has come.
#[derive(Debug)]
struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    held: usize,
    total: u64,
    ended: bool,
    growth: Growth,
}

/// Whether a pipe has grown.
#[derive(Debug)]
enum Growth {
    NotYet,
    Refused,
    Large(Large),
}

/// One of the large pipes that a process may have; given back when dropped.
#[derive(Debug)]
struct Large(());

impl Large {
    fn claim() -> Option<Self> {
        let one_more = |count: usize| (count < MOST_LARGE).then_some(count + 1);
        LARGE_PIPES
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Self(()))
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        LARGE_PIPES.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Splice {
    /// Prepares to copy between `a` and `b`, in the runtime of this thread, if both are [`TcpStream`]s
    /// or [`UnixStream`]s themselves and the system gives the descriptors for it.
    ///
    /// # Panics
    ///
    /// When they are, and the calling thread is not inside a runtime.
    #[track_caller]
    pub fn between<A, B>(a: &A, b: &B) -> Option<Self>
    where
        A: AsyncWrite + ?Sized,
        B: AsyncWrite + ?Sized,
    {
        let (a, b) = (descriptor_of(a)?, descriptor_of(b)?);
        Some(Self {
            a: AsyncFd::new(a).ok()?,
            b: AsyncFd::new(b).ok()?,
            a_to_b: Pipe::new().ok()?,
            b_to_a: Pipe::new().ok()?,
        })
    }

    /// Copies in both directions until both have ended, and returns how many bytes went from `a` to
    /// `b` and back. The end of one direction is passed on at once.
    ///
    /// # Errors
    ///
    /// Those of splice(2) and shutdown(2), the first that occurs.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: bytes on their way are lost.
    pub async fn copy(mut self) -> io::Result<(u64, u64)> {
        poll_fn(|cx| {
            let Self {
                a,
                b,
                a_to_b,
                b_to_a,
            } = &mut self;
            let there = a_to_b.poll(cx, a, b)?;
            let back = b_to_a.poll(cx, b, a)?;
            match (there, back) {
                (Poll::Ready(there), Poll::Ready(back)) => Poll::Ready(Ok((there, back))),
                _ => Poll::Pending,
            }
        })
        .await
    }
}

impl Pipe {
    fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self {
            reader,
            writer,
            held: 0,
            total: 0,
            ended: false,
            growth: Growth::NotYet,
        })
    }

    /// Makes the pipe large, if that is allowed; asked once.
    fn grow(&mut self) {
        let large = Large::claim().filter(|_| fcntl_setpipe_size(&self.writer, LARGE).is_ok());
        self.growth = large.map_or(Growth::Refused, Growth::Large);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &AsyncFd<OwnedFd>,
        to: &AsyncFd<OwnedFd>,
    ) -> Poll<io::Result<u64>> {
        while !self.ended {
            if self.held == 0 {
                let (writer, length) = (&self.writer, CHUNK);
                let fill = || move_bytes(from, writer, length);
                self.held = ready!(from.poll_io(cx, Direction::Read, fill))?;
            }
            if self.held == 0 {
                rustix::net::shutdown(to, Shutdown::Write)?;
                self.ended = true;
                break;
            }
            let (reader, held) = (&self.reader, self.held);
            let drain = || move_bytes(reader, to, held);
            let moved = ready!(to.poll_io(cx, Direction::Write, drain))?;
            self.held -= moved;
            self.total += moved as u64;
            if self.total >= BUSY && matches!(self.growth, Growth::NotYet) {
                self.grow();
            }
        }
        Poll::Ready(Ok(self.total))
    }
}

fn move_bytes(from: impl AsFd, to: impl AsFd, length: usize) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    Ok(splice(from, None, to, None, length, flags)?)
}

/// A descriptor of our own for the socket behind `stream`.
fn descriptor_of<S: AsyncWrite + ?Sized>(stream: &S) -> Option<OwnedFd> {
    let name = type_name::<S>();
    if name != type_name::<TcpStream>() && name != type_name::<UnixStream>() {
        return None;
    }
    ASKED.set(true);
    stream.is_write_vectored();
    ASKED.set(false);
    ANSWER.take()
}

/// What a stream does when it is asked something that it and its wrappers answer anyway.
pub(crate) fn answer(stream: impl AsFd) {
    if ASKED.get() {
        // Without a descriptor to spare there is no answer, and the bytes are copied as usual.
        ANSWER.set(stream.as_fd().try_clone_to_owned().ok());
    }
}
