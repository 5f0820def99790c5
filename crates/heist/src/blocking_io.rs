//! [`BlockingIo`]: a descriptor that only blocking calls can read and write, as an asynchronous one.
//!
//! Files and standard streams are not watched by any reactor. Their calls run on other threads, one
//! at a time, and are batched, so that small ones do not cost a hop each: a read fetches more than
//! was asked for where that is safe, and writes gather while an earlier one is under way.
//!
//! # States
//!
//! | `busy` | `outcome` | Meaning |
//! |---|---|---|
//! | `Nothing` | none | nothing is under way; `read` may hold what was read ahead |
//! | not `Nothing` | none | a job runs: a read, a seek, or the writing of all that has gathered |
//! | `Nothing` | some | the job has ended, and whoever asked has not been back yet |
//!
//! # Protocol
//!
//! 1. A caller locks the core. What it can have from the buffers it takes at once.
//! 2. Otherwise, if nothing is under way, it marks the core busy and sends a job; if something is, it
//!    leaves its waker. The job runs unlocked, leaves its result under the lock, and wakes all.
//! 3. A writing job goes on until nothing more has gathered. So what was accepted is written even if
//!    the caller goes away, and a failure is told to the next write or flush.
//! 4. A job that is dropped unrun, because its runtime has shut down or there is no thread for it, reports that
//!    as a failure. A write that would need a job of a runtime that has shut down is refused: nothing of it
//!    is accepted.
//!
//! # Invariants
//!
//! - The kernel's position is ahead of the user's by what is left in `read`. Whatever depends on the
//!   position (a write, a seek, a clone) takes that back first.
//! - A future dropped while its job runs loses nothing: the result waits in the core.

mod job;

use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use heist_scheduler::budget;
use tokio::io::ReadBuf;

use crate::runtime::{Handle, shut_down};
use job::Job;

/// What the first read ahead fetches at least, in bytes; each further one doubles it.
const FIRST_AHEAD: usize = 16 << 10;

/// What a read ahead fetches at most on its own account.
const MOST_AHEAD: usize = 512 << 10;

/// How much one call moves, and how much may gather, unless set otherwise.
pub(crate) const DEFAULT_MAX: usize = 2 << 20;

/// A handle to something with blocking calls.
pub(crate) trait Device: Clone + Send + Sync + 'static {
    /// Reads once.
    fn read(&self, buf: &mut [u8]) -> io::Result<usize>;

    /// Writes everything and passes it on as far as flushing means.
    fn write_all(&self, buf: &[u8]) -> io::Result<()>;

    /// Changes the position.
    fn seek(&self, to: SeekFrom) -> io::Result<u64>;

    /// Whether bytes read ahead could be given back, or are nobody else's.
    fn may_read_ahead(&self) -> bool;

    /// The runtime whose blocking pool [`run`](Self::run) would use now, if it uses one and there is one.
    fn home() -> Option<Handle>;

    /// Runs `job` where it may block.
    fn run(job: impl FnOnce() + Send + 'static);
}

/// A device and what is under way on it; clones share both.
pub(crate) struct BlockingIo<D> {
    shared: Arc<Shared<D>>,
}

struct Shared<D>(Mutex<Core<D>>);

struct Core<D> {
    /// `None` once given back. Jobs have handles of their own, and drop them before they end.
    device: Option<D>,
    /// What has been read, and how much of it has been taken.
    read: Vec<u8>,
    taken: usize,
    /// What is to be written.
    write: Vec<u8>,
    /// By how much the position is to be moved back before writing.
    rewind: usize,
    busy: Busy,
    outcome: Option<Outcome>,
    /// Why the last writing failed, until told.
    failure: Option<io::Error>,
    ahead: Ahead,
    max: usize,
    wakers: Vec<Waker>,
}

/// What is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    Nothing,
    /// A job that takes along what gathers meanwhile.
    Writing,
    /// A read or a seek.
    Other,
}

enum Outcome {
    Read(io::Result<()>),
    Seek(io::Result<u64>),
}

/// How much the next read fetches on its own account.
#[derive(Clone, Copy)]
enum Ahead {
    /// The device has not been asked yet.
    Unknown,
    /// No more than is asked for.
    Never,
    Bytes(usize),
}

impl<D> Core<D> {
    fn new(device: D) -> Self {
        Self {
            device: Some(device),
            read: Vec::new(),
            taken: 0,
            write: Vec::new(),
            rewind: 0,
            busy: Busy::Nothing,
            outcome: None,
            failure: None,
            ahead: Ahead::Unknown,
            max: DEFAULT_MAX,
            wakers: Vec::new(),
        }
    }

    fn is_busy(&self) -> bool {
        self.busy != Busy::Nothing
    }

    fn left(&self) -> usize {
        self.read.len() - self.taken
    }

    /// Forgets what was read ahead and returns how much that was.
    fn forget_ahead(&mut self) -> usize {
        let left = self.left();
        self.read.clear();
        self.taken = 0;
        left
    }

    /// Leaves a waker for the end of what is under way.
    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        if !self.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl<D: Device> BlockingIo<D> {
    pub(crate) fn new(device: D) -> Self {
        Self {
            shared: Arc::new(Shared(Mutex::new(Core::new(device)))),
        }
    }

    pub(crate) fn max(&self) -> usize {
        self.shared.lock().max
    }

    /// Sets how much one call moves, and how much may gather, at most; not 0.
    pub(crate) fn set_max(&self, max: usize) {
        self.shared.lock().max = max;
    }

    /// Ends reading ahead: the position is shared with somebody.
    pub(crate) fn share_position(&self) {
        self.shared.lock().ahead = Ahead::Never;
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(budget::poll_budget(cx));
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut core = self.shared.lock();
        loop {
            if core.left() > 0 {
                let from = core.taken;
                let length = core.left().min(buf.remaining());
                buf.put_slice(&core.read[from..from + length]);
                core.taken += length;
                core.outcome = None;
                budget::spend();
                return Poll::Ready(Ok(()));
            }
            if core.is_busy() {
                return core.wait(cx);
            }
            if let Some(Outcome::Read(result)) = core.outcome.take() {
                // The end, or an error: bytes would have been taken above.
                budget::spend();
                return Poll::Ready(result);
            }
            let want = buf.remaining().min(core.max);
            core = self.start(core, Busy::Other, move |shared, device| {
                shared.read(device, want);
            });
        }
    }

    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(budget::poll_budget(cx));
        let mut core = self.shared.lock();
        if let Some(error) = core.failure.take() {
            return Poll::Ready(Err(error));
        }
        let room = core.max.saturating_sub(core.write.len());
        if core.busy == Busy::Other || (room == 0 && !buf.is_empty()) {
            return core.wait(cx);
        }
        let length = buf.len().min(room);
        let starts = !core.is_busy() && length > 0;
        if starts && D::home().is_some_and(|home| home.has_shut_down()) {
            return Poll::Ready(Err(shut_down()));
        }
        let left = core.forget_ahead();
        core.rewind += left;
        core.outcome = None;
        core.write.extend_from_slice(&buf[..length]);
        if starts {
            drop(self.start(core, Busy::Writing, Shared::write));
        }
        budget::spend();
        Poll::Ready(Ok(length))
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut total = 0;
        for buf in bufs.iter().filter(|buf| !buf.is_empty()) {
            match self.poll_write(cx, buf) {
                Poll::Ready(Ok(length)) => total += length,
                other if total == 0 => return other,
                // The room is used up, or a write has failed: the next flush tells that, too.
                Poll::Ready(Err(error)) => {
                    self.shared.lock().failure = Some(error);
                    break;
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(total))
    }

    /// Waits until everything accepted has been written.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut core = self.shared.lock();
        if core.is_busy() {
            return core.wait(cx);
        }
        Poll::Ready(core.failure.take().map_or(Ok(()), Err))
    }

    /// Starts a seek; whatever is under way must have ended.
    pub(crate) fn start_seek(&self, to: SeekFrom) -> io::Result<()> {
        let mut core = self.shared.lock();
        if core.is_busy() {
            return Err(io::Error::other(
                "another operation is under way: call `poll_complete` before `start_seek`",
            ));
        }
        core.outcome = None;
        let to = match to {
            // The user's position is behind the kernel's.
            SeekFrom::Current(by) => {
                let left = i64::try_from(core.left()).expect("less than a buffer's length");
                SeekFrom::Current(by.saturating_sub(left))
            }
            absolute => absolute,
        };
        drop(self.start(core, Busy::Other, move |shared, device| {
            shared.seek(device, to);
        }));
        Ok(())
    }

    /// Waits for the seek, if one was started; else for whatever is under way.
    pub(crate) fn poll_seek(&self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let mut core = self.shared.lock();
        if core.is_busy() {
            return core.wait(cx);
        }
        match core.outcome.take() {
            Some(Outcome::Seek(result)) => Poll::Ready(result),
            Some(Outcome::Read(Err(error))) => Poll::Ready(Err(error)),
            other => {
                core.outcome = other;
                Poll::Ready(Ok(0))
            }
        }
    }

    /// Forgets what was read ahead, to be called when nothing is under way; returns how much it was.
    pub(crate) fn forget_ahead(&self) -> usize {
        self.shared.lock().forget_ahead()
    }

    /// Drops the device's handle, unless something is under way; returns whether it did.
    pub(crate) fn retire(&self) -> bool {
        let mut core = self.shared.lock();
        let device = if core.is_busy() {
            None
        } else {
            core.device.take()
        };
        drop(core);
        device.is_some()
    }

    /// Sends a job; returns with the lock, which is not held meanwhile.
    fn start<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core<D>>,
        busy: Busy,
        work: impl FnOnce(&Shared<D>, D) + Send + 'static,
    ) -> MutexGuard<'a, Core<D>> {
        core.busy = busy;
        let device = core.device.clone();
        drop(core);
        let device = device.expect("whoever takes the device uses this no more");
        let job = Job {
            shared: Arc::clone(&self.shared),
            home: D::home(),
            ended: false,
        };
        D::run(move || {
            let mut job = job;
            work(&job.shared, device);
            job.ended = true;
        });
        self.shared.lock()
    }
}

impl<D: Device> Shared<D> {
    fn lock(&self) -> MutexGuard<'_, Core<D>> {
        // Nothing under the lock can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a blocking call was not made, or left no result, that was given to the pool of `home`, if to any.
pub(crate) fn gone(home: Option<&Handle>) -> io::Error {
    match home.is_some_and(Handle::has_shut_down) {
        true => shut_down(),
        false => io::Error::other("the system gives no thread for a blocking call, or it panicked"),
    }
}

pub(crate) fn uninterrupted<T>(mut f: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match f() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl<D> Clone for BlockingIo<D> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<D> fmt::Debug for BlockingIo<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingIo").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
