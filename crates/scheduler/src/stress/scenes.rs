//! The scenes.

use std::sync::Arc;

use heist_shuttle::explore;
use shuttle::thread::JoinHandle as Thread;

use super::program::Step::{
    Abort, Block, Detach, InPlace, Join, JoinAny, Panic, Ring, Spawn, Wait, Yield,
};
use super::program::{Mix, below};
use super::stage::{Stage, WORKERS, World, thread};
use crate::block_on::block_on;
use crate::sync::{Condvar, Mutex};

/// A thread from outside: spawns some tasks, then awaits or drops them, in any order.
fn spawner(world: World, tasks: usize, steps: usize) -> Thread<()> {
    thread("outsider", move || {
        let mut children = Vec::new();
        for _ in 0..tasks {
            children.extend(world.spawn(steps));
        }
        while !children.is_empty() {
            let child = children.swap_remove(below(children.len()));
            match below(4) {
                0 => drop(child),
                1 => {
                    child.abort();
                    child.block_on();
                }
                _ => child.block_on(),
            }
        }
    })
}

fn join(threads: Vec<Thread<()>>) {
    for joined in threads {
        joined.join().expect("a panic of the scene");
    }
}

/// Two threads from outside start a few tasks each, which do as `mix` says.
fn storm(mix: Mix, tasks: usize) -> Stage {
    let stage = Stage::new(mix, tasks);
    let spawners = (0..2).map(|_| spawner(stage.world(), 3, 8));
    join(spawners.collect());
    stage
}

#[test]
fn every_task_of_a_storm_ends_once() {
    let mix = &[
        (Spawn, 6),
        (Yield, 3),
        (Join, 1),
        (JoinAny, 2),
        (Abort, 2),
        (Detach, 1),
    ];
    explore(|| storm(mix, 40).close());
}

#[test]
fn no_wake_is_lost_between_tasks_threads_and_the_driver() {
    let mix = &[(Wait, 6), (Ring, 3), (Yield, 1), (Spawn, 3), (JoinAny, 1)];
    explore(|| storm(mix, 24).close());
}

#[test]
fn a_panic_ends_its_own_task_and_no_other() {
    let mix = &[
        (Spawn, 6),
        (Panic, 2),
        (Wait, 2),
        (Yield, 2),
        (Join, 2),
        (Abort, 1),
    ];
    explore(|| storm(mix, 30).close());
}

#[test]
fn every_blocking_job_ends_once() {
    let mix = &[
        (Block, 6),
        (Spawn, 2),
        (Yield, 2),
        (JoinAny, 2),
        (Abort, 2),
        (Detach, 1),
    ];
    explore(|| storm(mix, 24).close());
}

#[test]
fn a_task_that_blocks_in_place_leaves_its_worker_to_another() {
    let mix = &[
        (InPlace, 4),
        (Spawn, 6),
        (Yield, 2),
        (Wait, 2),
        (Join, 1),
        (Abort, 1),
    ];
    explore(|| storm(mix, 24).close());
}

/// A bit of everything.
const ALL: Mix = &[
    (Spawn, 6),
    (Yield, 2),
    (Wait, 3),
    (Ring, 1),
    (Block, 1),
    (InPlace, 1),
    (Join, 1),
    (JoinAny, 1),
    (Abort, 1),
    (Detach, 1),
    (Panic, 1),
];

#[test]
fn a_shutdown_in_the_middle_ends_everything() {
    explore(|| {
        let stage = Stage::new(ALL, 40);
        let spawners = (0..2).map(|_| spawner(stage.world(), 4, 10)).collect();
        // Any number of steps of the others fits in between.
        for _ in 0..below(20) {
            shuttle::thread::yield_now();
        }
        stage.shut_down();
        join(spawners);
        stage.close();
    });
}

#[test]
fn a_task_that_comes_after_the_storm_is_run() {
    explore(|| {
        let stage = storm(ALL, 20);
        for _ in 0..3 {
            let task = stage.handle().spawn(async {}, None);
            block_on(task).expect("nobody aborts it");
        }
        stage.close();
    });
}

#[test]
fn sleeping_workers_wake_for_each_task_from_outside() {
    explore(|| {
        let stage = Stage::new(ALL, 0);
        let spawners = (0..3).map(|_| {
            let handle = stage.handle().clone();
            thread("outsider", move || {
                for _ in 0..3 {
                    block_on(handle.spawn(async {}, None)).expect("nobody aborts it");
                }
            })
        });
        join(spawners.collect());
        stage.close();
    });
}

/// A worker that blocks is no reason to wake another for the one task that it would run next, but
/// for all beyond it.
#[test]
fn a_blocked_worker_keeps_one_of_its_own_tasks_at_most() {
    explore(|| {
        let stage = Stage::unwatched(ALL, 0);
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let handle = stage.handle().clone();
                let blocks = async move {
                    let gate = Gate::default();
                    for _ in 0..3 {
                        let gate = gate.clone();
                        drop(handle.spawn(async move { gate.pass() }, None));
                    }
                    gate.wait(2);
                };
                stage.handle().spawn(blocks, None)
            })
            .collect();
        for task in tasks {
            block_on(task).expect("nobody aborts it");
        }
        stage.close();
    });
}

#[test]
fn a_blocked_worker_keeps_one_of_the_injected_tasks_at_most() {
    explore(|| {
        let stage = Stage::unwatched(ALL, 0);
        let gate = Gate::default();
        let blocker = below(INJECTED);
        let tasks: Vec<_> = (0..INJECTED)
            .map(|n| {
                let gate = gate.clone();
                let task = async move {
                    if n == blocker {
                        gate.wait(INJECTED - 2);
                    } else {
                        gate.pass();
                    }
                };
                stage.handle().spawn(task, None)
            })
            .collect();
        for task in tasks {
            block_on(task).expect("nobody aborts it");
        }
        stage.close();
    });
}

#[test]
fn what_stuck_workers_leave_undone_is_done_by_others() {
    explore(|| {
        let mut stage = Stage::unwatched(ALL, 0);
        stage.watch();
        // Sometimes all workers are stuck, sometimes all but one or two.
        let (stuck, free) = (WORKERS - below(3), 4);
        let gate = Gate::default();
        let tasks: Vec<_> = (0..stuck + free)
            .map(|n| {
                let gate = gate.clone();
                let task = async move {
                    if n < stuck {
                        gate.wait(free);
                    } else {
                        gate.pass();
                    }
                };
                stage.handle().spawn(task, None)
            })
            .collect();
        for task in tasks {
            block_on(task).expect("nobody aborts it");
        }
        stage.close();
    });
}

/// So many that a worker takes several at once.
const INJECTED: usize = 12;

/// Counts who passes; others block their thread until enough have.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<(Mutex<usize>, Condvar)>);

impl Gate {
    fn pass(&self) {
        *self.0.0.lock() += 1;
        self.0.1.notify_all();
    }

    fn wait(&self, enough: usize) {
        let mut passed = self.0.0.lock();
        while *passed < enough {
            passed = self.0.1.wait(passed);
        }
    }
}
