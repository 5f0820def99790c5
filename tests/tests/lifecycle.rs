//! Building, hooks and shutting down: the life of a `heist::runtime::Runtime`.

use std::future::pending;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use heist::runtime::{Builder, Handle, Runtime};
use heist_tests::{deadline, multi};

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
        let seen = |index: usize| counts[index].load(Ordering::SeqCst);
        runtime.block_on(async { heist::task::spawn_blocking(|| ()).await.expect("runs") });
        while seen(2) == 0 {
            // A worker with nothing to do parks, when the machine lets it get that far.
            std::thread::yield_now();
        }
        drop(runtime);
        while seen(1) < 3 {
            // The blocking thread may be on its last steps still.
            std::thread::yield_now();
        }
        assert_eq!((seen(0), seen(1)), (3, 3));
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
        let _task = runtime.spawn(async move {
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
        let _task = handle.spawn(async move {
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
        let _task = handle.expect("just built").spawn_blocking(move || {
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

/// Says, when it is dropped, whether there was a runtime around it.
struct Asks(mpsc::Sender<bool>);

impl Drop for Asks {
    fn drop(&mut self) {
        let _ = self.0.send(Handle::try_current().is_ok());
    }
}

#[test]
fn tasks_that_a_shutdown_drops_find_their_runtime() {
    deadline(|| {
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let runtime = builder.build().expect("builds");
            let (answers, answer) = mpsc::channel();
            let idle = Asks(answers.clone());
            let _idle = runtime.spawn(async move {
                let _idle = idle;
                pending::<()>().await;
            });
            runtime.block_on(async { heist::task::yield_now().await });
            let queued = Asks(answers);
            let _queued = runtime.spawn(async move { drop(queued) });
            drop(runtime);
            assert_eq!(answer.iter().collect::<Vec<_>>(), [true, true]);
        }
    });
}

#[test]
fn guards_that_are_dropped_out_of_order_are_found() {
    deadline(|| {
        let (first, second) = (multi(1), multi(1));
        let outer = first.enter();
        let inner = second.enter();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(outer)));
        let message = dropped.expect_err("the inner one is there");
        let message = message.downcast_ref::<&str>().expect("a text");
        assert!(message.contains("out of order"), "{message}");
        drop(inner);
    });
}

#[test]
fn a_runtime_can_be_shut_down_inside_its_own_guard() {
    deadline(|| {
        {
            let runtime = multi(1);
            let _inside = runtime.enter();
            runtime.shutdown_background();
            assert!(Handle::try_current().is_ok());
        }
        assert!(Handle::try_current().is_err());
    });
}

#[test]
fn what_a_panic_passes_by_stays_usable() {
    fn check<T: UnwindSafe + RefUnwindSafe>() {}
    check::<Runtime>();
    check::<Handle>();
    check::<heist::task::JoinHandle<()>>();
    check::<heist::time::Sleep>();
    check::<heist::net::TcpListener>();
    check::<heist::net::TcpStream>();
    check::<heist::net::UdpSocket>();
}
