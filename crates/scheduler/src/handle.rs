//! The way to a scheduler from anywhere: spawning, shutdown, figures.
//!
//! # Shutdown, step by step
//! 1. [`Handle::shut_down`] raises the stop flag: from here on a spawn gives a handle to a task that is
//!    already cancelled.
//! 2. It unparks every worker; it closes the blocking pool, cancelling the jobs that have not begun.
//! 3. Each worker, at its next step, stops running tasks. It cancels its share of the live ones: an idle
//!    one at once, a running one at the end of its poll.
//! 4. It cancels what is left in its own queue and slot.
//! 5. The last worker that is not in [`crate::block_in_place`] closes the injector, cancels what was
//!    in it, cancels once more whatever lives, and drops the driver, so that foreign waiters on its
//!    sockets see an error. If all were away, whoever shuts down does it.
//! 6. [`Handle::wait_stopped`] returns when that is done and no blocking thread is left, or at
//!    its deadline. A task that never returns from its poll, or a job that never ends, keeps its
//!    thread; nothing else waits for it: what a worker stuck in such a poll cannot cancel, the
//!    watchdog cancels in its stead, a moment later.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::blocking::{Job, OneShot, Refused};
use crate::context;
use crate::metrics::{BlockingMetrics, WatchdogMetrics, WorkerMetrics};
use crate::parker::Place;
use crate::report::TaskInfo;
use crate::shared::Shared;
use crate::sync::{Arc, NotSend};
use crate::task::{self, BOXED_ABOVE, JoinError, JoinHandle, Meta};

/// A reference to a scheduler; cheap to clone, valid also after its shutdown.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

// No foreign code runs under the scheduler's locks, so a panic leaves nothing half done.
impl std::panic::UnwindSafe for Handle {}
impl std::panic::RefUnwindSafe for Handle {}

impl Handle {
    /// The scheduler that this thread serves or has entered.
    pub fn try_current() -> Option<Handle> {
        context::current().map(|shared| Self { shared })
    }

    /// Makes this the current scheduler of the thread until the guard is dropped.
    pub fn enter(&self) -> EnterGuard {
        EnterGuard {
            previous: context::set_current(Some(self.shared.clone())),
            _not_send: NotSend::HERE,
        }
    }

    /// Spawns a task: it runs on the workers even if its `JoinHandle` is dropped.
    #[track_caller]
    pub fn spawn<F>(&self, future: F, name: Option<&str>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let meta = Meta::new(name);
        if size_of::<F>() > BOXED_ABOVE {
            self.spawn_sized(Box::pin(future), meta)
        } else {
            self.spawn_sized(future, meta)
        }
    }

    fn spawn_sized<F>(&self, future: F, meta: Meta) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match context::spawn_as_worker(Some(&self.shared), future, meta) {
            Ok(handle) => handle,
            Err((future, meta)) => context::spawn_from_outside(&self.shared, future, meta),
        }
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
        let (task, handle) = task::new(Job::new(f), OneShot, Meta::new(name));
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

    /// Whether a shutdown has begun. Whoever sees a blocking job that it refused or cancelled finds it so.
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    /// Waits until a shutdown is complete or `timeout` is over; true if it is complete.
    pub fn wait_stopped(&self, timeout: Option<Duration>) -> bool {
        self.shared.wait_stopped(timeout)
    }

    /// All tasks that are alive, in no order. Holds nobody up: it walks over the tasks' memory.
    pub fn tasks(&self) -> Vec<TaskInfo> {
        let live = self.shared.arena.live(0, 1);
        live.iter().map(TaskInfo::of).collect()
    }

    /// The blocking jobs that run now.
    pub fn blocking_jobs(&self) -> Vec<TaskInfo> {
        self.shared.blocking.running()
    }

    /// Tasks that ended by cancellation, since the scheduler was made.
    pub fn cancelled_tasks(&self) -> u64 {
        self.shared.counts().cancelled
    }

    /// A number that no other scheduler of the process has.
    pub fn id(&self) -> NonZeroU64 {
        self.shared.id
    }

    /// What [`crate::Config::name`] said.
    pub fn name(&self) -> Option<&str> {
        self.shared.name.as_deref()
    }

    /// Whether there are no threads: [`Handle::block_on`] serves as the one worker.
    pub fn has_seat(&self) -> bool {
        self.shared.has_seat
    }

    /// Whether this is the thread that alone may serve; `None` where there is no such thread
    /// ([`crate::Config::only_thread`]).
    pub fn is_on_only_thread(&self) -> Option<bool> {
        self.shared.only_thread.get().map(|is_it| is_it())
    }

    /// Takes the panic of a task that is none of this scheduler's as that of its own, with regard to
    /// [`crate::Config::stop_on_panic`].
    pub fn task_panicked(&self, error: &JoinError) {
        self.shared.task_panicked(error);
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

    /// Tasks spawned and not yet finished. Each worker counts its own, so this may be off by a few while
    /// they run.
    pub fn live_tasks(&self) -> usize {
        let counts = self.shared.counts();
        usize::try_from(counts.spawned.saturating_sub(counts.finished)).unwrap_or(usize::MAX)
    }

    /// Tasks from outside that wait for a worker.
    pub fn injector_depth(&self) -> usize {
        self.shared.injector.len()
    }

    /// Whether worker `index` sleeps, or is about to.
    ///
    /// # Panics
    /// If there is no such worker.
    #[track_caller]
    pub fn is_worker_parked(&self, index: usize) -> bool {
        self.shared.remotes[index].parker.place() != Place::Awake
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

/// As [`Handle::spawn`], on the current scheduler; `None` if there is none.
#[inline]
#[track_caller]
pub fn spawn<F>(future: F, name: Option<&str>) -> Option<JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let meta = Meta::new(name);
    if size_of::<F>() > BOXED_ABOVE {
        spawn_sized(Box::pin(future), meta)
    } else {
        spawn_sized(future, meta)
    }
}

#[inline]
fn spawn_sized<F>(future: F, meta: Meta) -> Option<JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match context::spawn_as_worker(None, future, meta) {
        Ok(handle) => Some(handle),
        Err((future, meta)) => spawn_elsewhere(future, meta),
    }
}

#[cold]
#[inline(never)]
fn spawn_elsewhere<F>(future: F, meta: Meta) -> Option<JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let shared = context::current()?;
    Some(Handle { shared }.spawn_sized(future, meta))
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
    previous: Option<Arc<Shared>>,
    /// To be dropped on the thread whose current scheduler it restores.
    _not_send: NotSend,
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        drop(context::set_current(self.previous.take()));
    }
}
