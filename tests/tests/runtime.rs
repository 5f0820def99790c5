//! Tasks, joins, aborts, panics, shutdown: the public API of `heist::runtime` and `heist::task`.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::runtime::{Builder, Handle, Runtime};
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
        heist::spawn(async move { chain(depth - 1, done) });
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
fn bad_builder_input_is_an_error_that_says_so() {
    let mut builder = Builder::new_multi_thread();
    let error = builder.worker_threads(0).build().expect_err("0 workers");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("worker_threads"), "{error}");
    let mut builder = Builder::new_multi_thread();
    let error = builder
        .max_blocking_threads(0)
        .build()
        .expect_err("0 threads");
    assert!(
        error.to_string().contains("max_blocking_threads"),
        "{error}"
    );
}

#[test]
fn a_worker_that_cannot_be_started_makes_build_fail() {
    deadline(|| {
        let error = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(1 << 50)
            .build()
            .expect_err("no system has a stack of 1 PiB");
        assert!(error.to_string().contains("worker thread"), "{error}");
    });
}

#[test]
fn hooks_run_on_every_thread() {
    deadline(|| {
        let counts: Arc<[AtomicUsize; 4]> = Arc::default();
        let count = |index: usize| {
            let counts = counts.clone();
            move || {
                counts[index].fetch_add(1, Ordering::SeqCst);
            }
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .on_thread_start(count(0))
            .on_thread_stop(count(1))
            .on_thread_park(count(2))
            .on_thread_unpark(count(3))
            .build()
            .expect("builds");
        runtime.block_on(async { heist::task::spawn_blocking(|| ()).await.expect("runs") });
        drop(runtime);
        let seen = |index: usize| counts[index].load(Ordering::SeqCst);
        assert_eq!((seen(0), seen(1)), (3, 3));
        assert!(seen(2) > 0);
        assert_eq!(seen(2), seen(3));
    });
}

#[test]
fn a_start_hook_that_panics_on_a_blocking_thread_cancels_the_job() {
    deadline(|| {
        let starts = AtomicUsize::new(0);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .on_thread_start(move || {
                let start = starts.fetch_add(1, Ordering::SeqCst);
                assert_ne!(start, 1, "the second thread, the blocking one, dies here");
            })
            .build()
            .expect("builds");
        runtime.block_on(async {
            while heist::task::spawn_blocking(|| 1).await.is_err() {
                // The first job dies with its thread; a later one gets a new thread.
            }
        });
    });
}

#[test]
fn dropping_the_runtime_cancels_what_is_left() {
    deadline(|| {
        let held = Arc::new(());
        let runtime = multi(2);
        let handles: Vec<_> = (0..1000)
            .map(|_| {
                let inside = held.clone();
                runtime.spawn(async move {
                    let _inside = inside;
                    pending::<()>().await;
                })
            })
            .collect();
        drop(runtime);
        assert_eq!(Arc::strong_count(&held), 1);
        let other = multi(1);
        for handle in handles {
            assert!(
                other
                    .block_on(handle)
                    .expect_err("shut down")
                    .is_cancelled()
            );
        }
    });
}

#[test]
fn spawning_after_shutdown_gives_a_cancelled_task() {
    deadline(|| {
        let runtime = multi(2);
        let handle = runtime.handle().clone();
        drop(runtime);
        let task = handle.spawn(async {});
        let job = handle.spawn_blocking(|| ());
        let other = multi(1);
        assert!(other.block_on(task).expect_err("refused").is_cancelled());
        assert!(other.block_on(job).expect_err("refused").is_cancelled());
    });
}

#[test]
fn shutdown_timeout_returns_while_a_task_is_stuck() {
    deadline(|| {
        let runtime = multi(2);
        let (stuck, is_stuck) = std::sync::mpsc::channel::<()>();
        let (release, released) = std::sync::mpsc::channel::<()>();
        runtime.spawn(async move {
            stuck.send(()).expect("the test waits");
            let _ = released.recv();
        });
        is_stuck.recv().expect("the task runs");
        runtime.shutdown_timeout(Duration::from_millis(20));
        release
            .send(())
            .expect("the task is still stuck, as it was never killed");
    });
}

#[test]
fn a_runtime_can_be_dropped_inside_its_own_task_and_job() {
    deadline(|| {
        let runtime = multi(2);
        let (send, receive) = std::sync::mpsc::channel();
        let handle = runtime.handle().clone();
        let cell = Arc::new(std::sync::Mutex::new(Some(runtime)));
        let inside = cell.clone();
        handle.spawn(async move {
            drop(inside.lock().expect("not poisoned").take());
            send.send(()).expect("the test waits");
        });
        receive.recv().expect("the drop returned");

        let runtime = Arc::new(std::sync::Mutex::new(Some(multi(2))));
        let inside = runtime.clone();
        let (send, receive) = std::sync::mpsc::channel();
        let handle = runtime
            .lock()
            .expect("not poisoned")
            .as_ref()
            .map(|r| r.handle().clone());
        handle.expect("just built").spawn_blocking(move || {
            drop(inside.lock().expect("not poisoned").take());
            send.send(()).expect("the test waits");
        });
        receive.recv().expect("the drop returned");
    });
}

#[test]
fn several_runtimes_live_side_by_side() {
    deadline(|| {
        let (a, b) = (multi(1), multi(1));
        let from_b = b.handle().clone();
        let sum = a.block_on(async move {
            let here = heist::spawn(async { 1 });
            let there = from_b.spawn(async { 2 });
            here.await.expect("runs") + there.await.expect("runs")
        });
        assert_eq!(sum, 3);
    });
}

#[test]
fn an_entered_runtime_is_current_until_the_guard_goes() {
    deadline(|| {
        let runtime = Runtime::new().expect("builds");
        {
            let _entered = runtime.enter();
            let task = heist::spawn(async { 1 });
            assert_eq!(runtime.block_on(task).expect("runs"), 1);
        }
        assert!(Handle::try_current().is_err());
    });
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
        let runtime = multi(2);
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
        let parks: u64 = (0..2).map(|worker| metrics.worker_park_count(worker)).sum();
        assert!(parks > 0);
    });
}
