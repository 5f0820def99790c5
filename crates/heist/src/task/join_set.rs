//! [`JoinSet`]: tasks that are awaited in the order in which they finish, and aborted together.
//!
//! # Protocol
//! Each task has a place in the set and a waker that knows it. The waker puts the place on a list,
//! `Finished`, and wakes whoever waits for the set. [`JoinSet::poll_join_next`] polls the handles on
//! the list and no others, so that a set of many thousands costs no more than one of two. A new task
//! starts on the list: its first poll leaves the waker with it.
//!
//! # Invariants
//! - A place that is not on the list holds a task that has its waker, and is put there when it ends.
//! - A place on the list may be stale (its task was woken twice, or the place has a new tenant): the
//!   poll then finds nothing, and leaves the waker anew.
//! - Nobody is woken under the list's lock.

mod builder;

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use heist_scheduler::budget;
use parking_lot::Mutex;
use slab::Slab;

pub use builder::Builder;

use super::{AbortHandle, Id, JoinError, JoinHandle, LocalSet};
use crate::runtime::Handle;

/// A collection of tasks on any runtimes.
///
/// Tasks finish in any order and are returned in that order. Dropping the set aborts those that are
/// left, and waits for none; a [`TaskGroup`](super::TaskGroup) waits, and looks after errors too.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let mut set = heist::task::JoinSet::new();
/// for n in 0..10_u64 {
///     set.spawn(async move { n * n });
/// }
/// let mut sum = 0;
/// while let Some(square) = set.join_next().await {
///     sum += square.unwrap();
/// }
/// assert_eq!(sum, 285);
/// # }
/// ```
pub struct JoinSet<T> {
    tasks: Slab<Entry<T>>,
    finished: Arc<Finished>,
}

struct Entry<T> {
    handle: JoinHandle<T>,
    waker: Waker,
}

/// The places whose tasks are to be polled, and who waits for them.
#[derive(Default)]
struct Finished(Mutex<List>);

#[derive(Default)]
struct List {
    places: VecDeque<usize>,
    waiter: Option<Waker>,
}

struct Place {
    index: usize,
    finished: Arc<Finished>,
}

impl Wake for Place {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiter = {
            let mut list = self.finished.0.lock();
            list.places.push_back(self.index);
            list.waiter.take()
        };
        waiter.into_iter().for_each(Waker::wake);
    }
}

impl<T> JoinSet<T> {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            tasks: Slab::new(),
            finished: Arc::default(),
        }
    }

    /// How many tasks are in the set, finished ones that were not returned yet included.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task is in the set.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Aborts all tasks; they stay in the set until [`JoinSet::join_next`] has returned them.
    pub fn abort_all(&mut self) {
        self.tasks
            .iter()
            .for_each(|(_, entry)| entry.handle.abort());
    }

    /// Lets all tasks run on without the set, which is empty then.
    pub fn detach_all(&mut self) {
        self.tasks.clear();
    }

    fn insert(&mut self, handle: JoinHandle<T>) -> AbortHandle {
        let abort = handle.abort_handle();
        let place = self.tasks.vacant_entry();
        let index = place.key();
        let waker = Waker::from(Arc::new(Place {
            index,
            finished: self.finished.clone(),
        }));
        place.insert(Entry { handle, waker });
        let waiter = {
            let mut list = self.finished.0.lock();
            list.places.push_back(index);
            list.waiter.take()
        };
        waiter.into_iter().for_each(Waker::wake);
        abort
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns on the current runtime; the task starts at once.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(crate::spawn(task))
    }

    /// Spawns on the runtime of `handle`.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn(task))
    }

    /// Runs `f` on the blocking pool of the current runtime.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(super::spawn_blocking(f))
    }

    /// Runs `f` on the blocking pool of the runtime of `handle`.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn_blocking(f))
    }

    /// Spawns into the [`LocalSet`] that the thread is in.
    ///
    /// # Panics
    /// If it is in none.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(super::spawn_local(task))
    }

    /// Spawns into `local_set`.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(local_set.spawn_local(task))
    }

    /// Begins a task with a name, which dumps and reports show.
    pub fn build_task(&mut self) -> Builder<'_, T> {
        Builder::new(self)
    }

    /// Waits for the next task to finish and returns its output; `None` once the set is empty.
    ///
    /// # Errors
    /// The task panicked or was cancelled.
    ///
    /// # Cancel safety
    /// Cancel safe: a future that is dropped before it is ready has taken nothing out of the set.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// As [`JoinSet::join_next`], with the task's id. An error knows its own.
    ///
    /// # Errors
    /// The task panicked or was cancelled.
    ///
    /// # Cancel safety
    /// As [`JoinSet::join_next`].
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        poll_fn(|cx| self.poll_join_next_with_id(cx)).await
    }

    /// Returns the output of a task that has finished; `None` if none has, or the set is empty.
    ///
    /// # Errors
    /// The task panicked or was cancelled.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.try_join_next_with_id().map(without_id)
    }

    /// As [`JoinSet::try_join_next`], with the task's id.
    ///
    /// # Errors
    /// The task panicked or was cancelled.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        budget::unconstrained(|| {
            while let Some(index) = self.next_place(None) {
                if let Poll::Ready(result) = self.poll_place(index) {
                    return Some(result);
                }
            }
            None
        })
    }

    /// Aborts all tasks and waits until they have ended. Their outputs and panics are dropped.
    ///
    /// # Cancel safety
    /// All tasks are aborted at the first poll; when it is dropped, those that have not ended by
    /// then are still in the set.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Waits for all tasks and returns their outputs in the order in which they finished.
    ///
    /// # Panics
    /// With the panic of the first task that panics, or if one was aborted. The others are aborted.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropping it drops the set, and so aborts all tasks.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(result) = self.join_next().await {
            match result {
                Ok(output) => outputs.push(output),
                Err(error) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                Err(error) => panic!("{error}"),
            }
        }
        outputs
    }

    /// Polls for the next task to finish; `Ready(None)` if the set is empty.
    ///
    /// Only the last task to poll is woken. `Pending` may also mean that the caller has used up its
    /// budget; it is woken then.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let joined = ready!(self.poll_join_next_with_id(cx));
        Poll::Ready(joined.map(without_id))
    }

    /// As [`JoinSet::poll_join_next`], with the task's id.
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        // Asked here, since a handle that finds no budget would put itself on the list again.
        ready!(budget::poll_budget(cx));
        while let Some(index) = self.next_place(Some(cx.waker())) {
            if let Poll::Ready(result) = self.poll_place(index) {
                return Poll::Ready(Some(result));
            }
        }
        Poll::Pending
    }

    /// Takes the next place off the list; if there is none, `waiter` is woken for it.
    fn next_place(&self, waiter: Option<&Waker>) -> Option<usize> {
        let mut list = self.finished.0.lock();
        if let Some(index) = list.places.pop_front() {
            return Some(index);
        }
        let waiter = waiter?;
        if !list
            .waiter
            .as_ref()
            .is_some_and(|old| old.will_wake(waiter))
        {
            drop(list);
            // Cloned and dropped under no lock: both are foreign code.
            let waiter = waiter.clone();
            let mut list = self.finished.0.lock();
            let next = list.places.pop_front();
            let old = list.waiter.replace(waiter);
            drop(list);
            drop(old);
            return next;
        }
        None
    }

    fn poll_place(&mut self, index: usize) -> Poll<Result<(Id, T), JoinError>> {
        let Some(entry) = self.tasks.get_mut(index) else {
            return Poll::Pending;
        };
        let mut cx = Context::from_waker(&entry.waker);
        let result = ready!(Pin::new(&mut entry.handle).poll(&mut cx));
        let id = entry.handle.id();
        drop(self.tasks.remove(index));
        Poll::Ready(result.map(|output| (id, output)))
    }
}

fn without_id<T>(result: Result<(Id, T), JoinError>) -> Result<T, JoinError> {
    result.map(|(_, output)| output)
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.abort_all();
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// Spawns all futures on the current runtime.
    fn from_iter<I: IntoIterator<Item = F>>(iter: I) -> Self {
        let mut set = Self::new();
        set.extend(iter);
        set
    }
}

impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// Spawns all futures on the current runtime.
    fn extend<I: IntoIterator<Item = F>>(&mut self, iter: I) {
        iter.into_iter().for_each(|future| drop(self.spawn(future)));
    }
}
