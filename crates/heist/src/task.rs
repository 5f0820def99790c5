//! Tasks: futures that the runtime's workers run.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use heist_scheduler::{AbortHandle, Id, JoinError, JoinHandle, TaskInfo};

pub mod coop;

pub use coop::{Unconstrained, consume_budget, unconstrained};

use crate::runtime::Handle;

/// Spawns a task on the current runtime and returns a handle to await its output.
///
/// The task starts at once, whether or not the handle is awaited, and runs on when the handle is
/// dropped. It is cancelled when its runtime shuts down.
///
/// # Panics
/// If the calling thread is not inside a runtime: call it from a task, from `Runtime::block_on`, or
/// while holding a `Runtime::enter` guard.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let answer = heist::spawn(async { 6 * 7 });
/// assert_eq!(answer.await.unwrap(), 42);
/// # }
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Handle::current_scheduler().spawn_owned(future, None)
}

/// Runs `f`, which may block, on this thread, after another one has taken over its worker.
///
/// The worker's other tasks go on; this task does not, and neither does what it polls beside `f`
/// (`join!`, `select!`). The handover costs a wakeup or the start of a thread: [`spawn_blocking`] is
/// the better choice where `f` can be moved. Outside a worker `f` is simply called. `block_on` may be
/// called inside.
///
/// # Panics
/// If `f` does.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// let path = std::env::temp_dir();
/// let entries = heist::task::block_in_place(|| std::fs::read_dir(&path).map(Iterator::count))?;
/// # let _ = entries;
/// # Ok(()) }
/// ```
pub fn block_in_place<F, R>(f: F) -> R
where
    F: FnOnce() -> R,
{
    heist_scheduler::block_in_place(f)
}

/// Runs code that blocks on a thread of its own and returns a handle to await its result.
///
/// The threads come from a bounded pool (512 by default, `Builder::max_blocking_threads`); idle
/// ones leave after 10 seconds (`Builder::thread_keep_alive`). A job that has begun cannot be
/// aborted; one that still waits for a thread can.
///
/// If the operating system gives no thread and the pool has none, the job is cancelled.
///
/// # Panics
/// If the calling thread is not inside a runtime; see [`spawn`].
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let sum = heist::task::spawn_blocking(|| (1..=10).sum::<u32>());
/// assert_eq!(sum.await.unwrap(), 55);
/// # }
/// ```
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    Handle::current().spawn_blocking(f)
}

/// Spawns a task with a name, which dumps and reports show.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// let task = heist::task::Builder::new().name("acceptor").spawn(async {})?;
/// assert_eq!(task.name(), Some("acceptor"));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// A builder for a task without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the task's name.
    pub fn name(self, name: &'a str) -> Self {
        Self { name: Some(name) }
    }

    /// Spawns on the current runtime; see [`spawn`].
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(Handle::current_scheduler().spawn_owned(future, self.name))
    }

    /// Spawns on the runtime of `handle`.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(handle.scheduler.spawn(future, self.name))
    }

    /// Runs `f` on the blocking pool of the current runtime; see [`spawn_blocking`].
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, f: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Ok(Handle::current().spawn_blocking_named(f, self.name))
    }
}

/// Lets the other tasks of this worker run, then goes on.
///
/// The task goes behind all tasks that are queued on its worker. It may resume on another one.
///
/// # Cancel safety
/// Nothing is lost when the future is dropped.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// for step in 0..1000 {
///     if step % 100 == 0 {
///         heist::task::yield_now().await;
///     }
/// }
/// # }
/// ```
pub async fn yield_now() {
    /// Pending once, after waking itself.
    struct YieldNow {
        yielded: bool,
    }

    impl Future for YieldNow {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if self.yielded {
                return Poll::Ready(());
            }
            self.yielded = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }

    YieldNow { yielded: false }.await;
}
