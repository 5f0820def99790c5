//! The blocking pool: jobs against threads that come, wait, leave and are shut down.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Bell, Witness, model, thread};
use crate::block_on::block_on;
use crate::blocking::{BlockingConfig, Job, OneShot, Pool, Refused};
use crate::clock::SystemClock;
use crate::config::SpawnThread;
use crate::sync::Mutex;
use crate::task::{self, JoinHandle, Meta};

/// No thread of the pool waits: each leaves as soon as it finds nothing to do.
const NOT_AT_ALL: Duration = Duration::ZERO;
/// A thread of the pool leaves only at the shutdown: no clock reaches so far.
const FOR_EVER: Duration = Duration::MAX;

fn pool(max_threads: usize, keep_alive: Duration) -> Arc<Pool> {
    with_threads(
        max_threads,
        keep_alive,
        Arc::new(|_, body| {
            thread(body);
            Ok(())
        }),
    )
}

fn with_threads(max_threads: usize, keep_alive: Duration, spawn_thread: SpawnThread) -> Arc<Pool> {
    Arc::new(Pool::new(BlockingConfig {
        kind: crate::config::ThreadKind::Blocking,
        max_threads,
        keep_alive,
        spawn_thread,
        clock: Arc::new(SystemClock),
        went_idle: None,
    }))
}

/// As `Handle::spawn_blocking` does it.
fn submit(pool: &Arc<Pool>) -> JoinHandle<Witness> {
    submit_job(pool, Witness::new)
}

fn submit_job<T: Send + 'static>(
    pool: &Arc<Pool>,
    job: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let (job, handle) = task::new(Job::new(job), OneShot, Meta::new(None));
    match pool.submit(job) {
        Ok(()) => {}
        Err(Refused::ShutDown(job)) => job.cancel(),
        Err(Refused::NoThread(_)) => {} // The pool cancelled what no thread can run.
    }
    handle
}

fn shut_down(pool: &Pool) {
    pool.shut_down();
    assert!(pool.wait_until_empty(None));
    assert_eq!(pool.metrics().threads, 0);
    assert_eq!(pool.metrics().queue_depth, 0);
}

/// A job that comes while the pool's only thread leaves for idleness is run all the same.
#[test]
fn a_job_submitted_as_the_last_thread_leaves_is_run() {
    model(|| {
        let pool = pool(1, NOT_AT_ALL);
        let first = submit(&pool);
        block_on(first).expect("it runs");
        let second = submit(&pool);
        block_on(second).expect("it runs");
        shut_down(&pool);
    });
}

/// A thread of the pool that waits, or is about to, is told of every job.
#[test]
fn a_waiting_thread_is_told_of_each_job() {
    model(|| {
        let pool = pool(1, FOR_EVER);
        let first = submit(&pool);
        let second = submit(&pool);
        block_on(first).expect("it runs");
        let third = submit(&pool);
        block_on(second).expect("it runs");
        block_on(third).expect("it runs");
        shut_down(&pool);
    });
}

/// Jobs of two submitters at once are both run by a pool whose threads do not linger.
#[test]
fn two_submitters_are_served_by_two_threads() {
    model(|| {
        let pool = pool(2, NOT_AT_ALL);
        let other = {
            let pool = Arc::clone(&pool);
            thread(move || drop(submit(&pool)))
        };
        block_on(submit(&pool)).expect("it runs");
        other.join().expect("joins");
        shut_down(&pool);
    });
}

/// A job gets a thread of its own if the waiting ones are spoken for.
#[test]
fn a_job_that_waits_for_another_does_not_hold_it_up() {
    model(|| {
        let pool = pool(2, FOR_EVER);
        block_on(submit(&pool)).expect("it runs");
        // One thread may wait by now: it is enough for one job, not for two.
        let bell = Bell::new();
        let ring = bell.waker();
        let waits = submit_job(&pool, move || bell.wait());
        let rings = submit_job(&pool, move || ring.wake());
        block_on(waits).expect("it runs");
        block_on(rings).expect("it runs");
        shut_down(&pool);
    });
}

/// A job submitted during the shutdown is run or cancelled, never left.
#[test]
fn a_job_is_run_or_cancelled_by_the_shutdown() {
    model(|| {
        let pool = pool(1, FOR_EVER);
        let submitter = {
            let pool = Arc::clone(&pool);
            thread(move || match block_on(submit(&pool)) {
                Ok(output) => assert_eq!(output.drops(), 0),
                Err(error) => assert!(error.is_cancelled()),
            })
        };
        shut_down(&pool);
        submitter.join().expect("joins");
        shut_down(&pool);
    });
}

/// A job that still waits for a thread when the pool is shut down is cancelled, not run later.
#[test]
fn a_job_that_waits_for_a_thread_is_cancelled_by_the_shutdown() {
    model(|| {
        let pool = pool(1, FOR_EVER);
        // A lock, not a bell: loom's waits may end by themselves.
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock();
        let running = {
            let gate = gate.clone();
            submit_job(&pool, move || drop(gate.lock()))
        };
        let waiting = submit(&pool);
        pool.shut_down();
        let cancelled = waiting.is_finished();
        drop(held);
        assert!(pool.wait_until_empty(None));
        assert!(running.is_finished());
        assert!(cancelled, "the shutdown left it queued");
    });
}

/// Two jobs submitted at once do not make the pool larger than it may be.
#[test]
fn two_submitters_at_once_start_one_thread_where_one_is_the_limit() {
    model(|| {
        let started = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&started);
        let pool = with_threads(
            1,
            FOR_EVER,
            Arc::new(move |_, body| {
                counter.fetch_add(1, Ordering::Relaxed);
                thread(body);
                Ok(())
            }),
        );
        let other = {
            let pool = Arc::clone(&pool);
            thread(move || drop(submit(&pool)))
        };
        drop(submit(&pool));
        other.join().expect("joins");
        shut_down(&pool);
        assert_eq!(started.load(Ordering::Relaxed), 1);
    });
}

/// If the system gives no thread, every job is cancelled, whoever submitted it.
#[test]
fn without_a_thread_every_job_is_cancelled() {
    model(|| {
        let no_threads: SpawnThread = Arc::new(|_, _| Err(io::ErrorKind::WouldBlock.into()));
        let pool = with_threads(1, FOR_EVER, no_threads);
        let other = {
            let pool = Arc::clone(&pool);
            thread(move || assert!(block_on(submit(&pool)).is_err()))
        };
        assert!(block_on(submit(&pool)).is_err());
        other.join().expect("joins");
        shut_down(&pool);
    });
}
