//! What all workers and handles of one scheduler share.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::blocking::Pool;
use crate::clock::Clock;
use crate::config::{Config, ThreadHook, ThreadTest};
use crate::idle::Idle;
use crate::injector::Injector;
use crate::metrics::{Counter, Counters};
use crate::nap::Nap;
use crate::parker::{DriverSlot, Parker, Place};
use crate::report::Reporting;
use crate::roots::Roots;
use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::{CachePadded, Condvar, Mutex, deque, plain, spin_hint};
use crate::task::{Arena, JoinError, Slot, Task, next_set_id};
use crate::vitals::{Vitals, Watch};

/// One scheduler.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The workers that the scheduler was built with, then the spare ones.
    pub(crate) remotes: Box<[SharedRemote]>,
    pub(crate) injector: Injector<Task>,
    pub(crate) idle: Idle,
    pub(crate) driver: DriverSlot,
    pub(crate) arena: Arena<Shared>,
    pub(crate) blocking: Arc<Pool>,
    /// The threads of spare workers and successors.
    pub(crate) crew: Arc<Pool>,
    pub(crate) nap: Nap,
    pub(crate) watch: Watch,
    pub(crate) roots: Roots,
    pub(crate) id: NonZeroU64,
    pub(crate) name: Option<String>,
    /// Nobody serves as the one worker but who is in `block_on`.
    pub(crate) has_seat: bool,
    pub(crate) only_thread: Hook<ThreadTest>,
    stop_on_panic: bool,
    pub(crate) reporting: Reporting,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) on_park: Hook,
    pub(crate) on_unpark: Hook,
    regular: usize,
    pub(crate) seed: u64,
    pub(crate) budget_per_poll: u32,
    /// Tasks that ended on threads without a core.
    finished_outside: plain::AtomicU64,
    /// Of these, tasks that were cancelled.
    cancelled_outside: plain::AtomicU64,
    stopping: AtomicBool,
    workers: Mutex<Workers>,
    stopped: Condvar,
}

/// Tasks taken at once from a queue whose tasks are to be cancelled.
const CANCEL_BATCH: usize = 256;

/// Tasks since the scheduler was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskCounts {
    pub(crate) spawned: u64,
    pub(crate) finished: u64,
    /// Of the finished ones.
    pub(crate) cancelled: u64,
}

impl TaskCounts {
    /// Whether there seem to be tasks that have not ended.
    pub(crate) fn are_alive(self) -> bool {
        self.spawned != self.finished
    }
}

/// How far a shutdown has come.
#[derive(Debug)]
struct Workers {
    /// Threads that have a worker's core.
    running: usize,
    /// Threads that had one and have not come back from [`crate::block_in_place`], or came back too
    /// late. They are waited for; the rest of a shutdown does not wait for them, since they may wait
    /// for the driver's end.
    away: usize,
    /// Somebody cleans up, or has.
    finishing: bool,
    /// That is done.
    stopped: bool,
}

impl Workers {
    fn are_gone(&self) -> bool {
        self.stopped && self.away == 0
    }
}

/// A [`Remote`] that its worker reaches in one step.
pub(crate) type SharedRemote = Arc<CachePadded<Remote>>;

/// What others may touch of one worker.
pub(crate) struct Remote {
    pub(crate) stealer: deque::Stealer<Task>,
    pub(crate) slot: Slot,
    pub(crate) parker: Parker,
    pub(crate) counters: Counters,
    pub(crate) vitals: Vitals,
    /// The owner's end of the queue while no thread serves as this worker; see [`crate::crew`].
    pub(crate) core: Mutex<Option<deque::Worker<Task>>>,
}

impl Remote {
    /// Whether this worker is stuck in the poll that it is in now, by the watchdog's word.
    pub(crate) fn is_stuck(&self) -> bool {
        self.vitals.is_stuck(self.counters.polls.get())
    }

    /// Whether a thread serves as this worker and is not parked.
    pub(crate) fn is_awake(&self) -> bool {
        self.vitals.is_serving() && self.parker.place() == Place::Awake
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote")
            .field("queued", &self.stealer.len())
            .field("slot", &self.slot)
            .field("parker", &self.parker)
            .field("counters", &self.counters)
            .field("vitals", &self.vitals)
            .finish_non_exhaustive()
    }
}

/// An optional callback.
pub(crate) struct Hook<F = ThreadHook>(Option<F>);

impl<F> Hook<F> {
    pub(crate) fn get(&self) -> Option<&F> {
        self.0.as_ref()
    }
}

impl<F> std::fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "set" } else { "none" })
    }
}

impl AsRef<Arena<Shared>> for Shared {
    fn as_ref(&self) -> &Arena<Shared> {
        &self.arena
    }
}

impl Shared {
    /// A scheduler with the workers' queues; returns the owners' ends beside it.
    pub(crate) fn new(
        config: Config,
        driver: DriverSlot,
        blocking: Arc<Pool>,
        crew: Arc<Pool>,
    ) -> (Self, Vec<deque::Worker<Task>>) {
        let mut queues: Vec<_> = (0..config.workers)
            .map(|_| deque::Worker::new_fifo())
            .collect();
        let stealers: Vec<_> = queues.iter().map(deque::Worker::stealer).collect();
        let mut resting = if config.seat { queues.pop() } else { None };
        let regular = stealers
            .into_iter()
            .map(|stealer| (stealer, resting.take()));
        let spare = (0..config.max_spare_workers).map(|_| {
            let queue = deque::Worker::new_fifo();
            (queue.stealer(), Some(queue))
        });
        let remotes = regular.chain(spare).map(|(stealer, core)| {
            Arc::new(CachePadded::new(Remote {
                stealer,
                slot: Slot::new(),
                parker: Parker::new(),
                counters: Counters::default(),
                vitals: Vitals::new(),
                core: Mutex::new(core),
            }))
        });
        let shared = Self {
            remotes: remotes.collect(),
            crew,
            nap: Nap::new(),
            watch: Watch::new(config.workers),
            roots: Roots::default(),
            id: next_set_id(),
            name: config.name,
            has_seat: config.seat,
            only_thread: Hook(config.only_thread),
            stop_on_panic: config.stop_on_panic,
            reporting: config.reporting,
            regular: config.workers,
            seed: config.seed,
            budget_per_poll: config.budget_per_poll.max(1),
            injector: Injector::new(config.workers),
            idle: Idle::new(config.workers),
            driver,
            arena: Arena::new(),
            blocking,
            clock: config.clock,
            on_park: Hook(config.on_park),
            on_unpark: Hook(config.on_unpark),
            finished_outside: plain::AtomicU64::new(0),
            cancelled_outside: plain::AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            workers: Mutex::new(Workers {
                running: queues.len(),
                away: 0,
                finishing: false,
                stopped: false,
            }),
            stopped: Condvar::new(),
        };
        (shared, queues)
    }

    /// Wakes one sleeper for work that was just queued, if none is looking for it.
    #[inline]
    pub(crate) fn wake_one(&self) {
        if let Some(worker) = self.idle.claim() {
            self.unpark(worker);
        }
    }

    pub(crate) fn unpark(&self, worker: usize) {
        self.remotes[worker].parker.unpark(&self.driver);
    }

    /// Queues a task from outside the workers; cancels it if the scheduler has stopped.
    pub(crate) fn inject(&self, task: Task, thread: usize) {
        match self.injector.push(task, thread) {
            Ok(()) => self.wake_one(),
            Err(task) => task.cancel(),
        }
    }

    /// Whether any queue that others may rob has a task. The caller's fence orders this look.
    pub(crate) fn has_work(&self) -> bool {
        let mut remotes = self.staffed().iter();
        !self.injector.is_empty() || remotes.any(|remote| !remote.stealer.is_empty())
    }

    /// How many workers the scheduler was built with.
    pub(crate) fn workers(&self) -> usize {
        self.regular
    }

    /// The workers that there are, spare ones included; some of these may be gone by now.
    #[inline]
    pub(crate) fn staffed(&self) -> &[SharedRemote] {
        &self.remotes[..self.watch.staffed()]
    }

    /// Whether the workers are to stop.
    #[inline]
    pub(crate) fn is_stopping(&self) -> bool {
        // Relaxed suffices, see `stop`.
        self.stopping.load(Relaxed)
    }

    /// Steps 1 and 2 of a shutdown; see [`crate::handle::Handle::shut_down`].
    pub(crate) fn stop(&self) {
        // Relaxed: it publishes nothing. A spawn that does not see it yet is seen by the worker's own
        // look at the live tasks, or finds the injector closed.
        self.stopping.store(true, Relaxed);
        for worker in 0..self.remotes.len() {
            self.unpark(worker);
        }
        self.nap.close();
    }

    /// Cancels the tasks that are alive, or one share in `shares` of them: the idle ones at once, the
    /// others when their tokens are run.
    pub(crate) fn cancel_tasks(&self, share: usize, shares: usize) {
        for task in self.arena.live(share, shares) {
            if let Some(token) = task.claim_cancel() {
                token.run();
            }
        }
    }

    /// Cancels every task that is not being polled right now, also those in the queues of workers
    /// that are stuck.
    pub(crate) fn cancel_all(&self) {
        self.injector.close().into_iter().for_each(Task::cancel);
        let stolen = deque::Worker::new_fifo();
        for remote in &self.remotes {
            remote.slot.take().into_iter().for_each(Task::cancel);
            loop {
                match remote
                    .stealer
                    .steal_batch_with_limit_and_pop(&stolen, CANCEL_BATCH)
                {
                    deque::Steal::Success(task) => task.cancel(),
                    deque::Steal::Empty => break,
                    deque::Steal::Retry => spin_hint(),
                }
                std::iter::from_fn(|| stolen.pop()).for_each(Task::cancel);
            }
        }
        self.cancel_tasks(0, 1);
    }

    /// A task ends on a thread without a core.
    pub(crate) fn count_end(&self, cancelled: bool) {
        self.finished_outside.fetch_add(1, plain::Ordering::Relaxed);
        self.cancelled_outside
            .fetch_add(u64::from(cancelled), plain::Ordering::Relaxed);
    }

    /// How many tasks there were, over all threads.
    pub(crate) fn counts(&self) -> TaskCounts {
        let sum = |counter: fn(&Counters) -> &Counter| {
            let counts = self
                .remotes
                .iter()
                .map(|remote| counter(&remote.counters).get());
            counts.sum::<u64>()
        };
        let cancelled = self.cancelled_outside.load(plain::Ordering::Relaxed)
            + sum(|counters| &counters.cancelled);
        let finished = self.finished_outside.load(plain::Ordering::Relaxed)
            + sum(|counters| &counters.finished);
        // Last, so that no task is counted as finished that is not counted as spawned.
        let outside = self.arena.taken();
        TaskCounts {
            spawned: sum(|counters| &counters.spawned) + outside,
            finished,
            cancelled,
        }
    }

    /// Counts a thread that takes a core, having none; false if it is too late for that. Called
    /// under the core's lock, so that a core that is put back is found by [`Shared::finish`].
    pub(crate) fn worker_started(&self) -> bool {
        let mut workers = self.workers.lock();
        workers.running += usize::from(!workers.finishing);
        !workers.finishing
    }

    /// As [`Shared::worker_started`], of a thread that was away.
    pub(crate) fn worker_returned(&self) -> bool {
        let mut workers = self.workers.lock();
        if !workers.finishing {
            workers.running += 1;
            workers.away -= 1;
        }
        !workers.finishing
    }

    /// How many threads have a core, if nobody is away.
    pub(crate) fn serving_if_none_is_away(&self) -> Option<usize> {
        let workers = self.workers.lock();
        (workers.away == 0).then_some(workers.running)
    }

    /// A task panicked, which stops the scheduler if that is asked for.
    pub(crate) fn task_panicked(&self, error: &JoinError) {
        if self.stop_on_panic {
            self.stop();
            self.blocking.shut_down();
            self.crew.shut_down();
            self.roots.fail(&error.to_string());
        }
    }

    /// A worker has put its core where another thread finds it.
    pub(crate) fn worker_is_away(&self) {
        let mut workers = self.workers.lock();
        workers.running -= 1;
        workers.away += 1;
        drop(workers);
        self.finish_if_last();
    }

    /// A thread that had no core any more has left.
    pub(crate) fn absentee_stopped(&self) {
        self.workers.lock().away -= 1;
        self.finish_if_last();
        self.stopped.notify_all();
        self.driver.went_idle();
    }

    /// Step 4 of a shutdown is done: a worker has emptied its own queues.
    pub(crate) fn worker_stopped(&self) {
        self.workers.lock().running -= 1;
        self.finish_if_last();
    }

    /// Step 5 of a shutdown, if no thread has a core any more, and none is to get one.
    pub(crate) fn finish_if_last(&self) {
        let mut workers = self.workers.lock();
        let all_left = workers.away == 0 && !self.has_seat;
        let nobody = workers.running == 0 && (all_left || self.is_stopping());
        if !nobody || std::mem::replace(&mut workers.finishing, true) {
            return;
        }
        drop(workers);
        self.finish();
    }

    /// Cancels what came from outside meanwhile, or was left by threads that are away, drops the
    /// driver and tells the waiters.
    fn finish(&self) {
        self.cancel_all();
        drop(self.driver.take());
        self.workers.lock().stopped = true;
        self.stopped.notify_all();
    }

    /// Waits until all workers and blocking threads are gone, or until `timeout` is over; true if
    /// they are.
    pub(crate) fn wait_stopped(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(|timeout| self.clock.now().checked_add(timeout));
        self.wait_for_workers(deadline)
            && self.blocking.wait_until_empty(deadline)
            && self.crew.wait_until_empty(deadline)
    }

    /// Waits until all workers are gone, or until `deadline`; true if they are.
    pub(crate) fn wait_for_workers(&self, deadline: Option<Instant>) -> bool {
        let mut workers = self.workers.lock();
        while !workers.are_gone() {
            let Some(deadline) = deadline else {
                workers = self.stopped.wait(workers);
                continue;
            };
            let (guard, timed_out) = self.stopped.wait_until(workers, deadline);
            workers = guard;
            if timed_out && !workers.are_gone() {
                return false;
            }
        }
        true
    }
}
