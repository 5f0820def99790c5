//! What the scheduler tells of its tasks: who they are, and which of their polls take long.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::task::{Id, TaskRef};

/// What a task is called and where it was spawned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// The task's id.
    pub id: Id,
    /// The name it was spawned with.
    pub name: Option<String>,
    /// The place that spawned it.
    pub spawned_at: &'static Location<'static>,
    /// Whether it is queued or being polled now, rather than waiting to be woken.
    pub is_scheduled: bool,
}

impl TaskInfo {
    pub(crate) fn of(task: &TaskRef) -> Self {
        Self {
            id: task.meta().id,
            name: task.meta().name.as_deref().map(str::to_owned),
            spawned_at: task.meta().spawned_at,
            is_scheduled: task.is_active(),
        }
    }
}

/// A poll that takes long, as the watchdog sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlowPoll {
    /// The worker that polls.
    pub worker: usize,
    /// The task; `None` if it was over before it could be looked up.
    pub task: Option<TaskInfo>,
    /// How long the poll has taken so far, or took in all. The watchdog looks now and then: up to
    /// 20 ms before its first look at this poll are missing.
    pub duration: Duration,
    /// What the poll does all that time.
    pub stall: Stall,
    /// Whether the poll is over.
    pub is_over: bool,
}

/// What a worker does in a long poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stall {
    /// It waits in the operating system: a blocking call, a sleep, a lock.
    Blocked,
    /// It computes, or waits for a processor to do so.
    Spinning,
    /// The system does not tell.
    Unknown,
}

/// What is told of slow polls. Runs on the watchdog's thread: it must not block.
pub type SlowPollHook = Arc<dyn Fn(&SlowPoll) + Send + Sync>;

/// How a thread spends its time, as told to other threads.
pub trait ThreadTime: Send + Sync {
    /// Time spent on a processor or waiting for one since the thread began; `None` when the system
    /// does not tell.
    fn runnable(&self) -> Option<Duration>;
}

/// Makes a [`ThreadTime`] of the thread that calls it.
pub type ThreadProbe = Arc<dyn Fn() -> Arc<dyn ThreadTime> + Send + Sync>;

/// Which polls are reported, and to whom.
#[derive(Clone)]
pub struct Reporting {
    /// A poll that takes as long as this is slow; 100 ms by default.
    pub threshold: Duration,
    /// Called when the watchdog finds a slow poll, and again when that is over.
    pub on_slow_poll: Option<SlowPollHook>,
    /// Tells blocked workers from spinning ones; called by each worker's thread when it starts.
    pub thread_probe: Option<ThreadProbe>,
}

impl Default for Reporting {
    fn default() -> Self {
        Self {
            threshold: Duration::from_millis(100),
            on_slow_poll: None,
            thread_probe: None,
        }
    }
}

impl fmt::Debug for Reporting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporting")
            .field("threshold", &self.threshold)
            .field("on_slow_poll", &self.on_slow_poll.is_some())
            .field("thread_probe", &self.thread_probe.is_some())
            .finish()
    }
}
