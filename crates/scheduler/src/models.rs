//! Loom models: every interleaving of small scenes, played by the production code.
//!
//! Each model is named for its claim, and each file for its protocol. A lost wakeup shows as a
//! deadlock, which loom reports; a missing happens-before as a causality violation on a future,
//! an output or a freed cell; a leak as a witness that outlives its scene. Run them with
//! `cargo xtask loom`.

mod blocking;
mod idle;
mod injector;
mod join;
mod local;
mod parker;
mod queue;
mod arena;
mod scheduler;
mod shutdown;
mod slot;
mod state;
mod watchdog;

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use heist_loom::{bounded, explore, model};
use loom::sync::Notify;

use crate::sync::Mutex;
use crate::task::{self, JoinHandle, Meta, Schedule, Task};

/// Explores a scene of the task cell, whose state is a word that any thread may change at any time:
/// one preemption more than elsewhere.
fn cell_model(scene: impl Fn() + Send + Sync + 'static) {
    bounded(CELL_BOUND, scene);
}

/// A point that two threads pass in either order. It orders nothing else, but makes loom try both:
/// of the accesses to one object loom compares only the last two, and would miss some orders.
#[derive(Clone)]
struct Crossing(loom::sync::Arc<heist_loom::atomic::AtomicUsize>);

impl Crossing {
    fn new() -> Self {
        Self(loom::sync::Arc::new(heist_loom::atomic::AtomicUsize::new(
            0,
        )))
    }

    fn pass(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A modelled thread; joined when the scene needs it to be over.
fn thread<T: 'static>(body: impl FnOnce() -> T + 'static) -> loom::thread::JoinHandle<T> {
    loom::thread::spawn(body)
}

/// What a future or an output carries: loom fails the scene if it is leaked.
#[derive(Clone, Debug)]
struct Witness {
    _leak: loom::sync::Arc<()>,
    drops: Arc<AtomicUsize>,
}

impl Witness {
    fn new() -> Self {
        Self {
            _leak: loom::sync::Arc::new(()),
            drops: Arc::default(),
        }
    }

    /// How many of its clones are gone. Not part of the scene: read when all threads are over.
    fn drops(&self) -> usize {
        self.drops.load(Ordering::Relaxed)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

/// A scheduler that is nothing but a queue. Its lock is the only order it adds.
#[derive(Clone, Debug, Default)]
struct RunQueue(Arc<Mutex<VecDeque<Task>>>);

impl RunQueue {
    /// A queued task of this queue; its token is in the caller's hands.
    fn task<F>(&self, future: F) -> (Task, JoinHandle<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let scheduler = InCell {
            queue: self.clone(),
            _leak: loom::sync::Arc::new(()),
        };
        task::new(future, scheduler, Meta::new(None))
    }

    fn pop(&self) -> Option<Task> {
        self.0.lock().pop_front()
    }

    /// Runs tasks until the queue is empty.
    fn run_all(&self) {
        while let Some(task) = self.pop() {
            task.run();
        }
    }
}

/// What a cell knows of its queue: loom fails the scene if the cell is leaked.
struct InCell {
    queue: RunQueue,
    _leak: loom::sync::Arc<()>,
}

impl Schedule for InCell {
    type Target = RunQueue;

    fn target(&self) -> RunQueue {
        self.queue.clone()
    }

    fn schedule(target: RunQueue, task: Task) {
        target.0.lock().push_back(task);
    }

    fn schedule_yielded(target: RunQueue, task: Task) {
        target.0.lock().push_back(task);
    }
}

/// A waker that ends a wait.
struct Bell {
    notify: Notify,
    _witness: Witness,
}

impl Bell {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            notify: Notify::new(),
            _witness: Witness::new(),
        })
    }

    fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    fn wait(&self) {
        self.notify.wait();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.notify.notify();
    }
}

/// The wakers that a task hands out in its first poll.
#[derive(Clone, Default)]
struct Wakers(Arc<std::sync::Mutex<Vec<Waker>>>);

impl Wakers {
    fn put(&self, waker: Waker) {
        self.0.lock().expect("no scene panics here").push(waker);
    }

    fn take(&self) -> Waker {
        let waker = self.0.lock().expect("no scene panics here").pop();
        waker.expect("the first poll handed out enough wakers")
    }
}

/// A task of `queue` that was polled once: it handed out `wakers` wakers, returned `Pending`, and
/// will do as `then` says from its second poll on.
fn idle_task<T: Send + 'static>(
    queue: &RunQueue,
    wakers: usize,
    mut then: impl FnMut() -> Poll<T> + Send + 'static,
) -> (Wakers, JoinHandle<T>) {
    let given = Wakers::default();
    let mut give = Some(given.clone());
    let (task, handle) = queue.task(std::future::poll_fn(move |cx| match give.take() {
        Some(give) => {
            (0..wakers).for_each(|_| give.put(cx.waker().clone()));
            Poll::Pending
        }
        None => then(),
    }));
    task.run();
    (given, handle)
}

/// How many preemptions the models of the task cell explore.
const CELL_BOUND: usize = 3;
