//! The ordered shutdown of a whole scheduler: whatever was spawned ends.

use std::future::pending;
use std::sync::Arc;
use std::task::Poll;

use super::{Wakers, Witness, model, thread};
use crate::block_on::block_on;
use crate::config::Config;
use crate::driver;
use crate::handle::Handle;
use crate::task::JoinHandle;
use crate::worker::{Launch, Tick};

/// A scheduler of `workers` workers and no events.
pub(super) fn scheduler(workers: usize) -> (Handle, Vec<Launch>) {
    let config = Config::new(
        workers,
        Arc::new(|_, body| {
            thread(body);
            Ok(())
        }),
    );
    Handle::new(config, Box::new(driver::Idle::default()))
}

/// Runs the workers on threads of their own.
pub(super) fn start(launches: Vec<Launch>) -> Vec<loom::thread::JoinHandle<()>> {
    launches
        .into_iter()
        .map(|launch| thread(move || launch.start().run()))
        .collect()
}

pub(super) fn join(threads: Vec<loom::thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("joins");
    }
}

/// A task that never finishes by itself; each poll hands out a waker.
fn spawn_idle(handle: &Handle, wakers: &Wakers) -> JoinHandle<()> {
    let (witness, given) = (Witness::new(), wakers.clone());
    let future = std::future::poll_fn(move |cx| {
        let _ = &witness;
        given.put(cx.waker().clone());
        Poll::Pending
    });
    handle.spawn(future, None)
}

/// A task spawned while the scheduler is shut down is cancelled, and its joiner is told.
#[test]
fn shutdown_cancels_every_task() {
    model(|| {
        let (handle, launches) = scheduler(1);
        let workers = start(launches);
        let spawner = {
            let handle = handle.clone();
            thread(move || {
                let witness = Witness::new();
                let task = handle.spawn(
                    async move {
                        pending::<()>().await;
                        drop(witness);
                    },
                    None,
                );
                let error = block_on(task).expect_err("it never finishes by itself");
                assert!(error.is_cancelled());
            })
        };
        handle.shut_down();
        assert!(handle.wait_stopped(None));
        spawner.join().expect("joins");
        join(workers);
        assert_eq!(handle.live_tasks(), 0);
        assert_eq!(handle.injector_depth(), 0);
    });
}

/// A waker may be called during the shutdown: its task is cancelled once, and its token is not
/// lost.
#[test]
fn a_wake_during_shutdown_finds_its_task_cancelled() {
    model(|| {
        let (handle, launches) = scheduler(1);
        let wakers = Wakers::default();
        let task = spawn_idle(&handle, &wakers);
        let [launch] = launches.try_into().expect("one worker");
        let mut worker = launch.start();
        assert_eq!(worker.tick(), Tick::Ran);
        let waker = wakers.take();
        let outsider = thread(move || waker.wake());
        handle.shut_down();
        drop(worker);
        assert!(handle.wait_stopped(None));
        outsider.join().expect("joins");
        assert!(task.is_finished());
        assert_eq!(handle.live_tasks(), 0);
        assert_eq!(handle.injector_depth(), 0);
    });
}

/// A task that is aborted while the scheduler shuts down ends once, and is forgotten.
#[test]
fn an_abort_during_shutdown_ends_its_task_once() {
    model(|| {
        let (handle, launches) = scheduler(1);
        let witness = Witness::new();
        let (held, watched) = (witness.clone(), witness.clone());
        let task = handle.spawn(
            async move {
                pending::<()>().await;
                drop(held);
            },
            None,
        );
        drop(witness);
        let [launch] = launches.try_into().expect("one worker");
        let mut worker = launch.start();
        assert_eq!(worker.tick(), Tick::Ran);
        let aborter = task.abort_handle();
        let outsider = thread(move || aborter.abort());
        handle.shut_down();
        drop(worker);
        assert!(handle.wait_stopped(None));
        outsider.join().expect("joins");
        let error = block_on(task).expect_err("it never finishes by itself");
        assert!(error.is_cancelled());
        assert_eq!(watched.drops(), 2);
        assert_eq!((handle.live_tasks(), handle.injector_depth()), (0, 0));
    });
}

/// A task spawned after the shutdown began is finished when `spawn` returns.
#[test]
fn a_task_spawned_after_the_shutdown_began_is_cancelled_at_once() {
    model(|| {
        let (handle, launches) = scheduler(1);
        let workers = start(launches);
        handle.shut_down();
        let task = handle.spawn(pending::<()>(), None);
        assert!(task.is_finished());
        join(workers);
    });
}

/// A worker that is dropped without a shutdown leaves its tasks to the others; the last one takes all along.
#[test]
fn the_last_worker_dropped_without_a_shutdown_takes_all_tasks_along() {
    model(|| {
        let (handle, launches) = scheduler(2);
        let [first, second] = launches.try_into().expect("two workers");
        let (mut worker, wakers) = (first.start(), Wakers::default());
        let task = spawn_idle(&handle, &wakers);
        assert_eq!(worker.tick(), Tick::Ran);
        let waker = wakers.take();
        let outsider = thread(move || drop(waker));
        drop(worker);
        assert!(!task.is_finished());
        let (mut worker, late) = (second.start(), spawn_idle(&handle, &wakers));
        assert_eq!(worker.tick(), Tick::Ran);
        drop(worker);
        assert!(task.is_finished() && late.is_finished());
        outsider.join().expect("joins");
        assert_eq!(handle.live_tasks(), 0);
    });
}

/// A worker dropped while it counts as searching does not keep pushers from waking the others.
#[test]
fn a_worker_dropped_while_it_searches_does_not_keep_the_others_asleep() {
    model(|| {
        let (handle, launches) = scheduler(2);
        let [first, second] = launches.try_into().expect("two workers");
        let mut searcher = first.start();
        assert_eq!(searcher.tick(), Tick::Idle);
        drop(searcher);
        let workers = start(vec![second]);
        block_on(handle.spawn(async { Witness::new() }, None)).expect("it runs");
        handle.shut_down();
        join(workers);
    });
}

/// Two workers that stop cancel a task that either of them may have been running.
#[test]
fn two_workers_cancel_what_either_of_them_runs() {
    model(|| {
        let (handle, launches) = scheduler(2);
        let task = handle.spawn(pending::<()>(), None);
        let workers = start(launches);
        handle.shut_down();
        assert!(handle.wait_stopped(None));
        assert!(task.is_finished());
        assert_eq!(handle.live_tasks(), 0);
        join(workers);
    });
}
