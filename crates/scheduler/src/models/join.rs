//! The way of a task's output to its `JoinHandle`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Bell, RunQueue, Witness, cell_model, idle_task, thread};
use crate::block_on::block_on;
use crate::task::{JoinError, JoinHandle, Task};

/// A task that finishes in its first poll, with an output that must not be lost.
fn finishing() -> (Task, JoinHandle<Witness>) {
    RunQueue::default().task(async { Witness::new() })
}

fn poll(handle: &mut JoinHandle<Witness>, bell: &Arc<Bell>) -> Poll<Result<Witness, JoinError>> {
    let waker = bell.waker();
    Pin::new(handle).poll(&mut Context::from_waker(&waker))
}

/// Whoever awaits a task sees the output that another thread stored.
#[test]
fn join_sees_the_output() {
    cell_model(|| {
        let (task, handle) = finishing();
        let worker = thread(move || task.run());
        let output = block_on(handle).expect("the task finishes");
        assert_eq!(output.drops(), 0);
        worker.join().expect("joins");
    });
}

/// A task that says it is finished has its output ready at the first poll of its handle.
#[test]
fn a_finished_task_shows_its_output_without_a_waker() {
    cell_model(|| {
        let (task, mut handle) = finishing();
        let worker = thread(move || task.run());
        if handle.is_finished() {
            let bell = Bell::new();
            assert!(poll(&mut handle, &bell).is_ready());
        }
        drop(handle);
        worker.join().expect("joins");
    });
}

/// A join waker registered while its task completes is woken, or the output is seen; then it is
/// dropped.
#[test]
fn join_waker_is_woken_or_output_seen() {
    cell_model(|| {
        let (task, mut handle) = finishing();
        let abort = handle.abort_handle();
        let worker = thread(move || task.run());
        let bell = Bell::new();
        while poll(&mut handle, &bell).is_pending() {
            bell.wait();
        }
        worker.join().expect("joins");
        assert_eq!(
            Arc::strong_count(&bell),
            1,
            "a waker that is never used again is kept"
        );
        drop(abort);
    });
}

/// A join waker that replaces another while the task completes is woken, or the output is seen.
#[test]
fn the_waker_that_replaced_another_is_the_one_woken() {
    cell_model(|| {
        let (task, mut handle) = finishing();
        let (first, second) = (Bell::new(), Bell::new());
        let worker = thread(move || task.run());
        if poll(&mut handle, &first).is_pending() {
            while poll(&mut handle, &second).is_pending() {
                second.wait();
            }
        }
        worker.join().expect("joins");
        drop(handle);
        let kept = [&first, &second].map(|bell| Arc::strong_count(bell) - 1);
        assert_eq!(kept, [0, 0], "a waker that is never used again is kept");
    });
}

/// A join waker that is polled with again while the task completes is woken, or the output is seen.
#[test]
fn a_waker_that_was_left_already_is_woken_or_output_seen() {
    cell_model(|| {
        let (task, mut handle) = finishing();
        let bell = Bell::new();
        let worker = thread(move || task.run());
        if poll(&mut handle, &bell).is_pending() {
            while poll(&mut handle, &bell).is_pending() {
                bell.wait();
            }
        }
        worker.join().expect("joins");
        drop(handle);
        assert_eq!(
            Arc::strong_count(&bell),
            1,
            "a waker that is never used again is kept"
        );
    });
}

/// A handle dropped while its task completes leaves neither waker nor output behind.
#[test]
fn a_handle_dropped_while_its_waker_is_registered_leaves_nothing() {
    cell_model(|| {
        let (task, mut handle) = finishing();
        let bell = Bell::new();
        assert!(poll(&mut handle, &bell).is_pending());
        let worker = thread(move || task.run());
        drop(handle);
        worker.join().expect("joins");
    });
}

/// A dropped handle takes its waker along at once, while others still refer to the task.
#[test]
fn a_dropped_handle_gives_its_waker_back() {
    cell_model(|| {
        let queue = RunQueue::default();
        let (wakers, mut handle) = idle_task(&queue, 2, || Poll::Ready(Witness::new()));
        let bell = Bell::new();
        assert!(poll(&mut handle, &bell).is_pending());
        let waker = wakers.take();
        let other = thread(move || drop(waker));
        drop(handle);
        assert_eq!(
            Arc::strong_count(&bell),
            1,
            "the waker is left with the task"
        );
        other.join().expect("joins");
        wakers.take().wake();
        queue.run_all();
    });
}

/// An output whose handle is dropped while it is stored is dropped by one side, at once.
#[test]
fn an_output_that_nobody_awaits_is_dropped_once() {
    cell_model(|| {
        let output = Witness::new();
        let drops = output.drops.clone();
        let (task, handle) = RunQueue::default().task(async move { output });
        // Somebody who may abort the task does not keep its output.
        let abort = handle.abort_handle();
        let worker = thread(move || task.run());
        drop(handle);
        worker.join().expect("joins");
        assert!(abort.is_finished());
        assert_eq!(drops.load(std::sync::atomic::Ordering::Relaxed), 1);
    });
}

/// An abort during the last poll ends in the output or in a cancellation, and the handle is told.
#[test]
fn an_abort_during_the_last_poll_keeps_the_output_or_cancels() {
    cell_model(|| {
        let (task, handle) = finishing();
        let abort = handle.abort_handle();
        let worker = thread(move || task.run());
        abort.abort();
        match block_on(handle) {
            Ok(output) => assert_eq!(output.drops(), 0),
            Err(error) => assert!(error.is_cancelled()),
        }
        worker.join().expect("joins");
    });
}
