//! Tasks whose futures never leave one thread: [`LocalTasks`].
//!
//! The cells are those of all tasks, made without asking for `Send`. What may travel does: wakers,
//! [`AbortHandle`](super::AbortHandle)s, and tokens, as pointers. What may not, does not: a future is polled
//! and dropped only by who *runs* its token, and tokens of local tasks are run in one place, the methods of
//! [`LocalTasks`], which is neither `Send` nor `Sync`.
//!
//! # Protocol
//! 1. Wake or abort, on any thread: the token goes to the shared queue ([`Shared::queue`]), and who polls the
//!    set is woken. Nothing else is ever done with it: the queue does not close.
//! 2. Run, on the owner's thread: take a token out and run it.
//! 3. End (`LocalTasks::drop`, on the owner's thread): cancel every live task whose token is free; run what
//!    is queued; and where a task is still alive, its token is on its way to the queue on another thread:
//!    wait for it. Afterwards every task is DONE, so no token of this set will ever exist again.
//!
//! # Why it is sound
//! - *Future*: touched by the token's holder alone (table of [`super`]), which runs only here. A set that is
//!   leaked keeps its queue, and with it every queued token, for ever.
//! - *Output*: dropped by the completing side, which is the token's holder, or moved or dropped by the
//!   `JoinHandle`, which is `Send` only if the output is.
//! - *Cell*: may be freed on any thread, by the last waker. By then the task is DONE and its stage is
//!   `Consumed`: completing consumes the future, and either side above the output. Of what else is in the
//!   cell nothing is local: the scheduler holds an `Arc<Shared>`, the error's payload is `Send`.
//! - *Drop of a token* cancels it where it is dropped: so none may be dropped elsewhere. Those in the queue
//!   are dropped with [`Shared`], of which each live cell holds a reference: while there is a token its
//!   queue is alive, and after step 3 there is none.
//!
//! # Rejected
//! Asking for the thread's id at each poll, and panicking on the wrong one: the types say it already.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::Waker;

use slab::Slab;

use super::cell::{Meta, TaskRef};
use super::{JoinError, JoinHandle, NotHere, Schedule, Task, birth, id};
use crate::sync::{Condvar, Mutex};

/// A set of tasks that run on the thread that made it. Dropping it cancels them.
pub struct LocalTasks {
    shared: Arc<Shared>,
    id: NonZeroU64,
    /// Neither `Send` nor `Sync`: the proof in this file's head rests on it.
    _not_send: PhantomData<*const ()>,
}

/// What wakers on any thread reach.
struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    on_panic: Option<PanicHook>,
}

/// Is told of each panic.
type PanicHook = Box<dyn Fn(&JoinError) + Send + Sync>;

#[derive(Default)]
struct Queue {
    tokens: VecDeque<Task>,
    live: Slab<TaskRef>,
    waiter: Option<Waker>,
}

impl LocalTasks {
    /// An empty set.
    pub fn new() -> Self {
        Self::with_hook(None)
    }

    /// An empty set that calls `on_panic` when a task of it panics, on the thread that runs it.
    pub fn telling_of_panics(on_panic: impl Fn(&JoinError) + Send + Sync + 'static) -> Self {
        Self::with_hook(Some(Box::new(on_panic)))
    }

    fn with_hook(on_panic: Option<PanicHook>) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(Queue::default()),
                arrived: Condvar::new(),
                on_panic,
            }),
            id: id::next_set_id(),
            _not_send: PhantomData,
        }
    }

    /// A number that no other set, and no scheduler, of the process has.
    pub fn id(&self) -> NonZeroU64 {
        self.id
    }

    /// Adds a task. It is polled when the set is run.
    #[track_caller]
    pub fn spawn<F>(&self, future: F, name: Option<&str>) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let meta = Meta::new(name);
        let shared = self.shared.clone();
        let mut queue = self.shared.queue.lock();
        let key = queue.live.vacant_key();
        // SAFETY: the scheduler, a `Member`, only queues tokens; they are run and dropped by methods of
        // this set alone, on this thread, and the drop of the set leaves none: see this file's head.
        let (task, handle) = unsafe { birth::new_local(future, Member { shared, key }, meta) };
        queue.live.insert(TaskRef::of(&task));
        drop(queue);
        self.shared.push(task);
        handle
    }

    /// Polls the task that has waited longest; false if none is to be polled.
    pub fn run_one(&self) -> bool {
        let next = self.shared.queue.lock().tokens.pop_front();
        next.map(Task::run).is_some()
    }

    /// Whether no task is left.
    pub fn is_empty(&self) -> bool {
        self.shared.queue.lock().live.is_empty()
    }

    /// Has `waker` woken for the next task that is to be polled; false, and nothing is kept, if there is
    /// one already.
    pub fn wake_for_next(&self, waker: &Waker) -> bool {
        // Cloned and dropped under no lock: both are foreign code.
        let new = waker.clone();
        let mut queue = self.shared.queue.lock();
        if !queue.tokens.is_empty() {
            drop(queue);
            return false;
        }
        let old = queue.waiter.replace(new);
        drop(queue);
        drop(old);
        true
    }

    /// Step 3 of the protocol.
    fn end(&self) {
        loop {
            while self.cancel_one() || self.run_one() {}
            let mut queue = self.shared.queue.lock();
            while queue.tokens.is_empty() {
                if queue.live.is_empty() {
                    let waiter = queue.waiter.take();
                    drop(queue);
                    return drop(waiter);
                }
                queue = self.shared.arrived.wait(queue);
            }
        }
    }

    /// Cancels a live task whose token nobody has; those with one are marked, to be cancelled when it runs.
    fn cancel_one(&self) -> bool {
        let live: Vec<_> = {
            let queue = self.shared.queue.lock();
            queue.live.iter().map(|(_, task)| task.clone()).collect()
        };
        let mut tokens = live.iter().filter_map(TaskRef::claim_cancel).peekable();
        let any = tokens.peek().is_some();
        tokens.for_each(Task::run);
        any
    }
}

impl Shared {
    fn push(&self, token: Task) {
        let mut queue = self.queue.lock();
        queue.tokens.push_back(token);
        let waiter = queue.waiter.take();
        self.arrived.notify_one();
        drop(queue);
        waiter.into_iter().for_each(Waker::wake);
    }
}

/// What a local task's cell knows of its set.
struct Member {
    shared: Arc<Shared>,
    /// Its place among the live tasks.
    key: usize,
}

impl Schedule for Member {
    type Target = Arc<Shared>;

    fn target(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    fn schedule(target: Arc<Shared>, task: Task) {
        target.push(task);
    }

    fn schedule_yielded(target: Arc<Shared>, task: Task) {
        target.push(task);
    }

    fn panicked(&self, error: &JoinError) {
        self.shared.on_panic.iter().for_each(|hook| hook(error));
    }

    fn ends(&self, _cancelled: bool) -> Result<(), NotHere> {
        let entry = self.shared.queue.lock().live.remove(self.key);
        drop(entry);
        Ok(())
    }
}

impl Default for LocalTasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for LocalTasks {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for LocalTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTasks").finish_non_exhaustive()
    }
}
