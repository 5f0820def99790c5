//! The way to a scheduler from anywhere: spawning, shutdown, figures.
//!
//! # Shutdown, step by step
//! 1. [`Handle::shut_down`] closes the registry: from here on a spawn gives a handle to a task
//!    that is already cancelled.
//! 2. It raises the stop flag and unparks every worker; it closes the blocking pool, cancelling
//!    the jobs that have not begun.
//! 3. Each worker, at its next step, stops running tasks. It cancels the live tasks of its share
//!    of the registry: an idle one at once, a running one at the end of its poll.
//! 4. It cancels what is left in its own queue and slot.
//! 5. The last worker that is not in [`crate::block_in_place`] closes the injector, cancels what was
//!    in it, cancels once more whatever lives, and drops the driver, so that foreign waiters on its
//!    sockets see an error. If all were away, whoever shuts down does it.
//! 6. [`Handle::wait_stopped`] returns when that is done and no blocking thread is left, or at
//!    its deadline. A task that never returns from its poll, or a job that never ends, keeps its
//!    thread; nothing else waits for it: what a worker stuck in such a poll cannot cancel, the
//!    watchdog cancels in its stead, a moment later.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use crate::blocking::{Job, OneShot, Refused};
use crate::context::Target;
use crate::metrics::{BlockingMetrics, WatchdogMetrics, WorkerMetrics};
use crate::report::TaskInfo;
use crate::shared::Shared;
use crate::sync::{Arc, const_thread_local, plain};
use crate::task::{self, JoinHandle, Meta, Schedule};

/// A reference to a scheduler; cheap to clone, valid also after its shutdown.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

const_thread_local! {
    static CURRENT: RefCell<Option<Handle>> = RefCell::new(None);
}

impl Handle {
    /// The scheduler that this thread serves or has entered.
    pub fn try_current() -> Option<Handle> {
        CURRENT
            .try_with(|current| current.borrow().clone())
            .ok()
            .flatten()
    }

    /// Makes this the current scheduler of the thread until the guard is dropped.
    pub fn enter(&self) -> EnterGuard {
        EnterGuard {
            previous: CURRENT.with(|current| current.replace(Some(self.clone()))),
            _not_send: std::marker::PhantomData,
        }
    }

    /// Spawns a task: it runs on the workers even if its `JoinHandle` is dropped.
    #[track_caller]
    pub fn spawn<F>(&self, future: F, name: Option<&str>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.clone().spawn_owned(future, name)
    }

    /// As [`Handle::spawn`]; the task keeps this reference, which saves counting one more.
    #[track_caller]
    pub fn spawn_owned<F>(self, future: F, name: Option<&str>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let target = Target::of(&self.shared);
        let (task, handle) = task::new(future, self.shared, meta(name));
        let registry = &target.shared().registry;
        match registry.insert(&task, target.shard_hint()) {
            Ok(()) => <Arc<Shared> as Schedule>::schedule(target, task),
            Err(crate::registry::Closed) => task.cancel(),
        }
        handle
    }

    /// Runs `f` on the blocking pool.
    ///
    /// If the pool is shut down, or has no thread and the system gives none, the returned handle
    /// is that of a cancelled task.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F, name: Option<&str>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (task, handle) = task::new(Job::new(f), OneShot, meta(name));
        match self.shared.blocking.submit(task) {
            Ok(()) => {}
            Err(Refused::ShutDown(task)) => task.cancel(),
            Err(Refused::NoThread(error)) => {
                eprintln!("heist: the system gives no thread for blocking jobs: {error}");
            }
        }
        handle
    }

    /// Begins a shutdown and returns at once; see the steps in this module's head.
    pub fn shut_down(&self) {
        self.shared.stop();
        self.shared.blocking.shut_down();
        self.shared.crew.shut_down();
        self.shared.finish_if_last();
    }

    /// Waits until a shutdown is complete or `timeout` is over; true if it is complete.
    pub fn wait_stopped(&self, timeout: Option<Duration>) -> bool {
        self.shared.wait_stopped(timeout)
    }

    /// All tasks that are alive, in no order. Takes each lock of the registry for a moment.
    pub fn tasks(&self) -> Vec<TaskInfo> {
        let registry = &self.shared.registry;
        let live = (0..registry.shards()).flat_map(|shard| registry.snapshot(shard));
        live.map(|task| TaskInfo::of(&task)).collect()
    }

    /// The blocking jobs that run now.
    pub fn blocking_jobs(&self) -> Vec<TaskInfo> {
        self.shared.blocking.running()
    }

    /// Tasks that ended by cancellation, since the scheduler was made.
    pub fn cancelled_tasks(&self) -> u64 {
        self.shared.cancelled.load(plain::Ordering::Relaxed)
    }

    /// Whether there are no threads: [`Handle::block_on`] serves as the one worker.
    pub fn has_seat(&self) -> bool {
        self.shared.has_seat
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.shared.workers()
    }

    /// What worker `index` counted so far.
    ///
    /// # Panics
    /// If there is no such worker.
    #[track_caller]
    pub fn worker_metrics(&self, index: usize) -> WorkerMetrics {
        let remote = &self.shared.remotes[index];
        remote.counters.snapshot(remote.stealer.len())
    }

    /// Tasks spawned and not yet finished. Takes each lock of the registry for a moment.
    pub fn live_tasks(&self) -> usize {
        self.shared.registry.len()
    }

    /// Tasks from outside that wait for a worker.
    pub fn injector_depth(&self) -> usize {
        self.shared.injector.len()
    }

    /// What the watchdog has seen and done.
    pub fn watchdog_metrics(&self) -> WatchdogMetrics {
        self.shared.watch.metrics()
    }

    /// The blocking pool's figures.
    pub fn blocking_metrics(&self) -> BlockingMetrics {
        self.shared.blocking.metrics()
    }
}

#[track_caller]
fn meta(name: Option<&str>) -> Meta {
    Meta {
        id: task::next_id(),
        name: name.map(Into::into),
        spawned_at: Location::caller(),
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("workers", &self.shared.workers())
            .finish_non_exhaustive()
    }
}

/// Leaves the scheduler that [`Handle::enter`] entered.
#[derive(Debug)]
#[must_use = "the scheduler is left again when the guard is dropped"]
pub struct EnterGuard {
    previous: Option<Handle>,
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        let previous = self.previous.take();
        let _ = CURRENT.try_with(|current| current.replace(previous));
    }
}
