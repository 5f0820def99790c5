//! A running runtime's figures, under tokio's names where tokio has one.

use std::ops::Range;
use std::time::Duration;

use heist_scheduler::BUCKETS;

use super::Handle;

/// Reads a runtime's counters; each is exact, but they are not read at one moment.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let metrics = heist::runtime::Handle::current().metrics();
/// for worker in 0..metrics.num_workers() {
///     println!("worker {worker}: {} polls", metrics.worker_poll_count(worker));
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RuntimeMetrics {
    handle: Handle,
}

impl RuntimeMetrics {
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// Number of workers.
    pub fn num_workers(&self) -> usize {
        self.handle.scheduler.workers()
    }

    /// Tasks spawned and not yet finished.
    pub fn num_alive_tasks(&self) -> usize {
        self.handle.scheduler.live_tasks()
    }

    /// Tasks that were woken or spawned outside the workers and wait for one.
    pub fn global_queue_depth(&self) -> usize {
        self.handle.scheduler.injector_depth()
    }

    /// Polls of tasks by one worker.
    ///
    /// # Panics
    /// Here and in all `worker_…` methods: if `worker` is not below [`Self::num_workers`].
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).polls
    }

    /// Tasks that one worker took from others.
    #[track_caller]
    pub fn worker_steal_count(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).stolen_tasks
    }

    /// Times that one worker found tasks to take from others.
    #[track_caller]
    pub fn worker_steal_operations(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).steals
    }

    /// Times that one worker looked for tasks to take from others.
    #[track_caller]
    pub fn worker_steal_attempts(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).steal_attempts
    }

    /// Time that one worker has spent with tasks or in search of them, up to the last time it went to
    /// sleep, or its thread left `block_on`. To [wait awake](super::Builder::max_busy_wait) counts as sleep.
    #[track_caller]
    pub fn worker_total_busy_duration(&self, worker: usize) -> Duration {
        self.handle.scheduler.worker_metrics(worker).busy
    }

    /// Number of buckets of the histograms.
    pub fn poll_time_histogram_num_buckets(&self) -> usize {
        BUCKETS
    }

    /// The durations that one bucket of the histograms counts; the last one has no end.
    ///
    /// # Panics
    /// If `bucket` is not below [`Self::poll_time_histogram_num_buckets`].
    #[track_caller]
    pub fn poll_time_histogram_bucket_range(&self, bucket: usize) -> Range<Duration> {
        assert!(bucket < BUCKETS, "there are {BUCKETS} buckets");
        let limit = |bucket: usize| Duration::from_micros(1 << bucket);
        let start = bucket.checked_sub(1).map_or(Duration::ZERO, limit);
        let is_last = bucket == BUCKETS - 1;
        start..if is_last {
            Duration::MAX
        } else {
            limit(bucket)
        }
    }

    /// Polls by one worker that took as long as a bucket says.
    ///
    /// One poll in 64 is measured and stands for them all; while polls are long each one is.
    ///
    /// # Panics
    /// Here and below: also if there is no such bucket.
    #[track_caller]
    pub fn poll_time_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).poll_times[bucket]
    }

    /// Turns of one worker in which the last task of the queue waited as long for its poll as a
    /// bucket says.
    #[track_caller]
    pub fn schedule_latency_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        self.handle
            .scheduler
            .worker_metrics(worker)
            .schedule_latencies[bucket]
    }

    /// Times that one worker went to sleep.
    #[track_caller]
    pub fn worker_park_count(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).parks
    }

    /// Times that one worker went to sleep, and times that it woke up: odd while it sleeps.
    #[track_caller]
    pub fn worker_park_unpark_count(&self, worker: usize) -> u64 {
        let scheduler = &self.handle.scheduler;
        // The count rises just before the worker shows as parked: then it has not slept yet.
        let sleeps = scheduler.is_worker_parked(worker);
        let parks = scheduler.worker_metrics(worker).parks;
        (2 * parks).saturating_sub(u64::from(sleeps))
    }

    /// Of these, times that it slept waiting for I/O and timers.
    #[track_caller]
    pub fn worker_driver_park_count(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).driver_parks
    }

    /// Times that one worker looked for I/O and timers between tasks.
    #[track_caller]
    pub fn worker_driver_poll_count(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).driver_polls
    }

    /// Tasks from outside that one worker took in.
    #[track_caller]
    pub fn worker_injected_count(&self, worker: usize) -> u64 {
        self.handle.scheduler.worker_metrics(worker).injected
    }

    /// Tasks in one worker's queue.
    #[track_caller]
    pub fn worker_local_queue_depth(&self, worker: usize) -> usize {
        self.handle.scheduler.worker_metrics(worker).queue_depth
    }

    /// Threads of the blocking pool.
    pub fn num_blocking_threads(&self) -> usize {
        self.handle.scheduler.blocking_metrics().threads
    }

    /// Of these, threads that wait for a job.
    pub fn num_idle_blocking_threads(&self) -> usize {
        self.handle.scheduler.blocking_metrics().idle_threads
    }

    /// Blocking jobs that wait for a thread.
    pub fn blocking_queue_depth(&self) -> usize {
        self.handle.scheduler.blocking_metrics().queue_depth
    }

    /// Polls that took longer than [`Builder::slow_poll_threshold`].
    ///
    /// [`Builder::slow_poll_threshold`]: super::Builder::slow_poll_threshold
    pub fn slow_poll_count(&self) -> u64 {
        self.handle.scheduler.watchdog_metrics().slow_polls
    }

    /// Workers that are stuck in a poll now, by the watchdog's last look.
    pub fn num_stuck_workers(&self) -> usize {
        self.handle.scheduler.watchdog_metrics().stuck_workers
    }

    /// Spare workers that serve now, by the watchdog's last look.
    pub fn num_spare_workers(&self) -> usize {
        self.handle.scheduler.watchdog_metrics().spare_workers
    }

    /// Spare workers that were started.
    pub fn spare_worker_start_count(&self) -> u64 {
        self.handle
            .scheduler
            .watchdog_metrics()
            .spare_workers_started
    }

    /// Times that a sleeping worker was woken to do what waited behind a long poll.
    pub fn handover_count(&self) -> u64 {
        self.handle.scheduler.watchdog_metrics().handovers
    }

    /// Descriptors registered with the reactor.
    pub fn io_driver_fd_registered_count(&self) -> u64 {
        self.handle.reactor.metrics().registered as u64
    }

    /// I/O events delivered.
    pub fn io_driver_ready_count(&self) -> u64 {
        self.handle.reactor.metrics().events
    }

    /// Of the waits in the driver (see [`worker_driver_park_count`](Self::worker_driver_park_count)) those
    /// that an event, or a timer, ended while the worker still looked for events, before it blocked; see
    /// [`Builder::max_busy_wait`](super::Builder::max_busy_wait).
    pub fn driver_busy_wait_count(&self) -> u64 {
        self.handle.reactor.metrics().busy_waits
    }

    /// Timers that are armed.
    pub fn timers_armed(&self) -> usize {
        self.handle.reactor.metrics().timers_armed
    }

    /// Timers that have fired.
    pub fn timers_fired(&self) -> u64 {
        self.handle.reactor.metrics().timers_fired
    }
}
