//! Whole schedulers: a task spawned anywhere is run, whoever is asleep.

use super::shutdown::{join, scheduler, start};
use super::{Witness, bounded, model};
use crate::block_on::block_on;

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
