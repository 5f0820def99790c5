//! Whole schedulers: a task spawned anywhere is run, whoever is asleep.

use super::shutdown::{join, scheduler, start};
use super::{Bell, Witness, bounded, model, thread};
use crate::block_on::block_on;
use crate::handle::Handle;
use crate::task::JoinHandle;
use crate::worker::Tick;

/// A task spawned from outside is run by the only worker, whether it sleeps, is about to, or
/// starts.
#[test]
fn a_task_from_outside_wakes_the_only_worker() {
    model(|| {
        let (handle, launches) = scheduler(1);
        let workers = start(launches);
        let task = handle.spawn(async { Witness::new() }, None);
        block_on(task).expect("it runs");
        handle.shut_down();
        join(workers);
    });
}

/// A task spawned from outside is run by one of two workers, whatever each of them is doing.
#[test]
fn a_task_from_outside_wakes_one_of_two_workers() {
    // With two preemptions it takes minutes, for a million permutations.
    bounded(1, || {
        let (handle, launches) = scheduler(2);
        let workers = start(launches);
        let task = handle.spawn(async { Witness::new() }, None);
        block_on(task).expect("it runs");
        handle.shut_down();
        join(workers);
    });
}

/// A task that was fetched together with one that polls long is run by the worker that is idle.
#[test]
fn a_task_fetched_behind_a_long_poll_is_run_by_the_other_worker() {
    model(|| {
        let (handle, launches) = scheduler(2);
        let long = spawn_long_and_short(&handle);
        let [here, there] = launches.try_into().expect("two workers");
        let workers = start(vec![there]);
        here.start().run();
        join(workers);
        assert!(long.is_finished());
    });
}

/// What a searcher takes along to its own queue is found by the other searcher, or by whom it wakes.
#[test]
fn a_task_taken_along_by_a_searcher_is_run_by_the_other() {
    model(|| {
        // Of three workers two may search at once.
        let (handle, launches) = scheduler(3);
        let [here, there, nobody] = launches.try_into().expect("three workers");
        let (mut here, mut there) = (here.start(), there.start());
        drop(nobody);
        assert_eq!((here.tick(), there.tick()), (Tick::Idle, Tick::Idle));
        let long = spawn_long_and_short(&handle);
        // A worker's share of two would be one.
        drop(handle.spawn(async {}, None));
        let other = thread(move || there.run());
        here.run();
        other.join().expect("joins");
        assert!(long.is_finished());
    });
}

/// Injects a task that blocks its worker until the other one, behind it, has run; then it ends the
/// scheduler.
fn spawn_long_and_short(handle: &Handle) -> JoinHandle<()> {
    let bell = Bell::new();
    let (ring, ender) = (bell.waker(), handle.clone());
    let long = async move {
        bell.wait();
        ender.shut_down();
    };
    let long = handle.spawn(long, None);
    drop(handle.spawn(async move { ring.wake() }, None));
    long
}
