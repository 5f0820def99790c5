//! What runs where it may block: one read, one seek, or the writing of all that gathers.

use std::io::{self, SeekFrom};
use std::sync::{Arc, MutexGuard};

use super::{Ahead, Busy, Core, Device, FIRST_AHEAD, MOST_AHEAD, Outcome, Shared};
use super::{gone, uninterrupted};
use crate::runtime::Handle;

impl<D: Device> Shared<D> {
    pub(super) fn read(&self, device: D, want: usize) {
        let mut core = self.lock();
        core.forget_ahead();
        let (mut buf, max) = (std::mem::take(&mut core.read), core.max);
        let mut ahead = core.ahead;
        drop(core);
        if let Ahead::Unknown = ahead {
            ahead = match device.may_read_ahead() {
                true => Ahead::Bytes(FIRST_AHEAD),
                false => Ahead::Never,
            };
        }
        let (length, next) = match ahead {
            Ahead::Bytes(bytes) => (want.max(bytes), Ahead::Bytes((bytes * 2).min(MOST_AHEAD))),
            _ => (want, ahead),
        };
        buf.clear();
        buf.resize(length.min(max), 0);
        let result = uninterrupted(|| device.read(&mut buf));
        drop(device);
        buf.truncate(*result.as_ref().unwrap_or(&0));
        let mut core = self.lock();
        core.read = buf;
        core.taken = 0;
        if !matches!(core.ahead, Ahead::Never) {
            core.ahead = next;
        }
        core.finish(Outcome::Read(result.map(drop)));
    }

    pub(super) fn seek(&self, device: D, to: SeekFrom) {
        let result = device.seek(to);
        drop(device);
        let mut core = self.lock();
        if result.is_ok() {
            core.forget_ahead();
        }
        if let Ahead::Bytes(_) = core.ahead {
            // Not sequential: begin anew.
            core.ahead = Ahead::Bytes(FIRST_AHEAD);
        }
        core.finish(Outcome::Seek(result));
    }

    /// Writes until nothing more has gathered.
    pub(super) fn write(&self, device: D) {
        let mut batch = Vec::new();
        loop {
            let mut core = self.lock();
            if core.write.is_empty() || core.failure.is_some() {
                core.write.clear();
                core.busy = Busy::Nothing;
                drop(device);
                return core.wake();
            }
            std::mem::swap(&mut batch, &mut core.write);
            let rewind = std::mem::take(&mut core.rewind);
            // There is room again.
            core.wake();
            if let Err(error) = write_batch(&device, rewind, &batch) {
                self.lock().failure = Some(error);
            }
            batch.clear();
        }
    }
}

fn write_batch(device: &impl Device, rewind: usize, batch: &[u8]) -> io::Result<()> {
    if rewind > 0 {
        let back = i64::try_from(rewind).expect("less than a buffer's length");
        device.seek(SeekFrom::Current(-back))?;
    }
    device.write_all(batch)
}

trait Wake {
    /// Unlocks, then wakes all who wait.
    fn wake(self);
    /// Leaves what a job came to and wakes all who wait.
    fn finish(self, outcome: Outcome);
}

impl<D> Wake for MutexGuard<'_, Core<D>> {
    fn wake(mut self) {
        let wakers = std::mem::take(&mut self.wakers);
        drop(self);
        for waker in wakers {
            waker.wake();
        }
    }

    fn finish(mut self, outcome: Outcome) {
        self.busy = Busy::Nothing;
        self.outcome = Some(outcome);
        self.wake();
    }
}

/// A job's hold on the core: one that ends without a result, because it was dropped unrun or has
/// panicked, leaves a failure.
pub(super) struct Job<D: Device> {
    pub(super) shared: Arc<Shared<D>>,
    /// The runtime it was given to, if to any.
    pub(super) home: Option<Handle>,
    /// Whether its result is in the core, which may be about the next job by now.
    pub(super) ended: bool,
}

impl<D: Device> Drop for Job<D> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let error = gone(self.home.as_ref());
        let mut core = self.shared.lock();
        if core.busy == Busy::Writing {
            core.busy = Busy::Nothing;
            core.write.clear();
            core.failure = Some(error);
            core.wake();
        } else {
            core.finish(Outcome::Read(Err(error)));
        }
    }
}
