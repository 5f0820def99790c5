//! What a runtime costs that has nothing, or next to nothing, to do.

use std::future::pending;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Collected;
use super::switch::Mailbox;
use crate::Job;
use crate::measure::{self, Gate, Outcome};
use crate::runtime::Runtime;

/// Resident bytes per task, of `--ops` that were polled once and wait for ever.
pub(super) fn mem_task<R: Runtime>(job: &Job) -> Outcome {
    static POLLED: AtomicU64 = AtomicU64::new(0);
    let grown = Arc::new(Collected::default());
    let ops = job.ops;
    R::run(job, |root| {
        let grown = grown.clone();
        async move {
            // Of a thread-per-core peer's threads the first one holds them all.
            if root > 0 {
                return;
            }
            let before = measure::resident();
            for _ in 0..ops {
                R::detach(async {
                    POLLED.fetch_add(1, Ordering::Relaxed);
                    pending().await
                });
            }
            while POLLED.load(Ordering::Relaxed) < ops {
                R::sleep(Duration::from_millis(1)).await;
            }
            grown.add([measure::resident().saturating_sub(before)]);
        }
    });
    let grown: u64 = grown.take().iter().sum();
    Outcome::default().with("bytes", grown as f64 / ops as f64)
}

/// Context switches of the runtime's threads in `--seconds`, while its only task waits.
pub(super) fn idle<R: Runtime>(job: &Job) -> Outcome {
    let end = Arc::new(Mailbox::default());
    let runtime = thread::spawn({
        let (end, job) = (end.clone(), job.clone());
        move || {
            R::run(&job, |root| {
                let end = end.clone();
                async move {
                    if root == 0 {
                        end.receive().await;
                    }
                }
            });
        }
    });
    // To let it come to rest.
    thread::sleep(Duration::from_millis(200));
    let not_us = |id| id != process::id();
    let before = measure::switches(not_us);
    thread::sleep(Duration::from_secs_f64(job.seconds));
    let switches = measure::switches(not_us).saturating_sub(before);
    end.send();
    runtime.join().expect("an idle runtime does not panic");
    Outcome::default().with("total_switches", switches as f64)
}

/// One task that sleeps a millisecond again and again, for `--seconds`. An operation is a tick.
pub(super) fn tick<R: Runtime>(job: &Job) -> Outcome {
    let gate = Arc::new(Gate::new(1));
    let ticks = Arc::new(AtomicU64::new(0));
    let length = Duration::from_secs_f64(job.seconds);
    R::run(job, |root| {
        let (gate, ticks) = (gate.clone(), ticks.clone());
        async move {
            // Of a thread-per-core peer's threads the first one ticks.
            if root > 0 {
                return;
            }
            gate.start();
            let start = Instant::now();
            while start.elapsed() < length {
                R::sleep(Duration::from_millis(1)).await;
                ticks.fetch_add(1, Ordering::Relaxed);
            }
            gate.stop();
        }
    });
    ticked(ticks.load(Ordering::Relaxed), gate.used())
}

/// The figures of so many ticks.
pub(crate) fn ticked(ticks: u64, used: measure::Used) -> Outcome {
    Outcome::per_op(ticks, used).with("ticks_per_s", ticks as f64 / used.wall.as_secs_f64())
}
