//! The LIFO slot: its owner against a thief.

use std::task::Poll;

use loom::sync::Arc;

use super::{Crossing, RunQueue, Wakers, idle_task, model, thread};
use crate::task::{JoinHandle, Slot, Task};

/// A task that was polled here, so that its future is data which the next poller must see.
fn polled(queue: &RunQueue) -> (Task, Wakers, JoinHandle<()>) {
    let (wakers, handle) = idle_task(queue, 1, || Poll::Ready(()));
    wakers.take().wake();
    let task = queue.pop().expect("it was woken");
    (task, wakers, handle)
}

/// A task in the slot goes to its owner, to a thief, or out by displacement, and to one of them.
#[test]
fn slot_gives_each_task_to_one_taker() {
    model(|| {
        let slot = Arc::new(Slot::new());
        let put = Crossing::new();
        let thief = {
            let (slot, put) = (Arc::clone(&slot), put.clone());
            thread(move || {
                put.pass();
                slot.take().map(Task::run).is_some()
            })
        };
        // Each is made just before it is put: only that orders its first poll before the thief's.
        let queue = RunQueue::default();
        let (first, _, one) = polled(&queue);
        assert!(slot.put(first).is_none());
        let (second, _, two) = polled(&queue);
        let displaced = slot.put(second);
        put.pass();
        let mut ran = displaced.map(Task::run).into_iter().count();
        ran += usize::from(slot.take().map(Task::run).is_some());
        ran += usize::from(thief.join().expect("joins"));
        assert_eq!(ran, 2);
        assert!(one.is_finished() && two.is_finished());
    });
}

/// Whoever takes a task from the slot sees the future that its last poll left.
#[test]
fn a_task_that_fills_an_empty_slot_is_published() {
    model(|| {
        let slot = Arc::new(Slot::new());
        let put = Crossing::new();
        let thieves = [0; 2].map(|_| {
            let (slot, put) = (Arc::clone(&slot), put.clone());
            thread(move || {
                put.pass();
                slot.take().map(Task::run).is_some()
            })
        });
        let (task, _, handle) = polled(&RunQueue::default());
        assert!(slot.put(task).is_none());
        put.pass();
        let ran = thieves.map(|thief| thief.join().expect("joins"));
        let left = slot.take().map(Task::run).is_some();
        assert_eq!(ran.into_iter().chain([left]).filter(|&ran| ran).count(), 1);
        assert!(handle.is_finished());
    });
}

/// A task left in a slot is cancelled when the last of the slot's owners goes.
#[test]
fn a_task_left_in_a_slot_is_cancelled_with_it() {
    model(|| {
        let slot = Arc::new(Slot::new());
        let (task, _, handle) = polled(&RunQueue::default());
        let other = {
            let slot = Arc::clone(&slot);
            thread(move || drop(slot))
        };
        assert!(slot.put(task).is_none());
        drop(slot);
        other.join().expect("joins");
        assert!(handle.is_finished());
    });
}
