//! [`LocalSet`]: tasks that stay on one thread, and so need not be `Send`.
//!
//! # Protocol
//! The set polls its tasks while it is polled itself, at most [`PER_POLL`] of them in a row; then it lets
//! others run. During that the thread's current set is this one, which is where [`spawn_local`] looks,
//! unless a [`LocalRuntime`](super::LocalRuntime) was entered since: the innermost gets the task.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use heist_scheduler::{JoinError, JoinHandle, LocalTasks, budget};

use super::local_home::{self, Lives};
use super::{Id, Runtime, handle};

/// How many tasks a set polls before it yields.
const PER_POLL: usize = 61;

thread_local! {
    static CURRENT: RefCell<Option<Entered>> = const { RefCell::new(None) };
}

/// The set that a thread is in.
#[derive(Clone)]
struct Entered {
    tasks: Rc<LocalTasks>,
    /// In how many runtimes the thread was when it entered the set.
    depth: usize,
}

/// A set of tasks that run where the set is awaited, on the thread that made it.
///
/// It cannot be sent to another thread, nor awaited in a task that can: await it in `Runtime::block_on`, of
/// either flavor, or use [`LocalSet::block_on`]. What is spawned inside by [`heist::spawn`](crate::spawn)
/// goes to the runtime's workers as ever. Dropping the set drops its tasks, unless a guard of
/// [`LocalSet::enter`] is left, which keeps them until it goes.
///
/// # Examples
/// ```
/// use std::rc::Rc;
///
/// # #[heist::main] async fn main() {
/// let local = heist::task::LocalSet::new();
/// let shared = Rc::new(5);
/// let five = local
///     .run_until(async move {
///         heist::task::spawn_local(async move { *shared }).await.unwrap()
///     })
///     .await;
/// assert_eq!(five, 5);
/// # }
/// ```
pub struct LocalSet {
    tasks: Rc<LocalTasks>,
}

impl LocalSet {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            tasks: Rc::default(),
        }
    }

    pub(super) fn telling_of_panics(on_panic: impl Fn(&JoinError) + Send + Sync + 'static) -> Self {
        Self {
            tasks: Rc::new(LocalTasks::telling_of_panics(on_panic)),
        }
    }

    pub(super) fn tasks(&self) -> &Rc<LocalTasks> {
        &self.tasks
    }

    /// A number that no other set, and no runtime, of the process has.
    pub fn id(&self) -> Id {
        Id(self.tasks.id())
    }

    /// Makes this the current set of the thread until the guard is dropped, for [`spawn_local`].
    pub fn enter(&self) -> LocalEnterGuard {
        let entered = Entered {
            tasks: self.tasks.clone(),
            depth: handle::depth(),
        };
        LocalEnterGuard {
            previous: replace_current(Some(entered)),
        }
    }

    /// Spawns a task into this set. It runs while the set is awaited.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.spawn_named(future, None)
    }

    #[track_caller]
    pub(crate) fn spawn_named<F>(&self, future: F, name: Option<&str>) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.tasks.spawn(future, name)
    }

    /// Runs `future` to its end on `runtime`, and this set's tasks meanwhile. Tasks that are left then stay in
    /// the set.
    ///
    /// # Panics
    /// As [`Runtime::block_on`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, runtime: &Runtime, future: F) -> F::Output {
        runtime.block_on(self.run_until(future))
    }

    /// Runs `future` to its end, and this set's tasks meanwhile. Tasks that are left then stay in the set.
    ///
    /// # Cancel safety
    /// Dropping it drops `future`; the set's tasks stay in the set.
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let polled = {
                let _entered = self.enter();
                future.as_mut().poll(cx)
            };
            if polled.is_pending() {
                self.run_some(cx);
            }
            polled
        })
        .await
    }

    /// Polls tasks, and sees to it that `cx` is woken for the next ones.
    fn run_some(&self, cx: &mut Context<'_>) {
        let _entered = self.enter();
        for _ in 0..PER_POLL {
            if !budget::constrained(|| self.tasks.run_one()) && self.tasks.wake_for_next(cx.waker())
            {
                return;
            }
        }
        cx.waker().wake_by_ref();
    }
}

impl Future for LocalSet {
    type Output = ();

    /// Ready when every task has ended.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.run_some(cx);
        match self.tasks.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Default for LocalSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").finish_non_exhaustive()
    }
}

/// Leaves the set that [`LocalSet::enter`] entered.
#[must_use = "the set is left again when the guard is dropped"]
pub struct LocalEnterGuard {
    previous: Option<Entered>,
}

impl Drop for LocalEnterGuard {
    fn drop(&mut self) {
        drop(replace_current(self.previous.take()));
    }
}

impl fmt::Debug for LocalEnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEnterGuard").finish_non_exhaustive()
    }
}

/// Returns the set before, for the caller to drop: that may drop tasks.
fn replace_current(entered: Option<Entered>) -> Option<Entered> {
    let replaced = CURRENT.try_with(|current| current.replace(entered));
    replaced.ok().flatten()
}

/// Whether this thread polls a set, or has entered one.
pub(crate) fn is_in_set() -> bool {
    let current = CURRENT.try_with(|current| current.borrow().is_some());
    current.unwrap_or(false)
}

/// Spawns a task, which need not be `Send`, into the [`LocalSet`] or the
/// [`LocalRuntime`](crate::runtime::LocalRuntime) that the thread is in: that which it entered last.
///
/// If a `LocalRuntime` is over and one of its handles is entered, the task is dropped and its handle that of a
/// cancelled one.
///
/// # Panics
/// - If the thread is in none: call it from a task of a set, from [`LocalSet::run_until`], or while holding a
///   [`LocalSet::enter`] guard. A task spawned by [`heist::spawn`](crate::spawn) is in none, except on a
///   `LocalRuntime`.
/// - If it is in a `LocalRuntime` of another thread.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawn_local_named(future, None)
}

#[track_caller]
pub(crate) fn spawn_local_named<F>(future: F, name: Option<&str>) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    tasks_here().spawn(future, name)
}

/// The set of [`spawn_local`].
#[track_caller]
fn tasks_here() -> Rc<LocalTasks> {
    let current = CURRENT.try_with(|current| current.borrow().clone());
    let current = current.ok().flatten();
    let home = match &current {
        Some(set) if set.depth == handle::depth() => None,
        _ => local_home::of_current(),
    };
    match (home, current) {
        (Some(Lives::Here(tasks)), _) | (None, Some(Entered { tasks, .. })) => tasks,
        // Nobody keeps this one: what is spawned into it is dropped at once.
        (Some(Lives::NoMore), _) => Rc::default(),
        (Some(Lives::Elsewhere), _) => panic!(
            "`spawn_local` called on another thread than the `LocalRuntime`'s own: its local tasks may be \
             spawned there only; use `heist::spawn` here"
        ),
        (None, None) => panic!(
            "`spawn_local` called outside of a `LocalSet` or `LocalRuntime`: call it inside \
             `LocalSet::run_until` or `LocalRuntime::block_on`, or in a task that is local itself; a task of \
             `heist::spawn` may move between threads"
        ),
    }
}
