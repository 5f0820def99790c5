//! Local tasks: wakes from elsewhere beside the end of their set.

use super::{Bell, Witness, model, thread};
use crate::task::LocalTasks;

/// A set that is dropped while another thread wakes its task drops the future itself, once, and leaves
/// nothing behind.
#[test]
fn a_set_that_ends_waits_for_a_token_on_its_way() {
    model(|| {
        let tasks = LocalTasks::new();
        let (given, witness) = (super::Wakers::default(), Witness::new());
        let mut give = Some(given.clone());
        let handle = tasks.spawn(
            std::future::poll_fn(move |cx| {
                let _held = &witness;
                if let Some(give) = give.take() {
                    give.put(cx.waker().clone());
                }
                std::task::Poll::<()>::Pending
            }),
            None,
        );
        drop(handle);
        assert!(tasks.run_one());
        let waker = given.take();
        let other = thread(move || waker.wake());
        drop(tasks);
        other.join().expect("joins");
    });
}

/// A wake from elsewhere is seen by who runs the set, or wakes it.
#[test]
fn a_local_task_that_is_woken_elsewhere_runs_again() {
    model(|| {
        let tasks = LocalTasks::new();
        let given = super::Wakers::default();
        let mut give = Some(given.clone());
        let mut handle = tasks.spawn(
            std::future::poll_fn(move |cx| match give.take() {
                Some(give) => {
                    give.put(cx.waker().clone());
                    std::task::Poll::Pending
                }
                None => std::task::Poll::Ready(7),
            }),
            None,
        );
        assert!(tasks.run_one());
        let waker = given.take();
        let other = thread(move || waker.wake());
        let bell = Bell::new();
        while tasks.wake_for_next(&bell.waker()) {
            bell.wait();
        }
        assert!(tasks.run_one());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let output = std::future::Future::poll(std::pin::Pin::new(&mut handle), &mut cx);
        assert!(matches!(output, std::task::Poll::Ready(Ok(7))));
        other.join().expect("joins");
    });
}
