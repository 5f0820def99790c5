//! How long a task that could run waits until it does.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;

use super::{Collected, burn};
use crate::Job;
use crate::measure::{Gate, Outcome};
use crate::runtime::{Runtime, Shared};

/// A thread that is none of the runtime's wakes the only task of an idle runtime, `--ops` times,
/// 450 µs apart.
pub(super) fn wake<R: Runtime>(job: &Job) -> Outcome {
    let bell = Arc::new(Bell::default());
    let ops = job.ops;
    let ringer = thread::spawn({
        let bell = bell.clone();
        move || {
            let mut rung = 0;
            while rung < ops {
                thread::sleep(Duration::from_micros(450));
                rung += u64::from(bell.ring());
            }
        }
    });
    let heard = Arc::new(Collected::default());
    let gate = Arc::new(Gate::new(1));
    R::run(job, |root| {
        let (bell, heard, gate) = (bell.clone(), heard.clone(), gate.clone());
        async move {
            // Of a thread-per-core peer's roots the first one listens.
            if root == 0 {
                gate.start();
                for _ in 0..ops {
                    heard.add([bell.heard().await]);
                }
                gate.stop();
            }
        }
    });
    ringer.join().expect("the ringer does not panic");
    Outcome::per_op(ops, gate.used()).with_latency(heard.take())
}

/// Tells a task when it was woken.
#[derive(Debug, Default)]
struct Bell {
    rung: std::sync::Mutex<Option<Instant>>,
    listener: AtomicWaker,
}

impl Bell {
    /// Wakes the listener, unless it has not heard the last ring yet: then false.
    fn ring(&self) -> bool {
        let mut rung = self.rung.lock().expect("no holder panics");
        if rung.is_some() {
            return false;
        }
        *rung = Some(Instant::now());
        drop(rung);
        self.listener.wake();
        true
    }

    /// Waits for a ring; how long ago it was.
    async fn heard(&self) -> Duration {
        let take = || self.rung.lock().expect("no holder panics").take();
        let at = poll_fn(|cx| {
            self.listener.register(cx.waker());
            take().map_or(Poll::Pending, Poll::Ready)
        });
        at.await.elapsed()
    }
}

/// A task spawns and joins trivial ones for 10 ms, then spawns one more and computes for 5 ms in that
/// same poll: rarely a poll of it is slow. The latency is that of the task left behind, while another
/// worker has nothing to do. Also: trivial tasks per second of the rest of the time, and CPU seconds
/// per second.
pub(super) fn strand_rare<R: Shared>(job: &Job) -> Outcome {
    strand::<R, _>(job, || async move {
        let (start, mut trivial) = (Instant::now(), 0);
        while start.elapsed() < CALM {
            for task in (0..32).map(|_| R::spawn(async {})).collect::<Vec<_>>() {
                task.await;
            }
            trivial += 32;
        }
        let calm = start.elapsed();
        let left_behind = R::spawn(waited());
        burn(SLOW);
        (left_behind.await, calm, trivial)
    })
}

/// As [`strand_rare`], but the 5 ms are the one poll of a task that is never quick, and the task left
/// behind is spawned right after it: a runtime may learn that.
pub(super) fn strand_known<R: Shared>(job: &Job) -> Outcome {
    strand::<R, _>(job, || async move {
        let start = Instant::now();
        let slow = R::spawn(async { burn(SLOW) });
        let left_behind = R::spawn(waited());
        // Whichever a runtime takes first, the newest or the oldest, the slow one comes before one of
        // the two.
        let newest = R::spawn(waited());
        let waited = left_behind.await.max(newest.await);
        slow.await;
        (waited, start.elapsed(), 3)
    })
}

/// A future that yields how long ago it was made.
fn waited() -> impl Future<Output = Duration> + Send + 'static {
    let made = Instant::now();
    async move { made.elapsed() }
}

fn strand<R: Shared, F>(job: &Job, turn: impl Fn() -> F + Send + Sync + Clone + 'static) -> Outcome
where
    F: Future<Output = (Duration, Duration, u64)> + Send + 'static,
{
    let gate = Arc::new(Gate::new(1));
    let turns = Arc::new(Collected::default());
    let ops = job.ops;
    R::run(job, |_| {
        let (gate, turns, turn) = (gate.clone(), turns.clone(), turn.clone());
        async move {
            gate.start();
            for _ in 0..ops {
                turns.add([turn().await]);
            }
            gate.stop();
        }
    });
    let (turns, used) = (turns.take(), gate.used());
    let calm: Duration = turns.iter().map(|(_, calm, _)| *calm).sum();
    let trivial: u64 = turns.iter().map(|(_, _, trivial)| trivial).sum();
    Outcome::per_op(ops, used)
        .with("tasks_per_s", trivial as f64 / calm.as_secs_f64())
        .with("cores", used.cpu.as_secs_f64() / used.wall.as_secs_f64())
        .with_latency(turns.into_iter().map(|(waited, ..)| waited).collect())
}

/// `--width` tasks that compute for 10 ms per poll, beside 1000 that sleep 100 ms again and again,
/// for `--seconds`. The latency is how late the sleepers wake.
pub(super) fn fair_hog<R: Runtime>(job: &Job) -> Outcome {
    let late = Arc::new(Collected::default());
    let over = Arc::new(AtomicBool::new(false));
    let hogs = job.width;
    let length = Duration::from_secs_f64(job.seconds);
    let roots = R::roots(job.workers);
    let gate = Arc::new(Gate::new(roots));
    R::run(job, |root| {
        let (late, over, gate) = (late.clone(), over.clone(), gate.clone());
        async move {
            gate.start();
            let sleepers = (0..SLEEPERS / roots).map(|_| R::spawn(sleeper::<R>(length)));
            let sleepers: Vec<_> = sleepers.collect();
            let hogs = (root..hogs)
                .step_by(roots)
                .map(|_| R::spawn(hog::<R>(over.clone())));
            let hogs: Vec<_> = hogs.collect();
            for sleeper in sleepers {
                late.add(sleeper.await);
            }
            over.store(true, Ordering::Relaxed);
            for hog in hogs {
                hog.await;
            }
            gate.stop();
        }
    });
    let late = late.take();
    Outcome::per_op(late.len() as u64, gate.used()).with_latency(late)
}

async fn hog<R: Runtime>(over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        burn(Duration::from_millis(10));
        R::yield_now().await;
    }
}

async fn sleeper<R: Runtime>(length: Duration) -> Vec<Duration> {
    let start = Instant::now();
    let mut late = Vec::new();
    // At different times, as in life.
    let mut next = PERIOD.mul_f64(fastrand::f64());
    while start.elapsed() < length {
        let asleep = Instant::now();
        R::sleep(next).await;
        late.push(asleep.elapsed().saturating_sub(next));
        next = PERIOD;
    }
    late
}

/// How long trivial tasks run between two slow polls.
const CALM: Duration = Duration::from_millis(10);

/// How long a slow poll takes.
const SLOW: Duration = Duration::from_millis(5);

const SLEEPERS: usize = 1000;
const PERIOD: Duration = Duration::from_millis(100);
