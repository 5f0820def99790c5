//! The cells of tasks: born, enumerated, ended and used again at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use super::{Witness, model, thread};
use crate::block_on::block_on;
use crate::sync::Arc;
use crate::task::{self, Arena, Block, Cache, Home, JoinHandle, Meta, Resident, Schedule, Task};

/// A scheduler that is nothing but the memory of its tasks. A woken task is run where it is woken.
struct Live {
    arena: Arena<Live>,
    /// Cells that point to it. Not part of the scene.
    lent: AtomicUsize,
    _witness: Witness,
}

impl Drop for Live {
    fn drop(&mut self) {
        let lent = self.lent.load(Ordering::Relaxed);
        assert!(lent == 0 || std::thread::panicking(), "a cell points to it");
    }
}

impl Live {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            arena: Arena::new(),
            lent: AtomicUsize::new(0),
            _witness: Witness::new(),
        })
    }
}

impl AsRef<Arena<Live>> for Live {
    fn as_ref(&self) -> &Arena<Live> {
        &self.arena
    }
}

impl Schedule for Resident<Live> {
    type Target = ();

    fn target(&self) {}

    fn schedule((): (), task: Task) {
        task.run();
    }

    fn schedule_yielded((): (), task: Task) {
        task.run();
    }
}

impl Home for Resident<Live> {
    fn take_back(self, block: Block) {
        let owner = self.owner();
        owner.lent.fetch_sub(1, Ordering::Relaxed);
        Arena::put(&owner, block);
    }
}

/// A task whose one poll does as `then` says.
fn spawn(live: &Arc<Live>, then: Poll<Witness>) -> (Task, JoinHandle<Witness>) {
    spawn_in(live, then, |class| Arena::take(live, class))
}

fn spawn_in(
    live: &Arc<Live>,
    then: Poll<Witness>,
    block: impl FnOnce(task::Class) -> Block,
) -> (Task, JoinHandle<Witness>) {
    let mut then = Some(then);
    let future = std::future::poll_fn(move |_| then.take().expect("it is polled once"));
    let block = block(task::class_of_value::<_, Resident<Live>>(&future));
    live.lent.fetch_add(1, Ordering::Relaxed);
    task::new_in(block, live, future, Meta::new(None))
}

/// As `Shared::cancel_tasks` does it.
fn cancel_all(live: &Live) {
    for task in live.arena.live(0, 1) {
        if let Some(token) = task.claim_cancel() {
            token.run();
        }
    }
}

/// Whoever comes across a task that is born at that moment sees its name, id and place, or no task.
#[test]
fn an_enumeration_sees_all_of_a_task_that_is_born() {
    model(|| {
        let live = Live::new();
        drop(spawn(&live, Poll::Pending)); // The cell was there before.
        let looker = {
            let live = Arc::clone(&live);
            thread(move || {
                let seen = live.arena.live(0, 1);
                seen.iter().map(|task| task.meta().id).collect::<Vec<_>>()
            })
        };
        let (task, handle) = spawn(&live, Poll::Pending);
        let seen = looker.join().expect("joins");
        assert!(seen.iter().all(|&id| id == handle.id()));
        drop(task);
    });
}

/// Whoever lists the live tasks may look at each of them while it ends, and keeps its cell from the
/// next one.
#[test]
fn an_enumeration_keeps_a_task_that_ends_from_its_successor() {
    model(|| {
        let live = Live::new();
        let (task, handle) = spawn(&live, Poll::Ready(Witness::new()));
        let first = handle.id();
        drop(handle);
        let worker = {
            let live = Arc::clone(&live);
            thread(move || {
                task.run();
                let (task, handle) = spawn(&live, Poll::Pending);
                let id = handle.id();
                drop(task);
                id
            })
        };
        let seen = live.arena.live(0, 1);
        let ids = || seen.iter().map(|task| task.meta().id).collect::<Vec<_>>();
        let before = ids();
        let second = worker.join().expect("joins");
        assert_eq!(
            before,
            ids(),
            "a cell was used again while it was referred to"
        );
        assert!(before.iter().all(|id| [first, second].contains(id)));
    });
}

/// A task that has ended, its join having returned, is not enumerated.
#[test]
fn a_finished_task_is_no_longer_alive() {
    model(|| {
        let live = Live::new();
        let (pending, other) = spawn(&live, Poll::Pending);
        let (task, handle) = spawn(&live, Poll::Ready(Witness::new()));
        let worker = thread(move || task.run());
        block_on(handle).expect("it finishes");
        let seen = live.arena.live(0, 1);
        let ids: Vec<_> = seen.iter().map(|task| task.meta().id).collect();
        assert_eq!(ids, [other.id()], "and the other one is");
        worker.join().expect("joins");
        drop(pending);
    });
}

/// A task that finishes while all are cancelled is finished once, by itself or by the cancellation.
#[test]
fn a_task_that_finishes_while_all_are_cancelled_ends_once() {
    model(|| {
        let live = Live::new();
        let (task, handle) = spawn(&live, Poll::Ready(Witness::new()));
        let worker = thread(move || task.run());
        cancel_all(&live);
        worker.join().expect("joins");
        assert!(handle.is_finished());
        assert!(live.arena.live(0, 1).is_empty());
    });
}

/// A task that goes idle while all are cancelled is cancelled by its poller or by whoever cancels all.
#[test]
fn a_task_that_goes_idle_while_all_are_cancelled_is_cancelled() {
    model(|| {
        let live = Live::new();
        let (task, handle) = spawn(&live, Poll::Pending);
        let worker = thread(move || task.run());
        cancel_all(&live);
        worker.join().expect("joins");
        assert!(handle.is_finished(), "the task outlived the cancellation");
        assert!(live.arena.live(0, 1).is_empty());
    });
}

/// The scheduler lives as long as a cell is lent or a cache is out, whoever returns the last.
#[test]
fn the_scheduler_is_freed_with_its_last_cell() {
    model(|| {
        let live = Live::new();
        let mut cache: Cache<Live> = live.arena.cache(&live);
        let (task, handle) = spawn_in(&live, Poll::Pending, |class| cache.take(&live.arena, class));
        task.cancel();
        drop(spawn(&live, Poll::Pending)); // Lent and returned while the cache is out.
        let joiner = thread(move || assert!(block_on(handle).is_err()));
        Arena::flush(&live, cache);
        drop(live);
        joiner.join().expect("joins");
    });
}

/// Two threads that take and return cells at once get different ones.
#[test]
fn two_threads_are_lent_different_cells() {
    model(|| {
        let live = Live::new();
        drop(spawn(&live, Poll::Pending)); // A chunk of two free cells.
        let spawner = {
            let live = Arc::clone(&live);
            thread(move || spawn(&live, Poll::Pending))
        };
        let mut cache = live.arena.cache(&live);
        let here = spawn_in(&live, Poll::Pending, |class| cache.take(&live.arena, class));
        let there = spawner.join().expect("joins");
        assert_ne!(here.0.address(), there.0.address());
        assert_eq!(live.arena.live(0, 1).len(), 2);
        drop((here, there));
        Arena::flush(&live, cache);
    });
}
