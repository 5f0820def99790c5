//! The owner of a runtime's threads.

use std::future::Future;
use std::io;
use std::thread;
use std::time::Duration;

use heist_scheduler::JoinHandle;

use super::threads;
use super::{Builder, EnterGuard, Handle, RuntimeMetrics};
use heist_scheduler::TaskInfo;

/// What became of a runtime's tasks in its shutdown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that came to their end, by themselves or by a panic, while the runtime shut down.
    pub finished: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Tasks that were still there at the deadline: each is in a poll that does not return.
    pub tasks: Vec<TaskInfo>,
    /// Blocking jobs that were still running at the deadline.
    pub blocking: Vec<TaskInfo>,
}

impl ShutdownReport {
    /// Whether nothing was left at the deadline.
    pub fn is_complete(&self) -> bool {
        self.tasks.is_empty() && self.blocking.is_empty()
    }
}

/// A runtime: workers, reactor, timers, blocking pool.
///
/// Dropping it shuts it down and waits, without limit, for the polls and blocking jobs that are
/// under way; see [`crate::runtime`] for the steps and [`Runtime::shutdown_timeout`] for a limit.
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// let runtime = heist::runtime::Runtime::new()?;
/// let sum = runtime.block_on(async {
///     let a = heist::spawn(async { 1 });
///     let b = heist::spawn(async { 2 });
///     a.await.unwrap() + b.await.unwrap()
/// });
/// assert_eq!(sum, 3);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Runtime {
    handle: Handle,
    /// `None` once the runtime has been shut down.
    workers: Option<Vec<thread::JoinHandle<()>>>,
}

// A panic beside it leaves nothing half done: there is nothing to do with it but to shut it down.
impl std::panic::UnwindSafe for Runtime {}
impl std::panic::RefUnwindSafe for Runtime {}

impl Runtime {
    /// A runtime with the defaults of [`Builder::new_multi_thread`].
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> io::Result<Self> {
        Builder::new_multi_thread().enable_all().build()
    }

    pub(super) fn from_parts(handle: Handle, workers: Vec<thread::JoinHandle<()>>) -> Self {
        Self {
            handle,
            workers: Some(workers),
        }
    }

    /// A reference to the runtime that can be kept and sent anywhere.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Spawns a task; see [`crate::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// Runs `f` on the blocking pool; see [`crate::task::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(f)
    }

    /// Runs `future` to its end on the calling thread; see [`Handle::block_on`].
    ///
    /// # Panics
    /// If called from a task or from inside another `block_on`.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// Makes this the current runtime of the calling thread until the guard is dropped.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// The runtime's figures.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Shuts down, waits at most `grace` for what is under way, and tells what became of it.
    ///
    /// New tasks are refused; every task is cancelled at its next `.await`, or at once if it waits
    /// there. What is left after `grace` is a task whose poll does not return, or a blocking job that
    /// does not end: the report names them, and each keeps its thread until it ends. To end tasks in
    /// their own time, tell them before, for instance by a `tokio_util` `CancellationToken`.
    ///
    /// Called on a thread of a runtime it does not wait.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> std::io::Result<()> {
    /// let runtime = heist::runtime::Runtime::new()?;
    /// runtime.spawn(std::future::pending::<()>());
    /// let report = runtime.shutdown(Duration::from_secs(5));
    /// assert!(report.is_complete());
    /// assert_eq!(report.cancelled, 1);
    /// # Ok(()) }
    /// ```
    pub fn shutdown(mut self, grace: Duration) -> ShutdownReport {
        let (live, cancelled) = (self.live(), self.handle.scheduler.cancelled_tasks());
        let is_complete = self.shut_down(Some(grace));
        let tasks = if is_complete {
            Vec::new()
        } else {
            self.handle.tasks()
        };
        let cancelled = self.handle.scheduler.cancelled_tasks() - cancelled;
        ShutdownReport {
            finished: live.saturating_sub(cancelled + tasks.len() as u64),
            cancelled,
            tasks,
            blocking: self.handle.scheduler.blocking_jobs(),
        }
    }

    /// As [`Runtime::shutdown`], for use in a task of another runtime: a thread of its own waits.
    ///
    /// # Errors
    /// When the system gives no thread. The runtime is shut down all the same, without a wait.
    ///
    /// # Cancel safety
    /// The shutdown begins at the first poll, and goes on if the future is dropped then.
    pub async fn shutdown_async(self, grace: Duration) -> io::Result<ShutdownReport> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let waiter = thread::Builder::new().name("heist-shutdown".to_owned());
        waiter.spawn(move || {
            let _ = send.send(self.shutdown(grace));
        })?;
        Ok(receive.await.expect("the thread sends before it ends"))
    }

    fn live(&self) -> u64 {
        self.handle.scheduler.live_tasks() as u64
    }

    /// Shuts down, and waits at most `duration` for what is under way; see [`Runtime::shutdown`] for
    /// one that reports.
    ///
    /// A task that does not return from its poll by then, or a blocking job that does not end,
    /// keeps its thread until it does.
    pub fn shutdown_timeout(mut self, duration: Duration) {
        self.shut_down(Some(duration));
    }

    /// Shuts down without waiting for anything.
    pub fn shutdown_background(mut self) {
        self.shut_down(Some(Duration::ZERO));
    }

    /// Waits for `limit`, or for ever; afterwards only threads that have ended are joined. True if all is
    /// over.
    fn shut_down(&mut self, limit: Option<Duration>) -> bool {
        let Some(workers) = self.workers.take() else {
            return true;
        };
        // What is dropped on this thread finds its runtime, as it would on a worker.
        let handle = self.handle.clone();
        let _entered = handle.enter();
        handle.scheduler.shut_down();
        let limit = match threads::is_runtime_thread() || heist_scheduler::is_worker() {
            true => Some(Duration::ZERO), // It might be waiting for itself.
            false => limit,
        };
        let is_complete = self.handle.scheduler.wait_stopped(limit);
        if is_complete {
            let this = thread::current().id();
            for worker in workers.into_iter().filter(|w| w.thread().id() != this) {
                // A worker's panic has been reported by the panic hook.
                let _ = worker.join();
            }
        }
        is_complete
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shut_down(None);
    }
}
