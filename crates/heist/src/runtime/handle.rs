//! A reference to a runtime: spawning and entering from anywhere.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::thread;

use crate::runtime::RuntimeMetrics;
use heist_scheduler::{JoinHandle, TaskInfo};

/// A reference to a runtime; cheap to clone, and does not keep the runtime running.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) scheduler: heist_scheduler::Handle,
    pub(crate) reactor: heist_reactor::Handle,
}

impl Handle {
    /// The runtime that the calling thread is inside of.
    ///
    /// # Panics
    /// If it is inside of none: call it from a task, from `Runtime::block_on`, or while holding a
    /// `Runtime::enter` guard.
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// The runtime that the calling thread is inside of.
    ///
    /// # Errors
    /// If it is inside of none.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        let scheduler = heist_scheduler::Handle::try_current();
        let reactor = heist_reactor::Handle::try_current();
        match (scheduler, reactor) {
            (Some(scheduler), Some(reactor)) => Ok(Self { scheduler, reactor }),
            _ => Err(TryCurrentError(())),
        }
    }

    /// What was spawned on the current runtime, if there is one.
    #[inline]
    #[track_caller]
    pub(crate) fn spawned<T>(task: Option<JoinHandle<T>>) -> JoinHandle<T> {
        match task {
            Some(task) => task,
            None => panic!("{}", TryCurrentError(())),
        }
    }

    /// Makes this the current runtime of the calling thread until the guard is dropped.
    ///
    /// Guards are to be dropped in the reverse order of their creation.
    ///
    /// # Panics
    /// The drop of a guard, if a later one of the thread is still there: the thread would be left in the
    /// wrong runtime. Not while it unwinds.
    pub fn enter(&self) -> EnterGuard<'_> {
        let depth = DEPTH.try_with(|depth| {
            depth.set(depth.get() + 1);
            depth.get()
        });
        EnterGuard {
            _order: Order(depth.unwrap_or(0)),
            _reactor: self.reactor.enter(),
            _scheduler: self.scheduler.enter(),
            _handle: PhantomData,
        }
    }

    /// Spawns a task on this runtime; see [`crate::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.scheduler.spawn(future, None)
    }

    /// Runs `f` on this runtime's blocking pool; see [`crate::task::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.spawn_blocking_named(f, None)
    }

    /// The job runs inside this runtime, so that `Handle::current` finds it there.
    #[track_caller]
    pub(crate) fn spawn_blocking_named<F, R>(&self, f: F, name: Option<&str>) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let handle = self.clone();
        let entered = move || {
            let _entered = handle.enter();
            f()
        };
        self.scheduler.spawn_blocking(entered, name)
    }

    /// Runs `future` to its end on the calling thread; the workers drive its I/O and timers. On a
    /// current-thread runtime the calling thread does, with all tasks, unless another one is at it. A
    /// [`LocalRuntime`](super::LocalRuntime) is driven on its own thread only, and local tasks run in
    /// `LocalRuntime::block_on` only.
    ///
    /// # Panics
    /// If called from a task or from inside another `block_on`; use `.await` there, or move the
    /// call to `spawn_blocking`.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.enter();
        self.scheduler.block_on(future)
    }

    /// Whether a shutdown has begun.
    pub(crate) fn has_shut_down(&self) -> bool {
        self.scheduler.is_stopping()
    }

    /// All tasks that are alive now, in no order.
    ///
    /// # Examples
    /// ```
    /// # #[heist::main] async fn main() {
    /// let _task = heist::spawn(std::future::pending::<()>());
    /// for task in heist::runtime::Handle::current().tasks() {
    ///     println!("{} {:?} spawned at {}", task.id, task.name, task.spawned_at);
    /// }
    /// # }
    /// ```
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.scheduler.tasks()
    }

    /// The runtime's id.
    pub fn id(&self) -> Id {
        Id(self.scheduler.id())
    }

    /// The name that [`Builder::name`](super::Builder::name) gave the runtime.
    pub fn name(&self) -> Option<&str> {
        self.scheduler.name()
    }

    /// Which kind of runtime it is.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        match self.scheduler.has_seat() {
            true => RuntimeFlavor::CurrentThread,
            false => RuntimeFlavor::MultiThread,
        }
    }

    /// The runtime's figures.
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics::new(self.clone())
    }
}

/// Identifies a runtime; unique among all of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(pub(super) NonZeroU64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of the worker that the calling thread is, from 0; `None` if it is none.
///
/// A thread in `block_on` is worker 0 of a current-thread runtime if it is the one that serves, and no worker
/// of any other. A task may be on another worker after each `.await`.
pub fn worker_index() -> Option<usize> {
    heist_scheduler::worker_index()
}

/// The kinds of runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuntimeFlavor {
    /// Tasks run on the thread that is in `block_on`.
    CurrentThread,
    /// Tasks run on worker threads.
    MultiThread,
}

/// The calling thread is not inside a runtime.
#[derive(Debug)]
pub struct TryCurrentError(());

impl TryCurrentError {
    /// Always true: nothing is current on this thread.
    pub fn is_missing_context(&self) -> bool {
        true
    }

    /// Always false: Heist's handles work until their thread ends.
    pub fn is_thread_local_destroyed(&self) -> bool {
        false
    }
}

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no runtime on this thread: call from inside `Runtime::block_on` or a spawned task, \
             or hold a `Runtime::enter` guard",
        )
    }
}

impl std::error::Error for TryCurrentError {}

/// Leaves the runtime that [`Handle::enter`] entered.
#[derive(Debug)]
#[must_use = "the runtime is left again when the guard is dropped"]
pub struct EnterGuard<'a> {
    _order: Order,
    _scheduler: heist_scheduler::EnterGuard,
    _reactor: heist_reactor::EnterGuard<'a>,
    _handle: PhantomData<&'a Handle>,
}

thread_local! {
    /// How many guards this thread holds.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// How many guards of this thread there are.
pub(super) fn depth() -> usize {
    DEPTH.try_with(Cell::get).unwrap_or(0)
}

/// How many guards of this thread there were with this one. It has no lifetime, so that a guard that is
/// still there does not keep the handle borrowed.
#[derive(Debug)]
struct Order(usize);

impl Drop for Order {
    fn drop(&mut self) {
        let is_last = DEPTH.try_with(|depth| {
            let is_last = depth.get() == self.0;
            if is_last {
                depth.set(self.0 - 1);
            }
            is_last
        });
        assert!(
            is_last.unwrap_or(true) || thread::panicking(),
            "`EnterGuard`s dropped out of order: drop the one that `Handle::enter` returned last first"
        );
    }
}
