//! What a scheduler is built from: sizes, seams and hooks.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::budget;
use crate::clock::{Clock, SystemClock};
use crate::report::Reporting;

/// What a new thread is to run.
pub type ThreadBody = Box<dyn FnOnce() + Send + 'static>;

/// What kind of thread is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThreadKind {
    /// A thread of the blocking pool.
    Blocking,
    /// A thread that serves as a worker: a spare one, or the successor of one that
    /// [`crate::block_in_place`] took out of service.
    Worker,
}

/// Starts a thread: the scheduler's only way to one.
pub type SpawnThread = Arc<dyn Fn(ThreadKind, ThreadBody) -> io::Result<()> + Send + Sync>;

/// A callback without arguments.
pub type ThreadHook = Arc<dyn Fn() + Send + Sync>;

/// Asks something of the calling thread.
pub type ThreadTest = Arc<dyn Fn() -> bool + Send + Sync>;

/// What a scheduler is built from.
#[derive(Clone)]
pub struct Config {
    /// Number of workers, 1 to 65,535.
    pub workers: usize,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The seed of the workers' random choices (which victim to rob first).
    pub seed: u64,
    /// What the scheduler is called, for whoever asks its handle.
    pub name: Option<String>,
    /// Whether there is one worker and no thread for it: whoever is in [`crate::Handle::block_on`]
    /// serves as that worker. `workers` is 1 then, and `max_spare_workers` 0.
    pub seat: bool,
    /// Whether the calling thread is the one that alone may take the seat; without it each may.
    pub only_thread: Option<ThreadTest>,
    /// Whether the scheduler shuts down when a task panics, and [`crate::Handle::block_on`] panics
    /// with what that one said.
    pub stop_on_panic: bool,
    /// Starts the blocking pool's threads.
    pub spawn_thread: SpawnThread,
    /// Threads of the blocking pool at most, at least 1.
    pub max_blocking_threads: usize,
    /// How long an idle thread of the blocking pool stays.
    pub blocking_keep_alive: Duration,
    /// Units of the cooperative budget that each poll of a task gets, at least 1; see
    /// [`crate::budget`].
    pub budget_per_poll: u32,
    /// Spare workers at most, which the watchdog starts while all others are stuck; 0 to 1,024.
    pub max_spare_workers: usize,
    /// Which polls the watchdog reports, and to whom.
    pub reporting: Reporting,
    /// Runs on a worker just before it goes to sleep.
    pub on_park: Option<ThreadHook>,
    /// Runs on a worker just after it woke up.
    pub on_unpark: Option<ThreadHook>,
}

impl Config {
    /// A configuration with the defaults: system clock, 512 blocking threads that stay for 10 s.
    pub fn new(workers: usize, spawn_thread: SpawnThread) -> Self {
        Self {
            workers,
            clock: Arc::new(SystemClock),
            seed: 0x9E37_79B9_7F4A_7C15,
            name: None,
            seat: false,
            only_thread: None,
            stop_on_panic: false,
            spawn_thread,
            max_blocking_threads: 512,
            blocking_keep_alive: Duration::from_secs(10),
            budget_per_poll: budget::PER_POLL,
            max_spare_workers: workers.max(4),
            reporting: Reporting::default(),
            on_park: None,
            on_unpark: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("workers", &self.workers)
            .field("clock", &self.clock)
            .field("seed", &self.seed)
            .field("name", &self.name)
            .field("seat", &self.seat)
            .field("only_thread", &self.only_thread.is_some())
            .field("stop_on_panic", &self.stop_on_panic)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("blocking_keep_alive", &self.blocking_keep_alive)
            .field("budget_per_poll", &self.budget_per_poll)
            .field("max_spare_workers", &self.max_spare_workers)
            .field("reporting", &self.reporting)
            .field("on_park", &self.on_park.is_some())
            .field("on_unpark", &self.on_unpark.is_some())
            .finish_non_exhaustive()
    }
}
