//! The runtime without worker threads, several runtimes side by side, and what a panic may do.

use heist::runtime::{Builder, Handle, Runtime, RuntimeFlavor, UnhandledPanic};
use heist::sync::{Barrier, oneshot};
use heist::task::{block_in_place, spawn_blocking, yield_now};
use heist::time::{Duration, sleep};
use heist_tests::{deadline, multi};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

fn current_thread() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// The message of the panic of `f`.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("panics");
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .expect("a message")
}

#[test]
fn tasks_run_on_the_thread_that_blocks_on_and_on_no_other() {
    deadline(|| {
        let runtime = current_thread();
        let flavor = runtime.handle().runtime_flavor();
        assert_eq!(flavor, RuntimeFlavor::CurrentThread);
        let ran = Arc::new(AtomicU32::new(0));
        let counted = ran.clone();
        let before = runtime.spawn(async move {
            counted.fetch_add(1, Relaxed);
            thread::current().id()
        });
        thread::yield_now();
        assert_eq!(ran.load(Relaxed), 0, "nobody is in block_on");
        let here = thread::current().id();
        assert_eq!(runtime.block_on(before).expect("no panic"), here);
        let nested = runtime.block_on(async {
            let nested = heist::spawn(async {
                let inner = heist::spawn(async { thread::current().id() });
                sleep(Duration::from_millis(1)).await;
                inner.await.expect("no panic")
            });
            nested.await.expect("no panic")
        });
        assert_eq!(nested, here);
    });
}

#[test]
fn a_root_that_is_always_ready_lets_tasks_sockets_and_timers_go_on() {
    deadline(|| {
        current_thread().block_on(async {
            let timer = heist::spawn(sleep(Duration::from_millis(2)));
            let task = heist::spawn(async {
                for _ in 0..10 {
                    yield_now().await;
                }
            });
            while !(timer.is_finished() && task.is_finished()) {
                yield_now().await;
            }
        });
    });
}

#[test]
fn a_wake_from_another_thread_ends_the_wait() {
    deadline(|| {
        let runtime = current_thread();
        for _ in 0..200 {
            let (send, receive) = oneshot::channel();
            let other = thread::spawn(move || send.send(1).expect("waited for"));
            assert_eq!(runtime.block_on(receive), Ok(1));
            let (send, receive) = oneshot::channel();
            let task = runtime.spawn(receive);
            let third = thread::spawn(move || send.send(2).expect("waited for"));
            let received = runtime.block_on(task).expect("no panic");
            assert_eq!(received, Ok(2));
            other.join().expect("no panic");
            third.join().expect("no panic");
        }
    });
}

#[test]
fn whoever_waits_goes_on_serving_when_the_first_one_leaves() {
    deadline(|| {
        let runtime = Arc::new(current_thread());
        let gate = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..4_u64)
            .map(|n| {
                let (runtime, gate) = (runtime.clone(), gate.clone());
                thread::spawn(move || {
                    runtime.block_on(async move {
                        gate.wait().await;
                        // Each needs tasks and timers, and leaves at another time.
                        let task = heist::spawn(async move {
                            sleep(Duration::from_millis(n * 3)).await;
                            n
                        });
                        task.await.expect("no panic")
                    })
                })
            })
            .collect();
        for (n, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().expect("no panic"), n as u64);
        }
    });
}

#[test]
fn blocking_jobs_have_threads_and_blocking_in_place_is_refused() {
    deadline(|| {
        let runtime = current_thread();
        let here = thread::current().id();
        let job = runtime.block_on(async { spawn_blocking(|| thread::current().id()).await });
        assert_ne!(job.expect("no panic"), here);
        let refused = runtime.block_on(async {
            let task = heist::spawn(async { panic_of(|| block_in_place(|| ())) });
            task.await.expect("caught")
        });
        assert!(refused.contains("current-thread runtime"), "{refused}");
        // And the seat is still in order.
        assert_eq!(runtime.block_on(async { 1 }), 1);
        assert_eq!(
            runtime.block_on(runtime.spawn(async { 2 })).expect("ran"),
            2
        );
    });
}

#[test]
fn a_panic_in_block_on_leaves_the_runtime_in_order() {
    deadline(|| {
        let runtime = current_thread();
        let task = runtime.spawn(async { 3 });
        assert_eq!(
            panic_of(|| runtime.block_on(async { panic!("mine") })),
            "mine"
        );
        assert_eq!(runtime.block_on(task).expect("ran"), 3);
    });
}

#[test]
fn dropping_it_cancels_what_never_ran() {
    deadline(|| {
        let (send, receive) = oneshot::channel::<()>();
        let runtime = current_thread();
        drop(runtime.spawn(async move {
            pending::<()>().await;
            drop(send);
        }));
        drop(runtime);
        assert!(multi(1).block_on(receive).is_err());
    });
}

#[test]
fn several_runtimes_side_by_side_use_each_other() {
    deadline(|| {
        let runtimes = [current_thread(), multi(1), multi(2)];
        let handles: Vec<Handle> = runtimes.iter().map(|it| it.handle().clone()).collect();
        let sum = runtimes[0].block_on(async {
            let mut sum = 0;
            for (n, handle) in handles[1..].iter().enumerate() {
                let task = handle.spawn(async move {
                    sleep(Duration::from_millis(1)).await;
                    n + 1
                });
                sum += task.await.expect("no panic");
                let _entered = handle.enter();
                let job = spawn_blocking(move || Handle::current().block_on(async move { n + 10 }));
                drop(_entered);
                sum += job.await.expect("no panic");
            }
            sum
        });
        assert_eq!(sum, 1 + 2 + 10 + 11);
    });
}

/// Drops `runtime` in each of the places that must not wait for themselves.
#[test]
fn a_runtime_may_be_dropped_anywhere() {
    type Make = fn() -> Runtime;
    deadline(|| {
        for make in [current_thread as Make, || multi(1), || multi(3)] {
            dropped_in_its_own_task(make());
            dropped_in_its_own_blocking_job(make());
            dropped_in_a_task_of(&multi(2), make());
            dropped_in_a_task_of(&current_thread(), make());
            dropped_in_its_own_root(make());
        }
    });
}

/// Ends when everything of the runtime is gone: the witness is dropped with its last task.
fn gone(witness: &Arc<()>) {
    while Arc::strong_count(witness) > 1 {
        thread::yield_now();
    }
}

fn occupied(runtime: &Runtime) -> Arc<()> {
    let witness = Arc::new(());
    for _ in 0..5 {
        let witness = witness.clone();
        drop(runtime.spawn(async move {
            pending::<()>().await;
            drop(witness);
        }));
    }
    witness
}

fn dropped_in_its_own_task(runtime: Runtime) {
    let (witness, handle) = (occupied(&runtime), runtime.handle().clone());
    let (send, receive) = std::sync::mpsc::channel();
    drop(handle.spawn(async move {
        drop(runtime);
        send.send(()).expect("waited for");
        pending::<()>().await;
    }));
    if handle.runtime_flavor() == RuntimeFlavor::CurrentThread {
        // Somebody has to serve; the root ends by itself.
        handle.block_on(async {
            while receive.try_recv().is_err() {
                yield_now().await;
            }
        });
    } else {
        receive.recv().expect("the drop returns");
    }
    gone(&witness);
}

fn dropped_in_its_own_blocking_job(runtime: Runtime) {
    let (witness, handle) = (occupied(&runtime), runtime.handle().clone());
    let (send, receive) = std::sync::mpsc::channel();
    drop(handle.spawn_blocking(move || {
        drop(runtime);
        send.send(()).expect("waited for");
    }));
    receive.recv().expect("the drop returns");
    gone(&witness);
}

fn dropped_in_a_task_of(other: &Runtime, runtime: Runtime) {
    let witness = occupied(&runtime);
    let task = other.spawn(async move { drop(runtime) });
    other.block_on(task).expect("no panic");
    gone(&witness);
}

fn dropped_in_its_own_root(runtime: Runtime) {
    let (witness, handle) = (occupied(&runtime), runtime.handle().clone());
    handle.block_on(async move { drop(runtime) });
    gone(&witness);
}

#[test]
fn a_panic_shuts_the_runtime_down_if_asked_for_and_is_told_to_every_root() {
    deadline(|| {
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let builder = builder.unhandled_panic(UnhandledPanic::ShutdownRuntime);
            let runtime = builder.worker_threads(2).build().expect("a runtime");
            let witness = occupied(&runtime);
            let message = panic_of(|| {
                runtime.block_on(async {
                    drop(heist::spawn(async { panic!("on purpose") }));
                    pending::<()>().await;
                });
            });
            assert!(message.contains("on purpose"), "{message}");
            assert!(message.contains("shut down"), "{message}");
            drop(runtime);
            gone(&witness);
        }
    });
}

#[test]
fn a_panic_is_the_join_handles_affair_by_default() {
    deadline(|| {
        for runtime in [current_thread(), multi(2)] {
            let task = runtime.spawn(async { panic!("on purpose") });
            let error = runtime.block_on(task).expect_err("panicked");
            assert!(error.is_panic());
            assert_eq!(runtime.block_on(async { 1 }), 1);
        }
    });
}

/// Each stay is too short for a turn to end: the driver has its turn all the same.
#[test]
fn a_thread_that_comes_and_goes_keeps_timers_going() {
    deadline(|| {
        let runtime = current_thread();
        let timer = runtime.spawn(async { sleep(Duration::from_millis(5)).await });
        while !timer.is_finished() {
            runtime.block_on(yield_now());
        }
    });
}

#[test]
fn what_each_block_on_has_worked_is_counted() {
    deadline(|| {
        let runtime = current_thread();
        let length = Duration::from_millis(5);
        for _ in 0..4 {
            let work = runtime.spawn(async move { thread::sleep(length) });
            runtime.block_on(work).expect("no panic");
        }
        let busy = runtime.metrics().worker_total_busy_duration(0);
        assert!(busy >= 4 * length, "{busy:?} of 4 times {length:?}");
    });
}
