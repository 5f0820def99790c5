//! Counters that a running scheduler keeps, and the snapshot that users read.
//!
//! Each counter has one writer, the worker it belongs to, which stores what it loaded plus one:
//! no read-modify-write on the hot path. Readers may be a moment behind. The atomics are std's
//! also under loom: statistics publish nothing.

use std::time::Duration;

use crate::sync::plain::AtomicU64;
use crate::sync::plain::Ordering::Relaxed;

/// A statistic with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`; only the counter's writer may call it.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// The count now.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Durations by powers of two: bucket `n` counts those below 2^`n` µs, and not
/// below that of `n - 1`.
#[derive(Debug, Default)]
pub(crate) struct Histogram([Counter; BUCKETS]);

/// Buckets of a histogram: below 1 µs, below 2 µs, …, below 16,384 µs, and all above.
pub const BUCKETS: usize = 16;

impl Histogram {
    /// Counts `times` durations of this length; only the histogram's writer may call it.
    pub(crate) fn add(&self, duration: Duration, times: u64) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - micros.leading_zeros()) as usize;
        self.0[bucket.min(BUCKETS - 1)].add(times);
    }

    fn snapshot(&self) -> [u64; BUCKETS] {
        std::array::from_fn(|bucket| self.0[bucket].get())
    }
}

/// What one worker counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Nanoseconds between leaving a park and the next one.
    pub(crate) busy: Counter,
    pub(crate) poll_times: Histogram,
    pub(crate) waits: Histogram,
    pub(crate) polls: Counter,
    pub(crate) spawned: Counter,
    /// Tasks that ended here.
    pub(crate) finished: Counter,
    /// Of these, tasks that were cancelled.
    pub(crate) cancelled: Counter,
    pub(crate) steal_attempts: Counter,
    pub(crate) steals: Counter,
    pub(crate) stolen_tasks: Counter,
    pub(crate) parks: Counter,
    pub(crate) driver_parks: Counter,
    pub(crate) driver_polls: Counter,
    pub(crate) injected: Counter,
}

impl Counters {
    pub(crate) fn snapshot(&self, queue_depth: usize) -> WorkerMetrics {
        WorkerMetrics {
            polls: self.polls.get(),
            steal_attempts: self.steal_attempts.get(),
            steals: self.steals.get(),
            stolen_tasks: self.stolen_tasks.get(),
            parks: self.parks.get(),
            driver_parks: self.driver_parks.get(),
            driver_polls: self.driver_polls.get(),
            injected: self.injected.get(),
            busy: Duration::from_nanos(self.busy.get()),
            poll_times: self.poll_times.snapshot(),
            schedule_latencies: self.waits.snapshot(),
            queue_depth,
        }
    }
}

/// One worker's counts since the runtime was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Polls of tasks.
    pub polls: u64,
    /// Looks at other workers' queues for work.
    pub steal_attempts: u64,
    /// Looks that found some.
    pub steals: u64,
    /// Tasks taken from other workers.
    pub stolen_tasks: u64,
    /// Times the worker went to sleep.
    pub parks: u64,
    /// Of these, times it slept inside the I/O driver.
    pub driver_parks: u64,
    /// Times it polled the driver between tasks, without sleeping.
    pub driver_polls: u64,
    /// Tasks taken from the injector.
    pub injected: u64,
    /// Time spent with tasks or in search of them, up to the last time it went to sleep, or to wait in the
    /// I/O driver, be it awake.
    pub busy: Duration,
    /// Times of polls, by powers of two: bucket `n` is below 2^n µs, the last one has no limit. One
    /// poll in 64 is measured and stands for them all; each is, while polls are long.
    pub poll_times: [u64; BUCKETS],
    /// How long tasks waited in the queue for their poll, in the same buckets: one per turn, which is
    /// the wait of the task that was last in the queue when the turn began.
    pub schedule_latencies: [u64; BUCKETS],
    /// Tasks in its queue now.
    pub queue_depth: usize,
}

/// What the watchdog has seen and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchdogMetrics {
    /// Polls that took longer than the threshold.
    pub slow_polls: u64,
    /// Times it woke a sleeping worker to do what waited behind a long poll.
    pub handovers: u64,
    /// Workers that are stuck in a poll, at its last look.
    pub stuck_workers: usize,
    /// Spare workers, at its last look.
    pub spare_workers: usize,
    /// Spare workers that it started.
    pub spare_workers_started: u64,
}

/// The blocking pool's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingMetrics {
    /// Threads alive now.
    pub threads: usize,
    /// Of these, threads waiting for a job.
    pub idle_threads: usize,
    /// Jobs waiting for a thread.
    pub queue_depth: usize,
}
