//! rayon, where tasks only fork and join: its closures are no futures and never wait.

use std::hint::black_box;

use rayon::ThreadPoolBuilder;

use crate::Job;
use crate::measure::{Outcome, Usage};
use crate::workloads::spawn::{fib_of_size, inner_nodes};

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> Option<Outcome> {
    let work: fn(&Job, u64) -> u64 = match job.workload.as_str() {
        "fork_join" => fork_join,
        "spawn_concurrent" => spawn_concurrent,
        _ => return None,
    };
    let pool = ThreadPoolBuilder::new().num_threads(job.workers).build();
    let pool = pool.expect("the system gives threads");
    pool.install(|| work(job, (job.ops / 10).max(1)));
    let usage = Usage::start();
    let ops = pool.install(|| work(job, job.ops));
    Some(Outcome::per_op(ops, usage.stop()))
}

fn fork_join(_: &Job, ops: u64) -> u64 {
    let n = fib_of_size(ops);
    black_box(fib(n));
    inner_nodes(n)
}

fn fib(n: u32) -> u64 {
    if n < 2 {
        return u64::from(n);
    }
    let (left, right) = rayon::join(|| fib(n - 1), || fib(n - 2));
    left + right
}

fn spawn_concurrent(job: &Job, ops: u64) -> u64 {
    let width = job.width as u64;
    let share = (ops / width).max(1);
    rayon::scope(|scope| {
        for _ in 0..width {
            scope.spawn(move |scope| {
                for index in 0..share {
                    scope.spawn(move |_| {
                        black_box(index);
                    });
                }
            });
        }
    });
    share * width
}
