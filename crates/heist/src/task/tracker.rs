//! [`TaskTracker`]: waits until all tasks of a kind have ended. The names are tokio-util's.
//!
//! # Protocol
//! One lock guards the count and the flag. Whoever brings about "closed, and none left" (the last
//! token's drop, or [`TaskTracker::close`]) wakes those who wait. Between "reopened" and the next close
//! nobody is let through, but who was woken before stays so: each such moment has a number.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::{JoinHandle, LocalSet};
use crate::runtime::Handle;

/// Counts tasks, and waits until none is left; for a graceful shutdown, beside a
/// [`CancellationToken`](crate::sync::CancellationToken).
///
/// It keeps no outputs: a task's memory is free as soon as it ends. Clones are the same tracker.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let tracker = heist::task::TaskTracker::new();
/// for _ in 0..10 {
///     drop(tracker.spawn(async {}));
/// }
/// tracker.close();
/// tracker.wait().await;
/// assert!(tracker.is_empty());
/// # }
/// ```
#[derive(Clone, Default)]
pub struct TaskTracker {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    empty: Notify,
}

#[derive(Clone, Copy, Default)]
struct State {
    tokens: usize,
    closed: bool,
}

impl State {
    fn is_over(self) -> bool {
        self.closed && self.tokens == 0
    }
}

impl Inner {
    /// Changes the state and wakes those who waited for what it has become.
    fn update<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let result = change(&mut state);
        let over = state.is_over();
        drop(state);
        if over {
            self.empty.notify_waiters();
        }
        result
    }
}

impl TaskTracker {
    /// A tracker of no tasks, not closed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until the tracker is closed and empty at the same time.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub fn wait(&self) -> TaskTrackerWaitFuture<'_> {
        TaskTrackerWaitFuture {
            // Before the look at the state, so that no change is missed between.
            notified: self.inner.empty.notified(),
            inner: Some(&self.inner),
        }
    }

    /// Lets [`TaskTracker::wait`] end once there is no task; true if it was not closed before. Tasks
    /// may be added all the same.
    pub fn close(&self) -> bool {
        self.inner
            .update(|state| !std::mem::replace(&mut state.closed, true))
    }

    /// Undoes [`TaskTracker::close`]; true if it was closed.
    pub fn reopen(&self) -> bool {
        std::mem::replace(&mut self.inner.state.lock().closed, false)
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.state.lock().closed
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.inner.state.lock().tokens
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns a tracked task on the current runtime.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        crate::spawn(self.track_future(task))
    }

    /// Spawns a tracked task on the runtime of `handle`.
    #[track_caller]
    pub fn spawn_on<F>(&self, task: F, handle: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        handle.spawn(self.track_future(task))
    }

    /// Spawns a tracked task into the [`LocalSet`] that the thread is in.
    ///
    /// # Panics
    /// If it is in none.
    #[track_caller]
    pub fn spawn_local<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        super::spawn_local(self.track_future(task))
    }

    /// Spawns a tracked task into `local_set`.
    #[track_caller]
    pub fn spawn_local_on<F>(&self, task: F, local_set: &LocalSet) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        local_set.spawn_local(self.track_future(task))
    }

    /// Runs `f`, tracked, on the blocking pool of the current runtime.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.spawn_blocking_on(f, &Handle::current())
    }

    /// Runs `f`, tracked, on the blocking pool of the runtime of `handle`.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(&self, f: F, handle: &Handle) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let token = self.token();
        handle.spawn_blocking(move || {
            let result = f();
            drop(token);
            result
        })
    }

    /// Has `future` count as a task until it is dropped.
    pub fn track_future<F: Future>(&self, future: F) -> TrackedFuture<F> {
        TrackedFuture {
            future,
            token: self.token(),
        }
    }

    /// A token that counts as a task until it is dropped.
    pub fn token(&self) -> TaskTrackerToken {
        self.inner.state.lock().tokens += 1;
        TaskTrackerToken {
            tracker: self.clone(),
        }
    }

    /// Whether both are the same tracker.
    pub fn ptr_eq(left: &Self, right: &Self) -> bool {
        Arc::ptr_eq(&left.inner, &right.inner)
    }
}

impl fmt::Debug for TaskTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = *self.inner.state.lock();
        f.debug_struct("TaskTracker")
            .field("len", &state.tokens)
            .field("is_closed", &state.closed)
            .finish()
    }
}

/// Counts as a task of a [`TaskTracker`] until it is dropped.
#[derive(Debug)]
#[must_use = "the token counts as long as it lives"]
pub struct TaskTrackerToken {
    tracker: TaskTracker,
}

impl TaskTrackerToken {
    /// The tracker that counts it.
    pub fn task_tracker(&self) -> &TaskTracker {
        &self.tracker
    }
}

impl Clone for TaskTrackerToken {
    /// One more that counts.
    fn clone(&self) -> Self {
        self.tracker.token()
    }
}

impl Drop for TaskTrackerToken {
    fn drop(&mut self) {
        self.tracker.inner.update(|state| state.tokens -= 1);
    }
}

pin_project! {
    /// The future of [`TaskTracker::track_future`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct TrackedFuture<F> {
        // Dropped before the token: when nothing is tracked any more, nothing of it is left.
        #[pin]
        future: F,
        token: TaskTrackerToken,
    }
}

impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

pin_project! {
    /// The future of [`TaskTracker::wait`].
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct TaskTrackerWaitFuture<'a> {
        #[pin]
        notified: Notified<'a>,
        // `None` once the future is done.
        inner: Option<&'a Inner>,
    }
}

impl Future for TaskTrackerWaitFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let over = this.inner.is_none_or(|inner| inner.state.lock().is_over());
        if over || this.notified.poll(cx).is_ready() {
            *this.inner = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl fmt::Debug for TaskTrackerWaitFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskTrackerWaitFuture")
            .finish_non_exhaustive()
    }
}

/// A [`JoinHandle`] that aborts its task when it is dropped.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let handle = heist::task::AbortOnDropHandle::new(heist::spawn(async { 1 }));
/// assert_eq!(handle.await.unwrap(), 1);
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the task is aborted when the handle is dropped"]
pub struct AbortOnDropHandle<T> {
    handle: Option<JoinHandle<T>>,
}

impl<T> AbortOnDropHandle<T> {
    /// Takes a task's handle over.
    pub fn new(handle: JoinHandle<T>) -> Self {
        Self {
            handle: Some(handle),
        }
    }

    /// Aborts the task; see [`JoinHandle::abort`].
    pub fn abort(&self) {
        self.get().abort();
    }

    /// Whether the task has finished.
    pub fn is_finished(&self) -> bool {
        self.get().is_finished()
    }

    /// A handle that can abort the task but not await it.
    pub fn abort_handle(&self) -> super::AbortHandle {
        self.get().abort_handle()
    }

    /// Gives the ordinary handle back; the task is aborted by no drop any more.
    pub fn detach(mut self) -> JoinHandle<T> {
        self.handle.take().expect(TAKEN_BY_DETACH)
    }

    fn get(&self) -> &JoinHandle<T> {
        self.handle.as_ref().expect(TAKEN_BY_DETACH)
    }
}

const TAKEN_BY_DETACH: &str = "only `detach`, which consumes this, takes the handle";

impl<T> Future for AbortOnDropHandle<T> {
    type Output = Result<T, super::JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let handle = self.handle.as_mut().expect(TAKEN_BY_DETACH);
        Pin::new(handle).poll(cx)
    }
}

impl<T> Drop for AbortOnDropHandle<T> {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.abort();
        }
    }
}
