//! The scheduler's seams from outside: steppable workers, refused threads, an eventless driver.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use heist_scheduler::clock::Clock;
use heist_scheduler::driver::Idle;
use heist_scheduler::{Config, Handle, Look, SpawnThread, Tick, Watchdog, Worker, block_on};

fn threads() -> SpawnThread {
    Arc::new(|_kind, body| std::thread::Builder::new().spawn(body).map(drop))
}

fn virtual_workers(count: usize) -> (Handle, Vec<Worker>) {
    let (handle, launches) = Handle::new(Config::new(count, threads()), Box::new(Idle::default()));
    let workers = launches.into_iter().map(|launch| launch.start());
    (handle, workers.collect())
}

/// Pending `times` times, waking itself.
struct Yield(usize);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn workers_step_one_poll_at_a_time_on_one_thread() {
    let (handle, mut workers) = virtual_workers(2);
    let task = handle.spawn(Yield(2), None);
    assert_eq!(workers[0].tick(), Tick::Ran);
    assert_eq!(workers[0].tick(), Tick::Ran);
    assert!(!task.is_finished());
    assert_eq!(workers[0].tick(), Tick::Ran);
    assert!(task.is_finished());
    assert_eq!(workers[0].tick(), Tick::Idle);
    assert_eq!(handle.worker_metrics(0).polls, 3);
    handle.shut_down();
    assert_eq!(workers[0].tick(), Tick::Stop);
}

#[test]
fn an_idle_worker_takes_half_of_a_busy_ones_queue() {
    let (handle, mut workers) = virtual_workers(2);
    let spawner = handle.clone();
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = ran.clone();
    let outer = handle.spawn(
        async move {
            for _ in 0..10 {
                let ran = counted.clone();
                let inner = async move {
                    ran.fetch_add(1, Ordering::Relaxed);
                };
                drop(spawner.spawn(inner, None));
            }
        },
        None,
    );
    assert_eq!(workers[0].tick(), Tick::Ran);
    assert!(outer.is_finished());
    let stolen_before = handle.worker_metrics(1).stolen_tasks;
    assert_eq!(workers[1].tick(), Tick::Ran);
    let stolen = handle.worker_metrics(1).stolen_tasks - stolen_before;
    assert!((4..=5).contains(&stolen), "{stolen} of 9 queued");
    for _ in 0..20 {
        let _ = workers[0].tick();
        let _ = workers[1].tick();
    }
    assert_eq!(ran.load(Ordering::Relaxed), 10);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let (handle, mut workers) = virtual_workers(3);
        for n in 0..50 {
            drop(handle.spawn(Yield(n % 7), None));
        }
        let mut trace = Vec::new();
        for step in 0..600 {
            trace.push(workers[step % 3].tick());
        }
        let polls: Vec<_> = (0..3).map(|w| handle.worker_metrics(w).polls).collect();
        (trace, polls)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_job_is_cancelled_when_the_system_gives_no_thread() {
    let refuse: SpawnThread = Arc::new(|_kind, _body| Err(io::Error::other("no thread today")));
    let (handle, _workers) = Handle::new(Config::new(1, refuse), Box::new(Idle::default()));
    let job = handle.spawn_blocking(|| 1, None);
    assert!(block_on(job).expect_err("no thread").is_cancelled());
    assert_eq!(handle.blocking_metrics().threads, 0);
    assert_eq!(handle.blocking_metrics().queue_depth, 0);
}

#[test]
fn dropped_launches_and_workers_count_as_stopped() {
    let (handle, launches) = Handle::new(Config::new(2, threads()), Box::new(Idle::default()));
    let task = handle.spawn(std::future::pending::<()>(), None);
    handle.shut_down();
    let mut launches = launches.into_iter();
    drop(launches.next());
    drop(launches.next().map(|launch| launch.start()));
    assert!(handle.wait_stopped(None));
    assert!(block_on(task).expect_err("cancelled").is_cancelled());
    assert_eq!(handle.live_tasks(), 0);
}

/// How much later than asked for a look may come.
fn leeway(look: Look) -> Duration {
    match look {
        Look::After { leeway, .. } => leeway,
        Look::WhenAwake | Look::Never => panic!("a worker is awake: {look:?}"),
    }
}

/// A clock that stands.
#[derive(Debug)]
struct Still(Instant);

impl Clock for Still {
    fn now(&self) -> Instant {
        self.0
    }
}

/// Calls `play` in so many polls of a task, one after the other, beside each of which another worker
/// sleeps. No time passes.
fn beside_a_sleeper(
    polls: usize,
    mut play: impl FnMut(&Handle, &mut Watchdog, usize) + Send + 'static,
) {
    let mut config = Config::new(2, threads());
    config.clock = Arc::new(Still(Instant::now()));
    let (handle, launches) = Handle::new(config, Box::new(Idle::default()));
    let mut launches = launches.into_iter();
    let mut worker = launches.next().expect("there are two").start();
    let sleeper = launches.next().expect("there are two");
    let spawner = handle.clone();
    let stuck = async move {
        let mut watchdog = Watchdog::new(&spawner);
        let sleeper = std::thread::spawn(move || sleeper.start().run());
        for poll in 0..polls {
            if poll > 0 {
                Yield(1).await;
            }
            // Each handover has woken it once.
            while spawner.worker_metrics(1).parks <= spawner.watchdog_metrics().handovers {
                std::thread::yield_now(); // The sleeper is not asleep yet.
            }
            play(&spawner, &mut watchdog, poll);
        }
        sleeper
    };
    let stuck = handle.spawn(stuck, None);
    for _ in 0..polls {
        assert_eq!(worker.tick(), Tick::Ran);
    }
    let sleeper = block_on(stuck).expect("what it asserts holds");
    handle.shut_down();
    drop(worker);
    sleeper.join().expect("it stops");
}

/// Spawns a task; the receiver hears when it has run.
fn witness(handle: &Handle) -> std::sync::mpsc::Receiver<()> {
    let (ran, runs) = std::sync::mpsc::channel();
    drop(handle.spawn(async move { ran.send(()).expect("it is waited for") }, None));
    runs
}

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn what_waits_behind_a_poll_is_handed_over_at_the_first_look() {
    beside_a_sleeper(1, |handle, watchdog, _| {
        let runs = witness(handle);
        let _ = watchdog.look();
        assert_eq!(handle.watchdog_metrics().stuck_workers, 0, "seen once");
        assert_eq!(handle.watchdog_metrics().handovers, 1);
        runs.recv_timeout(LIMIT).expect("the sleeper runs it");
        let on_time = leeway(watchdog.look()) == Duration::ZERO;
        assert!(on_time, "nobody stole but the one that was woken");
    });
}

#[test]
fn suspicion_alone_does_not_keep_the_looks_on_time() {
    beside_a_sleeper(3, |handle, watchdog, poll| {
        let runs = witness(handle);
        let on_time = leeway(watchdog.look()) == Duration::ZERO;
        assert_eq!(on_time, poll == 0, "only the first is to prove it");
        assert_eq!(handle.watchdog_metrics().handovers, 1 + poll as u64);
        runs.recv_timeout(LIMIT).expect("the sleeper runs it");
    });
}

#[test]
fn nothing_is_handed_over_where_nothing_waits() {
    beside_a_sleeper(1, |handle, watchdog, _| {
        assert_ne!(leeway(watchdog.look()), Duration::ZERO);
        assert_eq!(handle.watchdog_metrics().handovers, 0);
    });
}

#[test]
fn the_looks_after_a_handover_are_on_time() {
    beside_a_sleeper(1, |handle, watchdog, _| {
        assert_ne!(leeway(watchdog.look()), Duration::ZERO, "all is well");
        let runs = witness(handle);
        assert_eq!(leeway(watchdog.look()), Duration::ZERO, "a handover");
        assert!(handle.watchdog_metrics().handovers >= 1);
        runs.recv_timeout(LIMIT).expect("the sleeper runs it");
        let calm = (0..100_000).find(|_| leeway(watchdog.look()) > Duration::ZERO);
        assert!(calm.is_some(), "the alert ends when nothing waits any more");
    });
}
