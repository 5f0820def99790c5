//! Futures of tasks and time dropped at every await point: polled N times and dropped, for every N up to
//! their ends.
//!
//! After each drop no task may be left, no value and, at the end, no byte more than at the start. The clock
//! stands, so that every run has the same await points; what was left to run on (detached tasks, shielded
//! ones, cleanups) is given time to end. A binary of its own, with one test: it measures the process.

use std::alloc::System;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use heist::runtime::{Builder, Handle};
use heist::task::group::Scope;
use heist::task::{JoinSet, TaskGroup, yield_now};
use heist::time::{Duration, Instant, interval, sleep, timeout};
use heist_tests::deadline;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const HOUR: Duration = Duration::from_secs(3600);

/// What tasks hold: it counts those that are alive.
#[derive(Clone, Default)]
struct Alive(Arc<()>);

impl Alive {
    fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// Polls `future`, each time it is woken, `polls` times; true if it came to its end.
async fn dropped_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut done = 0;
    poll_fn(|cx| {
        if done == polls {
            return Poll::Ready(false);
        }
        done += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            // The last one: no wake is waited for.
            Poll::Pending if done == polls => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drops what `make` makes at each of its await points; returns how many there are.
async fn at_every_await<F: Future>(name: &str, make: impl Fn(Alive) -> F) -> usize {
    let alive = Alive::default();
    for polls in 0.. {
        let ended = dropped_after(polls, make(alive.clone())).await;
        // What may run on does so within days; nothing else is left to wait for.
        sleep(1_000 * HOUR).await;
        settle(name, polls, &alive).await;
        if ended {
            return polls;
        }
    }
    unreachable!("0.. has no end")
}

async fn settle(name: &str, polls: usize, alive: &Alive) {
    let metrics = Handle::current().metrics();
    for _ in 0..100_000 {
        if alive.count() == 0 && metrics.num_alive_tasks() == 0 {
            return;
        }
        yield_now().await;
    }
    let (values, tasks) = (alive.count(), metrics.num_alive_tasks());
    panic!("{name}, dropped after {polls} polls, leaves {values} values and {tasks} tasks");
}

async fn join_set(alive: Alive) {
    let mut set = JoinSet::new();
    for n in 1..=5_u32 {
        let alive = alive.clone();
        set.spawn(async move {
            sleep(HOUR * n).await;
            (n, alive)
        });
    }
    assert_eq!(
        set.join_next().await.expect("a task").expect("no panic").0,
        1
    );
    let joined = set.join_next_with_id().await.expect("a task");
    assert_eq!(joined.expect("no panic").1.0, 2);
    let held = alive.clone();
    set.spawn(async move {
        pending::<()>().await;
        (6, held)
    });
    set.shutdown().await;
    for n in 1..=3_u32 {
        let alive = alive.clone();
        set.spawn(async move {
            sleep(HOUR * n).await;
            (n, alive)
        });
    }
    assert_eq!(set.join_all().await.len(), 3);
}

async fn task_group(alive: Alive) {
    let group = TaskGroup::new().limit(2).grace(HOUR).timeout(20 * HOUR);
    let outcome = group.run(async |scope: Scope<&str>| {
        for n in 1..=3_u32 {
            let (alive, inner) = (alive.clone(), scope.clone());
            let child = scope.spawn(async move {
                let cleanup = {
                    let alive = alive.clone();
                    async move {
                        sleep(HOUR / 2).await;
                        drop(alive);
                    }
                };
                inner.on_cancel(sleep(HOUR * n), cleanup).await;
                let held = alive.clone();
                let shielded = inner.shield(async move {
                    sleep(HOUR).await;
                    held
                });
                drop(shielded.await);
                Ok(alive)
            });
            drop(child.await);
        }
        let inner = TaskGroup::new().run(async |scope: Scope<&str>| {
            let held = alive.clone();
            let child = scope.spawn(async move {
                sleep(HOUR).await;
                Ok(held)
            });
            let failing = scope.spawn(async {
                sleep(2 * HOUR).await;
                Err::<(), _>("on purpose")
            });
            drop(child.await.await);
            assert!(failing.await.await.is_err());
            pending::<Result<(), _>>().await
        });
        assert!(inner.await.is_err());
        Ok(alive.clone())
    });
    drop(outcome.await.expect("no failure"));
}

async fn timeouts(alive: Alive) {
    let held = alive.clone();
    let slow = async move {
        sleep(2 * HOUR).await;
        drop(held);
    };
    assert!(timeout(HOUR, slow).await.is_err());
    let task = heist::spawn(async move {
        sleep(HOUR).await;
        alive
    });
    let quick = timeout(2 * HOUR, timeout(3 * HOUR, task)).await;
    drop(quick.expect("in time").expect("in time").expect("no panic"));
}

async fn intervals(alive: Alive) {
    let mut ticks = interval(HOUR);
    for _ in 0..5 {
        ticks.tick().await;
    }
    ticks.reset_after(2 * HOUR);
    ticks.tick().await;
    drop(alive);
}

/// A set that outlives the futures of `join_next`: each is dropped after one poll, and no output is lost.
async fn no_output_is_lost() {
    let mut set: JoinSet<u32> = JoinSet::new();
    for n in 0..50_u32 {
        set.spawn(async move {
            sleep(HOUR * (n / 5)).await;
            n
        });
    }
    let mut sum = 0;
    while !set.is_empty() {
        let mut joined = None;
        let came = dropped_after(1, async { joined = set.join_next().await }).await;
        assert_eq!(came, joined.is_some());
        sum += joined.map_or(0, |output| output.expect("no panic"));
        sleep(HOUR / 7).await;
    }
    assert_eq!(sum, (0..50).sum());
}

/// An interval that outlives the futures of `tick`: each tick comes once.
async fn no_tick_is_lost() {
    let start = Instant::now();
    let mut ticks = interval(HOUR);
    let mut due = Vec::new();
    while due.len() < 10 {
        let mut tick = None;
        let came = dropped_after(1, async { tick = Some(ticks.tick().await) }).await;
        assert_eq!(came, tick.is_some());
        due.extend(tick);
        sleep(HOUR / 7).await;
    }
    let expected: Vec<_> = (0..10).map(|n| start + HOUR * n).collect();
    assert_eq!(due, expected);
}

async fn everything() -> [usize; 4] {
    no_output_is_lost().await;
    no_tick_is_lost().await;
    [
        at_every_await("JoinSet", join_set).await,
        at_every_await("TaskGroup", task_group).await,
        at_every_await("timeout", timeouts).await,
        at_every_await("interval", intervals).await,
    ]
}

/// Bytes on the heap now.
fn heap() -> isize {
    let stats = ALLOCATOR.stats();
    let live = stats.bytes_allocated - stats.bytes_deallocated;
    isize::try_from(live).expect("a heap of less than half of the address space")
}

#[test]
fn dropping_at_any_await_leaves_no_task_no_value_and_no_byte() {
    deadline(|| {
        let current = Builder::new_current_thread().start_paused(true).build();
        let mut multi = Builder::new_multi_thread();
        let multi = multi.worker_threads(2).start_paused(true).build();
        // On one thread each round is the same to the byte. Several workers share out what they keep (cells,
        // queues) in ever new ways: there a round must come that adds nothing. A leak adds to each.
        for (runtime, rounds) in [(current, 1), (multi, 50)] {
            let runtime = runtime.expect("a runtime");
            for _ in 0..3 {
                runtime.block_on(everything());
            }
            let mut added = Vec::new();
            for _ in 0..rounds {
                let before = heap();
                let awaits = runtime.block_on(everything());
                assert!(awaits.iter().all(|&count| count >= 3), "{awaits:?}");
                added.push(heap() - before);
                if added.last().is_some_and(|&bytes| bytes <= 0) {
                    break;
                }
            }
            let last = added.last().is_some_and(|&bytes| bytes <= 0);
            assert!(last, "bytes that each round left on the heap: {added:?}");
            println!("await points; bytes by round: {added:?}");
        }
    });
}
