//! Live tasks: registered, enumerated, forgotten and closed at the same time.

use std::task::Poll;

use loom::sync::Arc;

use super::{Witness, meta, model, thread};
use crate::block_on::block_on;
use crate::registry::Registry;
use crate::task::{self, JoinHandle, Schedule, Task};

/// A scheduler that only knows its live tasks. A woken task is run where it is woken.
struct Live(Arc<Registry>);

impl Schedule for Live {
    type Target = ();

    fn target(&self) {}

    fn schedule((): (), task: Task) {
        task.run();
    }

    fn schedule_yielded((): (), task: Task) {
        task.run();
    }

    fn release(&self, key: usize, _cancelled: bool) {
        self.0.remove(key);
    }
}

fn live_task(registry: &Arc<Registry>, then: Poll<Witness>) -> (Task, JoinHandle<Witness>) {
    let mut then = Some(then);
    let future = std::future::poll_fn(move |_| then.take().expect("it is polled once"));
    task::new(future, Live(Arc::clone(registry)), meta())
}

/// As `Handle::spawn` does it.
fn spawn(registry: &Registry, task: Task) {
    match registry.insert(&task, 0) {
        Ok(()) => task.run(),
        Err(_closed) => task.cancel(),
    }
}

/// As `Shared::cancel_tasks` does it.
fn close_and_cancel(registry: &Registry) {
    registry.close(0);
    for task in registry.snapshot(0) {
        if let Some(token) = task.claim_cancel() {
            token.run();
        }
    }
}

/// A task spawned during the close is refused or cancelled, never left alive.
#[test]
fn a_task_is_refused_or_cancelled_by_the_close() {
    model(|| {
        let registry = Arc::new(Registry::new(1));
        let (task, handle) = live_task(&registry, Poll::Pending);
        let spawner = {
            let registry = Arc::clone(&registry);
            thread(move || spawn(&registry, task))
        };
        close_and_cancel(&registry);
        spawner.join().expect("joins");
        assert!(handle.is_finished(), "the task outlived the close");
        assert_eq!(registry.len(), 0);
    });
}

/// A task that finishes during the close is finished once, by itself or by the close.
#[test]
fn a_task_that_finishes_during_the_close_keeps_its_output_or_is_cancelled() {
    model(|| {
        let registry = Arc::new(Registry::new(1));
        let (task, handle) = live_task(&registry, Poll::Ready(Witness::new()));
        let spawner = {
            let registry = Arc::clone(&registry);
            thread(move || spawn(&registry, task))
        };
        close_and_cancel(&registry);
        spawner.join().expect("joins");
        assert!(handle.is_finished());
        assert_eq!(registry.len(), 0);
    });
}

/// Whoever lists the live tasks may look at each of them while it completes.
#[test]
fn an_enumeration_during_completion_sees_a_live_task_or_none() {
    model(|| {
        let registry = Arc::new(Registry::new(1));
        let (task, handle) = live_task(&registry, Poll::Ready(Witness::new()));
        let id = handle.id();
        drop(handle);
        assert!(registry.insert(&task, 0).is_ok());
        let worker = thread(move || task.run());
        for task in registry.snapshot(0) {
            assert_eq!(task.meta().id, id);
            let _ = task.is_active();
        }
        worker.join().expect("joins");
        assert_eq!(registry.len(), 0);
    });
}

/// A task whose join has returned is no longer registered.
#[test]
fn a_finished_task_is_no_longer_alive() {
    model(|| {
        let registry = Arc::new(Registry::new(1));
        let (task, handle) = live_task(&registry, Poll::Ready(Witness::new()));
        assert!(registry.insert(&task, 0).is_ok());
        let worker = thread(move || task.run());
        block_on(handle).expect("it finishes");
        assert_eq!(registry.len(), 0);
        worker.join().expect("joins");
    });
}

/// Tasks that are registered and complete at once in one shard do not free each other's entries.
#[test]
fn two_completions_in_one_shard_forget_their_own_entries() {
    model(|| {
        let registry = Arc::new(Registry::new(1));
        let spawners = [0; 2].map(|_| {
            let (task, handle) = live_task(&registry, Poll::Ready(Witness::new()));
            let registry = Arc::clone(&registry);
            (thread(move || spawn(&registry, task)), handle)
        });
        for (spawner, handle) in spawners {
            spawner.join().expect("joins");
            assert!(handle.is_finished());
        }
        assert_eq!(registry.len(), 0);
    });
}
