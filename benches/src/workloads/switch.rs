//! What it costs to go from one task to another.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use atomic_waker::AtomicWaker;
use futures_channel::oneshot;

use super::measured;
use crate::Job;
use crate::measure::Outcome;
use crate::runtime::Runtime;

/// `--width` tasks yield in turn. An operation is a yield.
pub(super) fn yield_now<R: Runtime>(job: &Job) -> Outcome {
    let width = per_root::<R>(job);
    measured::<R, _>(job, move |ops| async move {
        let turns = (ops / width).max(1);
        side_by_side::<R, _>(width, |_| async move {
            for _ in 0..turns {
                R::yield_now().await;
            }
        })
        .await;
        turns * width
    })
}

/// `--width` pairs of tasks hand a token there and back. An operation is a round trip: two wakes and
/// two polls.
pub(super) fn ping_pong<R: Runtime>(job: &Job) -> Outcome {
    let pairs = per_root::<R>(job);
    measured::<R, _>(job, move |ops| async move {
        let trips = (ops / pairs).max(1);
        side_by_side::<R, _>(pairs, |_| pair::<R>(trips)).await;
        trips * pairs
    })
}

async fn pair<R: Runtime>(trips: u64) {
    let [ping, pong] = [(); 2].map(|()| Arc::new(Mailbox::default()));
    let answer = R::spawn({
        let (ping, pong) = (ping.clone(), pong.clone());
        async move {
            for _ in 0..trips {
                ping.receive().await;
                pong.send();
            }
        }
    });
    for _ in 0..trips {
        ping.send();
        pong.receive().await;
    }
    answer.await;
}

/// `--width` tasks, each: spawn a task, send it something, get an answer. An operation is a spawn
/// and a round trip over two fresh channels.
pub(super) fn ping_pong_oneshot<R: Runtime>(job: &Job) -> Outcome {
    let width = per_root::<R>(job);
    measured::<R, _>(job, move |ops| async move {
        let turns = (ops / width).max(1);
        side_by_side::<R, _>(width, |_| async move {
            for _ in 0..turns {
                let (ask, asked) = oneshot::channel();
                let (answer, answered) = oneshot::channel();
                R::detach(async move {
                    asked.await.expect("the asker sends");
                    answer.send(()).expect("the asker waits");
                });
                ask.send(()).expect("the task waits");
                answered.await.expect("the task answers");
            }
        })
        .await;
        turns * width
    })
}

/// How many of `--width` each root takes.
fn per_root<R: Runtime>(job: &Job) -> u64 {
    (job.width / R::roots(job.workers)).max(1) as u64
}

/// Spawns so many tasks and joins them.
async fn side_by_side<R: Runtime, F>(width: u64, task: impl Fn(u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..width).map(|index| R::spawn(task(index))).collect();
    for task in tasks {
        task.await;
    }
}

/// A place for one token: the cheapest channel that wakes its receiver.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    full: AtomicBool,
    receiver: AtomicWaker,
}

impl Mailbox {
    /// Puts the token in.
    pub(super) fn send(&self) {
        // ORDERING: Release pairs with the Acquire in `receive`; publishes what was done before.
        self.full.store(true, Ordering::Release);
        self.receiver.wake();
    }

    /// Waits for the token and takes it out.
    pub(super) async fn receive(&self) {
        poll_fn(|cx| {
            // ORDERING: Acquire pairs with the Release in `send`.
            if self.full.swap(false, Ordering::Acquire) {
                return Poll::Ready(());
            }
            self.receiver.register(cx.waker());
            // ORDERING: Acquire pairs with the Release in `send`.
            match self.full.swap(false, Ordering::Acquire) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}
