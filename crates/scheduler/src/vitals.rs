//! What a worker and the watchdog tell each other.
//!
//! # Invariants
//! All of it are hints, and publish nothing: a stale one costs a look more or a wakeup too many. The
//! atomics are std's also under loom.
//!
//! A worker is in the same poll at two looks if its poll count is the same and it is not parked. So
//! the hot path pays two plain stores per poll and reads no clock.

use std::fmt;
use std::sync::Arc;

use crate::metrics::{Counter, WatchdogMetrics};
use crate::report::ThreadTime;
use crate::sync::Mutex;
use crate::sync::plain::Ordering::Relaxed;
use crate::sync::plain::{AtomicBool, AtomicU64, AtomicUsize};

/// The hints about one worker.
pub(crate) struct Vitals {
    /// The address of the task of the last poll.
    task: AtomicUsize,
    /// The poll, by its number, that is found to take long.
    stuck_poll: AtomicU64,
    /// A thread serves as this worker.
    serving: AtomicBool,
    /// This spare worker is to leave.
    retire: AtomicBool,
    time: Mutex<Option<Arc<dyn ThreadTime>>>,
}

/// The number of no poll: they are counted from 1.
const NO_POLL: u64 = 0;

impl Vitals {
    pub(crate) fn new() -> Self {
        Self {
            task: AtomicUsize::new(0),
            stuck_poll: AtomicU64::new(NO_POLL),
            serving: AtomicBool::new(false),
            retire: AtomicBool::new(false),
            time: Mutex::new(None),
        }
    }

    /// The calling thread begins to serve as this worker.
    pub(crate) fn begin(&self, time: Option<Arc<dyn ThreadTime>>) {
        *self.time.lock() = time;
        self.retire.store(false, Relaxed);
        self.serving.store(true, Relaxed);
    }

    /// It ends.
    pub(crate) fn end(&self) {
        self.serving.store(false, Relaxed);
        *self.time.lock() = None;
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Relaxed)
    }

    /// A poll begins, of the task at this address.
    #[inline]
    pub(crate) fn polls(&self, address: usize) {
        self.task.store(address, Relaxed);
    }

    /// The address that [`Vitals::polls`] was given last.
    pub(crate) fn task(&self) -> usize {
        self.task.load(Relaxed)
    }

    /// The poll with this number takes long.
    pub(crate) fn set_stuck(&self, poll: u64) {
        self.stuck_poll.store(poll, Relaxed);
    }

    /// Whether the worker, now in its poll number `poll`, is known to be stuck in it.
    #[inline]
    pub(crate) fn is_stuck(&self, poll: u64) -> bool {
        poll != NO_POLL && self.stuck_poll.load(Relaxed) == poll
    }

    /// Asks a spare worker to leave.
    pub(crate) fn retire(&self) {
        self.retire.store(true, Relaxed);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retire.load(Relaxed)
    }

    pub(crate) fn time(&self) -> Option<Arc<dyn ThreadTime>> {
        self.time.lock().clone()
    }
}

/// The hints about all workers.
#[derive(Debug)]
pub(crate) struct Watch {
    /// One more than the highest number of a worker that there ever was. It does not fall when a
    /// spare worker leaves: a thread that late begins or goes on to serve would be overlooked.
    staffed: AtomicUsize,
    /// How many workers are stuck.
    stuck: AtomicUsize,
    /// How many spare workers there are.
    spares: AtomicUsize,
    /// There is a watchdog.
    watched: AtomicBool,
    /// Spare workers that were started.
    pub(crate) spares_started: Counter,
    /// Polls that took longer than the threshold.
    pub(crate) slow_polls: Counter,
    /// Sleepers that were woken to do what waited behind a long poll.
    pub(crate) handovers: Counter,
}

impl Watch {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            staffed: AtomicUsize::new(workers),
            stuck: AtomicUsize::new(0),
            spares: AtomicUsize::new(0),
            watched: AtomicBool::new(false),
            spares_started: Counter::default(),
            slow_polls: Counter::default(),
            handovers: Counter::default(),
        }
    }

    #[inline]
    pub(crate) fn staffed(&self) -> usize {
        self.staffed.load(Relaxed)
    }

    /// A thread serves as worker `index`.
    pub(crate) fn staff(&self, index: usize) {
        self.staffed.fetch_max(index + 1, Relaxed);
    }

    pub(crate) fn metrics(&self) -> WatchdogMetrics {
        WatchdogMetrics {
            slow_polls: self.slow_polls.get(),
            handovers: self.handovers.get(),
            stuck_workers: self.stuck.load(Relaxed),
            spare_workers: self.spares.load(Relaxed),
            spare_workers_started: self.spares_started.get(),
        }
    }

    /// A watchdog begins.
    pub(crate) fn begin(&self) {
        self.watched.store(true, Relaxed);
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Relaxed)
    }

    pub(crate) fn set_spares(&self, workers: usize) {
        self.spares.store(workers, Relaxed);
    }

    #[inline]
    pub(crate) fn anyone_stuck(&self) -> bool {
        self.stuck.load(Relaxed) > 0
    }

    pub(crate) fn set_stuck(&self, workers: usize) {
        self.stuck.store(workers, Relaxed);
    }
}

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vitals")
            .field("serving", &self.is_serving())
            .field("retired", &self.is_retired())
            .finish_non_exhaustive()
    }
}
