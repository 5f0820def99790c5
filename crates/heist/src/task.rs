//! Tasks: futures that the runtime's workers run.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

#[doc(inline)]
pub use heist_scheduler::{AbortHandle, Id, JoinError, JoinHandle, TaskInfo};

pub mod coop;
pub mod group;
pub mod join_set;

mod builder;
mod inherit;
mod local_key;
mod tracker;

#[doc(inline)]
pub use crate::runtime::local_set::{LocalEnterGuard, LocalSet, spawn_local};
pub use builder::Builder;
#[doc(inline)]
pub use coop::{Unconstrained, consume_budget, unconstrained};
#[doc(inline)]
pub use group::TaskGroup;
pub use inherit::{Inherit, InheritedKey, inherit};
#[doc(inline)]
pub use join_set::JoinSet;
pub use local_key::{AccessError, LocalKey};
pub use tracker::{
    AbortOnDropHandle, TaskTracker, TaskTrackerToken, TaskTrackerWaitFuture, TrackedFuture,
};

/// Futures of this module that have a name.
pub mod futures {
    pub use super::local_key::TaskLocalFuture;
}

use crate::runtime::Handle;
use crate::runtime::local_set::is_in_set;

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
    Handle::spawned(heist_scheduler::spawn(future, None))
}

/// Runs `f`, which may block, on this thread, after another one has taken over its worker.
///
/// The worker's other tasks go on; this task does not, and neither does what it polls beside `f`
/// (`join!`, `select!`). The handover costs a wakeup or the start of a thread: [`spawn_blocking`] is
/// the better choice where `f` can be moved. Outside a worker `f` is simply called. `block_on` may be
/// called inside.
///
/// # Panics
/// If `f` does; on a current-thread runtime, where nobody could take over; and inside a [`LocalSet`], for
/// the same reason.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// let path = std::env::temp_dir();
/// let entries = heist::task::block_in_place(|| std::fs::read_dir(&path).map(Iterator::count))?;
/// # let _ = entries;
/// # Ok(()) }
/// ```
#[track_caller]
pub fn block_in_place<F, R>(f: F) -> R
where
    F: FnOnce() -> R,
{
    assert!(
        !is_in_set(),
        "`block_in_place` called inside a `LocalSet`, whose other tasks nobody would run meanwhile: use \
         `spawn_blocking`"
    );
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

/// The id of the task that is being polled, or dropped, on this thread.
///
/// # Panics
/// Outside of a task: in `Runtime::block_on`'s own future, for instance.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let task = heist::spawn(async { heist::task::id() });
/// let id = task.id();
/// assert_eq!(task.await.unwrap(), id);
/// assert_eq!(heist::task::try_id(), None); // `main` is no task
/// # }
/// ```
#[track_caller]
pub fn id() -> Id {
    match try_id() {
        Some(id) => id,
        None => panic!("no task on this thread: call it from inside of a spawned one"),
    }
}

/// The id of the task that is being polled, or dropped, on this thread, if any.
pub fn try_id() -> Option<Id> {
    Id::current()
}
