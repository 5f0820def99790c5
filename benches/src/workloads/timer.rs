//! What a timer costs and how exact it is.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Collected, measured, poll_once};
use crate::Job;
use crate::measure::{Gate, Outcome};
use crate::runtime::Runtime;

/// Creates and arms timers of 1 to 30 s, all of them, then drops them all. An operation is a timer.
pub(super) fn create_cancel<R: Runtime>(job: &Job) -> Outcome {
    measured::<R, _>(job, |ops| async move {
        let mut random = fastrand::Rng::with_seed(7);
        let mut armed = Vec::with_capacity(ops as usize);
        for index in 0..ops {
            let length = Duration::from_millis(random.u64(1_000..30_000));
            let mut sleep = Box::pin(R::sleep(length));
            poll_once(sleep.as_mut()).await;
            armed.push(sleep);
            if index % TURN == 0 {
                R::yield_now().await;
            }
        }
        drop(armed);
        ops
    })
}

/// `--width` tasks give something that takes longer than a poll ten seconds, and drop both. An
/// operation is a timeout.
pub(super) fn timeout_churn<R: Runtime>(job: &Job) -> Outcome {
    let width = (job.width / R::roots(job.workers)).max(1) as u64;
    measured::<R, _>(job, move |ops| async move {
        let share = (ops / width).max(1);
        let tasks: Vec<_> = (0..width).map(|_| R::spawn(churn::<R>(share))).collect();
        for task in tasks {
            task.await;
        }
        share * width
    })
}

async fn churn<R: Runtime>(ops: u64) {
    for index in 0..ops {
        let timeout = pin!(R::timeout(Duration::from_secs(10), pending()));
        poll_once(timeout).await;
        if index % TURN == 0 {
            R::yield_now().await;
        }
    }
}

/// `--ops` tasks sleep once, for 1 to 1000 ms. The latency is how late each wakes.
pub(super) fn accuracy<R: Runtime>(job: &Job) -> Outcome {
    let late = Arc::new(Collected::default());
    let roots = R::roots(job.workers);
    let ops = job.ops / roots as u64;
    let gate = Arc::new(Gate::new(roots));
    R::run(job, |root| {
        let (late, gate) = (late.clone(), gate.clone());
        async move {
            gate.start();
            let mut random = fastrand::Rng::with_seed(root as u64);
            let tasks = (0..ops).map(|_| {
                let length = Duration::from_micros(random.u64(1_000..1_000_000));
                R::spawn(async move {
                    let asleep = Instant::now();
                    R::sleep(length).await;
                    asleep.elapsed().saturating_sub(length)
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                late.add([task.await]);
            }
            gate.stop();
        }
    });
    Outcome::per_op(ops * roots as u64, gate.used()).with_latency(late.take())
}

/// After so many operations a task lets the others run. Less than any runtime's budget for a poll,
/// beyond which its timers are not armed.
const TURN: u64 = 32;
