//! [`LocalRuntime`]: a current-thread runtime and a set of tasks that need not be `Send`, in one.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use heist_scheduler::JoinHandle;

use super::local_home::Home;
use super::local_set::LocalSet;
use super::{Builder, EnterGuard, Handle, Runtime, RuntimeMetrics};

/// A runtime on one thread, whose tasks may hold what is not `Send`.
///
/// [`spawn_local`](crate::task::spawn_local) works everywhere inside: in [`LocalRuntime::block_on`], in tasks,
/// and while the runtime is entered, also by its [`Handle`], on its own thread. On any other it panics.
/// [`heist::spawn`](crate::spawn) spawns tasks that are `Send`, which run here too, and nowhere else.
///
/// # Examples
/// ```
/// use std::rc::Rc;
///
/// # fn main() -> std::io::Result<()> {
/// let runtime = heist::runtime::LocalRuntime::new()?;
/// let five = Rc::new(5);
/// let task = runtime.spawn_local(async move { *five });
/// assert_eq!(runtime.block_on(task).unwrap(), 5);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct LocalRuntime {
    // Dropped first: its tasks may use the runtime.
    tasks: Tasks,
    runtime: Runtime,
}

/// The set, whose tasks find their runtime when they are dropped.
#[derive(Debug)]
struct Tasks {
    /// `None` only in the drop.
    set: Option<LocalSet>,
    handle: Handle,
    _home: Home,
}

impl Tasks {
    fn set(&self) -> &LocalSet {
        self.set.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let _entered = self.handle.enter();
        self.set = None;
    }
}

// As `Runtime`.
impl std::panic::UnwindSafe for LocalRuntime {}
impl std::panic::RefUnwindSafe for LocalRuntime {}

impl LocalRuntime {
    /// A runtime with the defaults of [`Builder::new_current_thread`].
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> io::Result<Self> {
        Builder::new_current_thread().build_local(LocalOptions::default())
    }

    pub(super) fn of(runtime: Runtime) -> Self {
        let handle = runtime.handle().clone();
        let scheduler = handle.scheduler.clone();
        let set = LocalSet::telling_of_panics(move |error| scheduler.task_panicked(error));
        let tasks = Tasks {
            _home: Home::new(&handle, set.tasks()),
            set: Some(set),
            handle,
        };
        Self { tasks, runtime }
    }

    /// A reference to the runtime that can be kept and sent anywhere. What is spawned by it runs while
    /// [`LocalRuntime::block_on`] does.
    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Spawns a task, which runs while [`LocalRuntime::block_on`] does.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.tasks.set().spawn_local(future)
    }

    /// Runs `f` on the blocking pool; see [`crate::task::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.runtime.spawn_blocking(f)
    }

    /// Runs `future` to its end on this thread, and all tasks meanwhile.
    ///
    /// # Panics
    /// As [`Runtime::block_on`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tasks.set().block_on(&self.runtime, future)
    }

    /// Makes this the current runtime of the thread until the guard is dropped, also for
    /// [`spawn_local`](crate::task::spawn_local).
    ///
    /// # Examples
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let runtime = heist::runtime::LocalRuntime::new()?;
    /// let _entered = runtime.enter();
    /// let task = heist::task::spawn_local(async { 5 });
    /// assert_eq!(runtime.block_on(task).unwrap(), 5);
    /// # Ok(()) }
    /// ```
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Drops all tasks, and waits at most `duration` for blocking jobs that are under way.
    pub fn shutdown_timeout(self, duration: Duration) {
        drop(self.tasks);
        self.runtime.shutdown_timeout(duration);
    }

    /// Drops all tasks without waiting for anything.
    pub fn shutdown_background(self) {
        self.shutdown_timeout(Duration::ZERO);
    }

    /// The runtime's figures. Local tasks are not among its live tasks.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.runtime.metrics()
    }
}

/// How a [`LocalRuntime`] is to be: there is nothing to choose yet.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LocalOptions {
    /// As tokio's, it stays on its thread.
    _not_send: PhantomData<*const ()>,
}
