//! What a task costs from its spawn to its end.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use futures_channel::oneshot;

use super::measured;
use crate::Job;
use crate::measure::{Outcome, Usage};
use crate::runtime::{Runtime, Shared};

/// One task spawns all (trivial ones), then joins them in order. An operation is a task.
pub(super) fn join<R: Runtime>(job: &Job) -> Outcome {
    measured::<R, _>(job, |ops| async move {
        spawn_and_join::<R>(ops).await;
        ops
    })
}

/// `--width` tasks spawn and join side by side, each its share.
pub(super) fn concurrent<R: Runtime>(job: &Job) -> Outcome {
    let width = job.width as u64;
    measured::<R, _>(job, move |ops| async move {
        let share = (ops / width).max(1);
        let spawners = (0..width).map(|_| R::spawn(spawn_and_join::<R>(share)));
        join_all(spawners.collect()).await;
        share * width
    })
}

async fn spawn_and_join<R: Runtime>(ops: u64) {
    let tasks = (0..ops).map(|index| R::spawn(async move { black_box(index) }));
    join_all(tasks.collect()).await;
}

async fn join_all<J: Future>(tasks: Vec<J>) {
    for task in tasks {
        task.await;
    }
}

/// Each task spawns the next one and ends: `--ops` deep.
pub(super) fn chained<R: Runtime>(job: &Job) -> Outcome {
    measured::<R, _>(job, |ops| async move {
        let (send, receive) = oneshot::channel();
        link::<R>(ops, send);
        receive.await.expect("the last link sends");
        ops
    })
}

fn link<R: Runtime>(left: u64, done: oneshot::Sender<()>) {
    if left == 0 {
        done.send(()).expect("the root waits");
    } else {
        R::detach(async move { link::<R>(left - 1, done) });
    }
}

/// A Fibonacci number by naive recursion: an inner node spawns one child, computes the other itself
/// and joins. An operation is an inner node; `--ops` bounds their number from above.
pub(super) fn fork_join<R: Runtime>(job: &Job) -> Outcome {
    measured::<R, _>(job, |ops| async move {
        let n = fib_of_size(ops);
        black_box(fib::<R>(n).await);
        inner_nodes(n)
    })
}

fn fib<R: Runtime>(n: u32) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if n < 2 {
            return u64::from(n);
        }
        let left = R::spawn(fib::<R>(n - 1));
        let right = fib::<R>(n - 2).await;
        left.await + right
    })
}

/// The largest number whose tree has at most so many inner nodes.
pub(crate) fn fib_of_size(nodes: u64) -> u32 {
    (2..)
        .find(|&n| inner_nodes(n) > nodes)
        .expect("they grow without bound")
        - 1
}

/// How many nodes of the tree have children.
pub(crate) fn inner_nodes(n: u32) -> u64 {
    let (mut this, mut next) = (0, 0);
    for _ in 0..n {
        (this, next) = (next, this + next + 1);
    }
    this
}

/// A thread that is none of the runtime's spawns all.
pub(super) fn remote<R: Shared>(job: &Job) -> Outcome {
    let runtime = R::start(job);
    let spawn_all = |ops: u64| {
        let left = Arc::new(AtomicU64::new(ops));
        let spawner = thread::current();
        for _ in 0..ops {
            let (left, spawner) = (left.clone(), spawner.clone());
            runtime.spawn_from_outside(async move {
                // ORDERING: Release pairs with the Acquire below; publishes the tasks' end. Acquire, so
                // that the last one passes on what the others published.
                if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    spawner.unpark();
                }
            });
        }
        // ORDERING: Acquire pairs with the Release above.
        while left.load(Ordering::Acquire) > 0 {
            thread::park();
        }
    };
    if !job.counted {
        spawn_all((job.ops / 10).max(1));
    }
    let usage = Usage::start();
    spawn_all(job.ops);
    Outcome::per_op(job.ops, usage.stop())
}

/// Hands trivial work to the threads for blocking work, 64 pieces at a time.
pub(super) fn blocking<R: Shared>(job: &Job) -> Outcome {
    measured::<R, _>(job, |ops| async move {
        for _ in 0..ops.div_ceil(64) {
            join_all((0..64).map(|_| R::spawn_blocking(|| ())).collect()).await;
        }
        ops.div_ceil(64) * 64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_as_large_as_asked() {
        assert_eq!(inner_nodes(26), 196_417);
        assert_eq!(fib_of_size(inner_nodes(26)), 26);
    }
}
