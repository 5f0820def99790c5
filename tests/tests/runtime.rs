//! Tasks, joins, aborts, panics, blocking jobs, counters: `heist::task` and the figures.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::runtime::{Builder, Handle};
use heist::task::yield_now;
use heist_tests::{deadline, multi};

#[test]
fn a_spawned_task_returns_its_output() {
    deadline(|| {
        let runtime = multi(2);
        let output = runtime.block_on(async { heist::spawn(async { 7 }).await });
        assert_eq!(output.expect("the task does not fail"), 7);
    });
}

#[test]
fn every_one_of_many_tasks_is_joined_or_aborted() {
    const TASKS: usize = 100_000;
    deadline(|| {
        let runtime = multi(2);
        let finished = Arc::new(AtomicUsize::new(0));
        let (done, cancelled) = runtime.block_on({
            let finished = finished.clone();
            async move {
                let spawn_one = |n: usize| {
                    let finished = finished.clone();
                    heist::spawn(async move {
                        for _ in 0..n % 4 {
                            yield_now().await;
                        }
                        finished.fetch_add(1, Ordering::Relaxed);
                        n
                    })
                };
                let handles: Vec<_> = (0..TASKS).map(spawn_one).collect();
                handles.iter().step_by(2).for_each(|handle| handle.abort());
                let (mut done, mut cancelled) = (0, 0);
                for (n, handle) in handles.into_iter().enumerate() {
                    match handle.await {
                        Ok(output) => {
                            assert_eq!(output, n);
                            done += 1;
                        }
                        Err(error) => {
                            assert!(error.is_cancelled());
                            assert_eq!(n % 2, 0, "only even ones were aborted");
                            cancelled += 1;
                        }
                    }
                }
                (done, cancelled)
            }
        });
        assert_eq!(done + cancelled, TASKS);
        assert_eq!(done, finished.load(Ordering::Relaxed));
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    });
}

#[test]
fn tasks_spawn_tasks_to_any_depth() {
    fn chain(depth: usize, done: heist::sync::oneshot::Sender<usize>) {
        if depth == 0 {
            let _ = done.send(0);
            return;
        }
        let _task = heist::spawn(async move { chain(depth - 1, done) });
    }
    deadline(|| {
        multi(2).block_on(async {
            let (done, wait) = heist::sync::oneshot::channel();
            chain(100_000, done);
            assert_eq!(wait.await, Ok(0));
        });
    });
}

#[test]
fn a_panic_ends_its_task_and_nothing_else() {
    deadline(|| {
        let runtime = multi(2);
        runtime.block_on(async {
            let error = heist::spawn(async {
                let number = Handle::current().metrics().num_workers() - 1;
                panic!("boom {number}")
            })
            .await;
            let error = error.expect_err("the task panicked");
            assert!(error.is_panic());
            assert!(error.to_string().contains("boom 1"), "{error}");
            let payload = error.into_panic();
            assert_eq!(
                payload.downcast_ref::<String>().map(String::as_str),
                Some("boom 1")
            );
            assert_eq!(heist::spawn(async { 1 }).await.expect("workers live"), 1);
        });
    });
}

/// Panics when dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

#[test]
fn panics_in_drops_are_caught() {
    deadline(|| {
        let runtime = multi(2);
        runtime.block_on(async {
            let in_future = heist::spawn(async {
                let _bomb = Bomb("future");
                pending::<()>().await;
            });
            in_future.abort();
            let error = in_future.await.expect_err("aborted");
            assert!(error.is_panic() || error.is_cancelled());

            let in_output = heist::spawn(async { Bomb("output") });
            while !in_output.is_finished() {
                yield_now().await;
            }
            drop(in_output);

            let detached = heist::spawn(async {
                yield_now().await;
                Bomb("detached output")
            });
            drop(detached);
            for _ in 0..100 {
                assert_eq!(heist::spawn(async { 1 }).await.expect("workers live"), 1);
            }
        });
    });
}

#[test]
fn aborting_drops_the_future() {
    deadline(|| {
        let runtime = multi(2);
        runtime.block_on(async {
            let held = Arc::new(());
            let inside = held.clone();
            let task = heist::spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            });
            let abort = task.abort_handle();
            abort.abort();
            assert!(task.await.expect_err("aborted").is_cancelled());
            assert!(abort.is_finished());
            assert_eq!(Arc::strong_count(&held), 1);
        });
    });
}

#[test]
fn tasks_can_be_listed_with_name_and_place() {
    deadline(|| {
        let runtime = multi(2);
        runtime.block_on(async {
            let builder = heist::task::Builder::new().name("sleeper");
            let task = builder.spawn(pending::<()>()).expect("spawns");
            let line = line!() - 1;
            let tasks = Handle::current().tasks();
            let found = tasks.iter().find(|info| info.id == task.id());
            let found = found.expect("a live task is listed");
            assert_eq!(found.name.as_deref(), Some("sleeper"));
            assert_eq!(found.spawned_at.file(), file!());
            assert_eq!(found.spawned_at.line(), line);
            task.abort();
            let _ = task.await;
            assert!(Handle::current().tasks().is_empty());
        });
    });
}

#[test]
fn blocking_jobs_run_beside_the_workers() {
    deadline(|| {
        let runtime = multi(1);
        runtime.block_on(async {
            let (send, receive) = std::sync::mpsc::channel();
            let waiting = heist::task::spawn_blocking(move || receive.recv());
            heist::spawn(async move { send.send(5) })
                .await
                .expect("runs on the only worker")
                .expect("the job receives");
            assert_eq!(waiting.await.expect("no panic"), Ok(5));
        });
    });
}

#[test]
fn the_blocking_pool_keeps_its_limit_and_loses_no_job() {
    deadline(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(3)
            .thread_keep_alive(Duration::from_millis(1))
            .build()
            .expect("builds");
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            for _ in 0..50 {
                let job = || {
                    let (running, most) = (running.clone(), most.clone());
                    heist::task::spawn_blocking(move || {
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        1
                    })
                };
                let jobs: Vec<_> = (0..20).map(|_| job()).collect();
                let mut sum = 0;
                for job in jobs {
                    sum += job.await.expect("no job is lost");
                }
                assert_eq!(sum, 20);
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 3);
        while runtime.metrics().num_blocking_threads() > 0 {
            std::thread::yield_now(); // Idle threads leave; the deadline guard bounds the wait.
        }
    });
}

#[test]
fn a_blocking_job_can_spawn_and_block_on() {
    deadline(|| {
        multi(1).block_on(async {
            let job = heist::task::spawn_blocking(|| {
                let handle = Handle::current();
                handle.block_on(async { heist::spawn(async { 3 }).await })
            });
            assert_eq!(job.await.expect("no panic").expect("no panic"), 3);
        });
    });
}

#[test]
fn block_on_inside_a_task_panics_with_the_remedy() {
    deadline(|| {
        let runtime = multi(2);
        let error = runtime.block_on(async {
            let task = heist::spawn(async { Handle::current().block_on(async {}) });
            task.await.expect_err("it must panic")
        });
        assert!(error.to_string().contains("spawn_blocking"), "{error}");
    });
}

#[test]
fn spawning_outside_a_runtime_panics_with_the_remedy() {
    let panic = std::panic::catch_unwind(|| heist::spawn(async {})).expect_err("no runtime here");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains("Runtime::enter"), "{message}");
    assert!(Handle::try_current().is_err());
}

#[test]
fn wakes_from_foreign_threads_are_not_lost() {
    deadline(|| {
        let runtime = multi(2);
        for _ in 0..2_000 {
            let (send, receive) = heist::sync::oneshot::channel();
            let task = runtime.spawn(receive);
            let thread = std::thread::spawn(move || send.send(9));
            assert_eq!(runtime.block_on(task).expect("runs"), Ok(9));
            let _ = thread.join();
        }
    });
}

#[test]
fn the_counters_count() {
    deadline(|| {
        // A spare worker, which a slow machine may call for, would count polls of its own.
        let runtime = heist::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_spare_workers(0)
            .build()
            .expect("builds");
        runtime.block_on(async {
            for _ in 0..100 {
                heist::spawn(yield_now()).await.expect("runs");
            }
        });
        let metrics = runtime.metrics();
        let polls: u64 = (0..metrics.num_workers())
            .map(|worker| metrics.worker_poll_count(worker))
            .sum();
        assert!(polls >= 200, "{polls}");
        // With nothing left to do they park, sooner or later.
        let parks = || -> u64 { (0..2).map(|worker| metrics.worker_park_count(worker)).sum() };
        while parks() == 0 {
            std::thread::yield_now();
        }
    });
}

#[test]
fn a_worker_waits_awake_only_if_it_may() {
    // Messages from a thread that waits, awake, for each answer; how many of the waits in between, in so
    // many rounds or until there was one, were awake.
    let busy_waits = |limit: Option<Duration>, rounds: usize| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).enable_all();
        if let Some(limit) = limit {
            builder.max_busy_wait(limit);
        }
        let runtime = builder.build().expect("builds");
        let metrics = runtime.metrics();
        let (sender, mut receiver) = heist::sync::mpsc::unbounded_channel();
        let (answer, answers) = std::sync::mpsc::channel();
        let server = runtime.spawn(async move {
            while let Some(message) = receiver.recv().await {
                answer.send(message).expect("is waited for");
            }
        });
        for message in 0..rounds {
            sender.send(message).expect("is served");
            while answers.try_recv() != Ok(message) {
                std::thread::yield_now();
            }
            if metrics.driver_busy_wait_count() > 0 {
                break;
            }
        }
        drop(sender);
        runtime.block_on(server).expect("does not panic");
        metrics.driver_busy_wait_count()
    };
    deadline(move || {
        assert_eq!(busy_waits(Some(Duration::ZERO), 1000), 0);
        // Elsewhere nobody can say what it costs to block.
        if cfg!(any(
            target_os = "linux",
            target_os = "android",
            target_vendor = "apple"
        )) {
            assert_ne!(busy_waits(None, usize::MAX), 0);
        }
    });
}

#[test]
fn the_budget_is_set_per_runtime_and_lifted_per_future() {
    deadline(|| {
        let runtime = heist::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .budget_per_poll(3)
            .build()
            .expect("builds");
        let task = runtime.spawn(async {
            let mut polls = 0;
            let mut counted = std::pin::pin!(async {
                for _ in 0..10 {
                    heist::task::consume_budget().await;
                }
            });
            std::future::poll_fn(|cx| {
                polls += 1;
                counted.as_mut().poll(cx)
            })
            .await;
            let mut free_polls = 0;
            let mut free = std::pin::pin!(heist::task::unconstrained(async {
                for _ in 0..10 {
                    heist::task::consume_budget().await;
                }
            }));
            std::future::poll_fn(|cx| {
                free_polls += 1;
                free.as_mut().poll(cx)
            })
            .await;
            (polls, free_polls)
        });
        assert_eq!(runtime.block_on(task).expect("ends"), (4, 1));
        assert!(heist::task::coop::has_budget_remaining());
    });
}

#[test]
fn the_histograms_and_busy_times_tell_of_long_polls() {
    deadline(|| {
        // Without the watchdog: a spare worker would take some of the polls.
        let runtime = heist::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .watchdog(false)
            .build()
            .expect("builds");
        let metrics = runtime.metrics();
        let range = metrics.poll_time_histogram_bucket_range(10);
        assert_eq!(
            range,
            Duration::from_micros(512)..Duration::from_micros(1024)
        );
        let task = runtime.spawn(async {
            for _ in 0..200 {
                std::thread::sleep(Duration::from_micros(1100)); // A poll of more than a millisecond.
                heist::task::yield_now().await;
            }
        });
        runtime.block_on(task).expect("ends");
        let buckets = 0..metrics.poll_time_histogram_num_buckets();
        let start = |bucket: usize| metrics.poll_time_histogram_bucket_range(bucket).start;
        let long = buckets.filter(|&bucket| start(bucket) >= Duration::from_millis(1));
        let polls = |bucket| metrics.poll_time_histogram_bucket_count(0, bucket);
        let polls: u64 = long.clone().map(polls).sum();
        assert!(polls >= 100, "of 200 long polls {polls} are counted");
        let waits = |bucket| metrics.schedule_latency_histogram_bucket_count(0, bucket);
        let waits: u64 = long.map(waits).sum();
        assert!(waits >= 100, "of 200 turns {waits} were long");
        while metrics.worker_total_busy_duration(0) < Duration::from_millis(200) {
            std::thread::yield_now(); // It is counted when the worker goes to sleep.
        }
    });
}
