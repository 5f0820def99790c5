//! The order in which a runtime without threads does things. Tests are written for it, most of them
//! without knowing: what these programs see is what they see on tokio's current-thread runtime.

use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use heist::runtime::{Builder, Runtime};
use heist::sync::{Notify, mpsc};
use heist::task::{JoinSet, LocalSet, spawn_local, yield_now};
use heist::time::{Duration, Instant, sleep_until};
use heist_tests::deadline;

fn current_thread() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// What happened, in words.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, word: impl ToString) {
        self.0.lock().expect("no panic").push(word.to_string());
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("no panic")).join(" ")
    }
}

/// Runs a root on a runtime of its own; what it and its tasks logged until it ended.
fn logged<F: Future>(root: impl FnOnce(Log) -> F + Send + 'static) -> String {
    let log = Log::default();
    let of_root = log.clone();
    deadline(move || drop(current_thread().block_on(root(of_root))));
    log.take()
}

fn say(log: &Log, word: impl ToString + Send + 'static) -> heist::task::JoinHandle<()> {
    let log = log.clone();
    heist::spawn(async move { log.add(word) })
}

#[test]
fn tasks_run_in_the_order_in_which_they_were_spawned() {
    let seen = logged(|log| async move {
        let tasks: Vec<_> = (0..6).map(|task| say(&log, task)).collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    assert_eq!(seen, "0 1 2 3 4 5");
}

#[test]
fn what_a_root_has_spawned_runs_before_its_yield_ends_and_what_that_spawns_too() {
    let seen = logged(|log| async move {
        for task in ["a", "b"] {
            let log = log.clone();
            drop(heist::spawn(async move {
                log.add(task);
                drop(say(&log, task.to_owned() + "'s child"));
            }));
        }
        log.add("root");
        yield_now().await;
        log.add("again");
    });
    assert_eq!(seen, "root a b a's child b's child again");
}

#[test]
fn tasks_from_outside_come_after_those_of_the_root() {
    let log = Log::default();
    let of_root = log.clone();
    deadline(move || {
        let runtime = current_thread();
        for task in ["first", "second"] {
            let log = of_root.clone();
            drop(runtime.spawn(async move { log.add(task) }));
        }
        runtime.block_on(async {
            of_root.add("root");
            drop(say(&of_root, "third"));
            yield_now().await;
            of_root.add("again");
        });
    });
    assert_eq!(log.take(), "root third first second again");
}

#[test]
fn whoever_waits_is_there_after_one_yield() {
    let seen = logged(|log| async move {
        let bell = Arc::new(Notify::new());
        let listeners: Vec<_> = (0..4)
            .map(|listener| {
                let (log, bell) = (log.clone(), bell.clone());
                heist::spawn(async move {
                    bell.notified().await;
                    log.add(listener);
                })
            })
            .collect();
        yield_now().await;
        bell.notify_waiters();
        for listener in listeners {
            listener.await.expect("no panic");
        }
    });
    assert_eq!(seen, "0 1 2 3");
}

#[test]
fn a_root_that_is_woken_waits_until_all_that_is_ready_has_run() {
    let seen = logged(|log| async move {
        let tasks: Vec<_> = (0..3)
            .map(|task| {
                let log = log.clone();
                heist::spawn(async move {
                    log.add(task);
                    say(&log, "child").await.expect("no panic");
                    log.add("end");
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
            log.add("joined");
        }
    });
    assert_eq!(
        seen,
        "0 1 2 child child child end end end joined joined joined"
    );
}

#[test]
fn sender_and_receiver_alternate() {
    let seen = logged(|log| async move {
        let (sender, mut receiver) = mpsc::channel(1);
        let of_receiver = log.clone();
        let receives = heist::spawn(async move {
            while let Some(message) = receiver.recv().await {
                of_receiver.add(format!("-{message}"));
            }
        });
        for message in 0..4 {
            sender.send(message).await.expect("the receiver is there");
            log.add(format!("+{message}"));
        }
        drop(sender);
        receives.await.expect("no panic");
    });
    assert_eq!(seen, "+0 -0 +1 -1 +2 -2 +3 -3");
}

#[test]
fn a_join_set_gives_in_the_order_of_the_ends() {
    let seen = logged(|log| async move {
        let mut set = JoinSet::new();
        for task in 0..4 {
            let log = log.clone();
            set.spawn(async move { log.add(task) });
        }
        while let Some(joined) = set.join_next().await {
            joined.expect("no panic");
            log.add("joined");
        }
    });
    assert_eq!(seen, "0 1 2 3 joined joined joined joined");
}

#[test]
fn a_round_ends_after_61_polls() {
    deadline(|| {
        let ran = Arc::new(AtomicU32::new(0));
        let seen = current_thread().block_on(async {
            for _ in 0..200 {
                let ran = ran.clone();
                drop(heist::spawn(async move { ran.fetch_add(1, Relaxed) }));
            }
            let mut seen = Vec::new();
            for _ in 0..5 {
                yield_now().await;
                seen.push(ran.load(Relaxed));
            }
            seen
        });
        assert_eq!(seen, [61, 122, 183, 200, 200]);
    });
}

/// Also of one that wakes itself without `yield_now`, which is polled 61 times in a row on tokio.
#[test]
fn who_yields_is_polled_once_in_a_round() {
    deadline(|| {
        let polls = Arc::new(AtomicU32::new(0));
        let seen = current_thread().block_on(async {
            let yielding = polls.clone();
            drop(heist::spawn(async move {
                loop {
                    yielding.fetch_add(1, Relaxed);
                    yield_now().await;
                }
            }));
            let waking = polls.clone();
            drop(heist::spawn(poll_fn(move |cx| {
                waking.fetch_add(1, Relaxed);
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })));
            let mut seen = Vec::new();
            for _ in 0..4 {
                yield_now().await;
                seen.push(polls.load(Relaxed));
            }
            seen
        });
        assert_eq!(seen, [2, 4, 6, 8]);
    });
}

#[test]
fn tasks_go_on_in_the_next_block_on() {
    let log = Log::default();
    let of_tasks = log.clone();
    deadline(move || {
        let runtime = current_thread();
        let log = of_tasks.clone();
        runtime.block_on(async {
            for task in ["a", "b"] {
                let log = of_tasks.clone();
                drop(heist::spawn(async move {
                    log.add(task);
                    yield_now().await;
                    log.add(task);
                }));
            }
        });
        log.add("between");
        for _ in 0..2 {
            runtime.block_on(async {
                log.add("root");
                yield_now().await;
            });
        }
    });
    assert_eq!(log.take(), "between root a b root b a");
}

#[test]
fn local_tasks_run_before_the_yield_of_their_root_ends() {
    let seen = logged(|log| async move {
        let set = LocalSet::new();
        let root = async {
            let bell = Rc::new(Notify::new());
            for task in 0..3 {
                let (log, bell) = (log.clone(), bell.clone());
                drop(spawn_local(async move {
                    log.add(task);
                    drop(say(&log, "spawned"));
                    bell.notified().await;
                    log.add(task);
                }));
            }
            yield_now().await;
            bell.notify_waiters();
            yield_now().await;
            log.add("root");
        };
        set.run_until(root).await;
    });
    assert_eq!(seen, "0 1 2 spawned spawned spawned 0 1 2 root");
}

#[test]
fn sleepers_of_one_deadline_wake_in_the_order_in_which_they_fell_asleep() {
    let log = Log::default();
    let of_tasks = log.clone();
    deadline(move || {
        let mut builder = Builder::new_current_thread();
        let paused = builder.enable_all().start_paused(true).build();
        paused.expect("a runtime").block_on(async {
            let start = Instant::now();
            let sleepers: Vec<_> = (0..9)
                .map(|sleeper| {
                    let log = of_tasks.clone();
                    let until = start + Duration::from_secs(sleeper % 3);
                    heist::spawn(async move {
                        sleep_until(until).await;
                        log.add(sleeper);
                    })
                })
                .collect();
            for sleeper in sleepers {
                sleeper.await.expect("no panic");
            }
        });
    });
    assert_eq!(log.take(), "0 3 6 1 4 7 2 5 8");
}
