//! [`Scope`]: what body and children hold of their group; and the state behind it.
//!
//! # Invariants
//! - A task that may be cancelled is in `State::tasks` before it is spawned, and leaves when it is dropped.
//!   Its handle comes a moment later; who puts it there looks whether the group was cancelled meanwhile.
//! - Nothing is aborted, and no failure dropped, under the lock.
//! - The tracker counts every task; it is closed from the start, so it is over whenever it is empty.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use tokio_util::sync::CancellationToken;

use super::ancestry::{Ancestor, GROUP, Lineage};
use super::child::ChildTask;
use super::{Child, Failure, OnCancel};
use crate::runtime::Handle;
use crate::task::{AbortHandle, Inherit, TaskTracker, TaskTrackerToken, inherit};
use crate::time::{Instant, timeout_at};

/// A group, as seen from inside: where children are spawned, and cancelled. Clones are the same scope.
///
/// `E` is what children fail with. A scope that is kept beyond its group takes nobody in any more.
pub struct Scope<E> {
    shared: Arc<Shared<E>>,
}

impl<E: Send + 'static> Scope<E> {
    pub(super) fn new(shared: Arc<Shared<E>>) -> Self {
        Self { shared }
    }

    /// Spawns a child; in a group with a [limit](super::TaskGroup::limit), waits for a place first.
    ///
    /// A child that spawns into its own group keeps its place meanwhile: if all do so, at the limit, they wait
    /// for one another. [`Scope::try_spawn`] does not wait.
    ///
    /// If the group is over or cancelled, now or while this waits, the child is dropped unpolled.
    ///
    /// # Cancel safety
    /// Until it is ready nothing has been spawned, and `future` is dropped with it.
    pub async fn spawn<F, T>(&self, future: F) -> Child<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let place = match &self.shared.places {
            None => None,
            // Closed by a cancellation: then `start` drops the future.
            Some(places) => places.clone().acquire_owned().await.ok(),
        };
        self.start(future, place, Kind::Child)
    }

    /// Spawns a child if there is a place.
    ///
    /// # Errors
    /// Gives the future back if the group is at its limit.
    pub fn try_spawn<F, T>(&self, future: F) -> Result<Child<T>, F>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let place = match &self.shared.places {
            None => None,
            Some(places) => match places.clone().try_acquire_owned() {
                Ok(place) => Some(place),
                Err(TryAcquireError::Closed) => None,
                Err(TryAcquireError::NoPermits) => return Err(future),
            },
        };
        Ok(self.start(future, place, Kind::Child))
    }

    /// Runs `future` so that no cancellation touches it: it goes on when the group is cancelled and when what
    /// awaits it is dropped, and the group waits for it, without a limit.
    ///
    /// It begins at once, takes no place, and runs also in a group that is cancelled already, but not in one
    /// that is over. Only a shutdown of the runtime cuts it short.
    ///
    /// # Examples
    /// ```
    /// # use heist::task::TaskGroup;
    /// # async fn commit() {}
    /// # #[heist::main] async fn main() {
    /// let result = TaskGroup::new()
    ///     .run(async |scope| {
    ///         let inner = scope.clone();
    ///         let child = scope.spawn(async move {
    ///             inner.shield(commit()).await.unwrap(); // never left half done
    ///             Ok::<_, std::io::Error>(())
    ///         });
    ///         drop(child.await);
    ///         Ok(())
    ///     })
    ///     .await;
    /// assert!(result.is_ok());
    /// # }
    /// ```
    pub fn shield<F>(&self, future: F) -> Child<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.start(async move { Ok(future.await) }, None, Kind::Shielded)
    }

    /// Adds `cleanup` to `work`, to be awaited if `work` is cut short.
    ///
    /// That is when it is dropped after its first poll and before its end, not by its own panic. Then `cleanup`
    /// runs as a task of its own; the group waits for it, until the [grace](super::TaskGroup::grace) is over,
    /// counted from the group's cancellation, or from the drop if that was no cancellation of the group. What
    /// is not done by then is dropped, and a failure ([`Failure::GraceElapsed`]).
    ///
    /// # Examples
    /// ```
    /// # use heist::task::TaskGroup;
    /// # use heist::time::{Duration, sleep};
    /// # #[heist::main] async fn main() {
    /// let result = TaskGroup::new()
    ///     .timeout(Duration::from_millis(1))
    ///     .run(async |scope| {
    ///         let transfer = sleep(Duration::from_secs(3600));
    ///         let tell_the_peer = async { /* … .await */ };
    ///         scope.on_cancel(transfer, tell_the_peer).await;
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .await;
    /// assert!(result.is_err());
    /// # }
    /// ```
    pub fn on_cancel<F, C>(&self, work: F, cleanup: C) -> OnCancel<F>
    where
        F: Future,
        C: Future<Output = ()> + Send + 'static,
    {
        let scope = self.clone();
        OnCancel::new(work, move || scope.clean_up(cleanup))
    }

    /// Cancels the group: its body and its children, but not what is shielded.
    pub fn cancel(&self) {
        self.shared.cancel();
    }

    /// Whether the group was cancelled, by whatever.
    pub fn is_cancelled(&self) -> bool {
        self.shared.token.is_cancelled()
    }

    /// Waits until the group is cancelled. In a child it is dropped at that moment; for those that look on.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn cancelled(&self) {
        self.shared.token.cancelled().await;
    }

    /// How many tasks are in the group: children, what is shielded, cleanups.
    pub fn len(&self) -> usize {
        self.shared.tracker.len()
    }

    /// Whether no task is in the group.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn clean_up(&self, cleanup: impl Future<Output = ()> + Send + 'static) {
        let shared = self.shared.clone();
        let from = shared
            .state
            .lock()
            .cancelled_at
            .unwrap_or_else(Instant::now);
        let until = from.saturating_add(shared.grace);
        let bounded = async move {
            if timeout_at(until, cleanup).await.is_err() {
                shared.fail(Failure::GraceElapsed);
            }
            Ok(())
        };
        drop(self.start(bounded, None, Kind::Shielded));
    }

    fn start<F, T>(&self, work: F, place: Option<OwnedSemaphorePermit>, kind: Kind) -> Child<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let (send, value) = oneshot::channel();
        let Some(exit) = self.shared.enter(place, kind) else {
            return Child { value, task: None };
        };
        let number = exit.number;
        let task = ChildTask::new(work, send, exit);
        let task = inherit(self.shared.as_ancestor(task));
        let abort = self.shared.runtime.spawn(task).abort_handle();
        if kind == Kind::Child {
            self.shared.put_handle(number, abort.clone());
        }
        Child {
            value,
            task: Some(abort),
        }
    }
}

/// Whether a cancellation of the group touches a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Child,
    Shielded,
}

impl<E> Clone for Scope<E> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<E: Send + 'static> fmt::Debug for Scope<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("len", &self.len())
            .field("is_cancelled", &self.is_cancelled())
            .finish()
    }
}

/// The state of one group.
pub(super) struct Shared<E> {
    state: Mutex<State<E>>,
    token: CancellationToken,
    places: Option<Arc<Semaphore>>,
    tracker: TaskTracker,
    /// Gone when the group is over.
    lineage: Weak<Lineage>,
    runtime: Handle,
    grace: Duration,
}

struct State<E> {
    next_number: u64,
    /// The children; the handle is there once the task is.
    tasks: BTreeMap<u64, Option<AbortHandle>>,
    failures: Vec<Failure<E>>,
    cancelled_at: Option<Instant>,
    /// Nobody is taken in any more, nobody is left.
    over: bool,
}

impl<E: Send + 'static> Shared<E> {
    /// A group that begins here, and is over when its lineage is dropped.
    #[track_caller]
    pub(super) fn new(limit: Option<usize>, grace: Duration) -> (Arc<Self>, Arc<Lineage>) {
        let tracker = TaskTracker::new();
        tracker.close();
        let lineage = Lineage::here();
        let shared = Self {
            state: Mutex::new(State {
                next_number: 0,
                tasks: BTreeMap::new(),
                failures: Vec::new(),
                cancelled_at: None,
                over: false,
            }),
            token: CancellationToken::new(),
            places: limit.map(|count| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)))),
            tracker,
            lineage: Arc::downgrade(&lineage),
            runtime: Handle::current(),
            grace,
        };
        (Arc::new(shared), lineage)
    }

    pub(super) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Has groups inside of `future` know this one.
    pub(super) fn as_ancestor<F: Future>(&self, future: F) -> Inherit<F> {
        let ancestor = Ancestor {
            tracker: self.tracker.clone(),
            lineage: self.lineage.clone(),
        };
        GROUP.scope(ancestor, future)
    }

    fn enter(self: &Arc<Self>, place: Option<OwnedSemaphorePermit>, kind: Kind) -> Option<Exit<E>> {
        let lineage = self.lineage.upgrade()?;
        let mut state = self.state.lock();
        if state.over || (kind == Kind::Child && state.cancelled_at.is_some()) {
            return None;
        }
        let number = state.next_number;
        state.next_number += 1;
        if kind == Kind::Child {
            state.tasks.insert(number, None);
        }
        // Under the lock: `ended` looks there whether somebody came in.
        let token = self.tracker.token();
        drop(state);
        Some(Exit {
            shared: self.clone(),
            number,
            _place: place,
            _token: token,
            _lineage: lineage,
        })
    }

    fn put_handle(&self, number: u64, handle: AbortHandle) {
        let mut state = self.state.lock();
        let cancelled = state.cancelled_at.is_some();
        match state.tasks.get_mut(&number) {
            Some(place) if !cancelled => *place = Some(handle),
            _ => {
                drop(state);
                if cancelled {
                    handle.abort();
                }
            }
        }
    }

    pub(super) fn fail(&self, failure: Failure<E>) {
        self.state.lock().failures.push(failure);
        self.cancel();
    }

    pub(super) fn cancel(&self) {
        let handles: Vec<AbortHandle> = {
            let mut state = self.state.lock();
            if state.cancelled_at.is_some() {
                return;
            }
            state.cancelled_at = Some(Instant::now());
            state.tasks.values_mut().filter_map(Option::take).collect()
        };
        self.token.cancel();
        self.places.iter().for_each(|places| places.close());
        handles.iter().for_each(AbortHandle::abort);
    }

    /// Waits until no task is left, and takes none in from then on.
    pub(super) async fn ended(&self) {
        while !self.try_end() {
            self.tracker.wait().await;
        }
    }

    fn try_end(&self) -> bool {
        let mut state = self.state.lock();
        state.over = self.tracker.is_empty();
        state.over
    }

    pub(super) fn take_failures(&self) -> Vec<Failure<E>> {
        std::mem::take(&mut self.state.lock().failures)
    }
}

/// What a task of a group holds: with its drop the task is out.
pub(super) struct Exit<E> {
    shared: Arc<Shared<E>>,
    number: u64,
    // Let go in this order: first it does not count here any more, then its place is free, and then it does
    // not count outside.
    _token: TaskTrackerToken,
    _place: Option<OwnedSemaphorePermit>,
    _lineage: Arc<Lineage>,
}

impl<E: Send + 'static> Exit<E> {
    pub(super) fn fail(&self, failure: Failure<E>) {
        self.shared.fail(failure);
    }
}

impl<E> Drop for Exit<E> {
    fn drop(&mut self) {
        let handle = self.shared.state.lock().tasks.remove(&self.number);
        drop(handle);
    }
}
