//! `block_in_place`: the worker goes on without the thread that blocks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use heist::net::TcpListener;
use heist::runtime::{Builder, Handle};
use heist::time::{sleep, timeout};
use heist_tests::{deadline, multi};

#[test]
fn block_in_place_leaves_the_worker_to_the_others() {
    deadline(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .watchdog(false)
            .build()
            .expect("builds");
        let total = runtime.block_on(async {
            let tasks: Vec<_> = (0..50_u64)
                .map(|n| {
                    heist::spawn(async move {
                        let (done, wait) = mpsc::channel();
                        let other = heist::spawn(async move {
                            sleep(Duration::from_millis(1)).await;
                            let _ = done.send(n);
                        });
                        let heard = heist::task::block_in_place(|| wait.recv()).expect("sent");
                        other.await.expect("ends");
                        heard
                    })
                })
                .collect();
            let mut total = 0;
            for task in tasks {
                total += task.await.expect("ends");
            }
            total
        });
        assert_eq!(total, 49 * 50 / 2);
    });
}

#[test]
fn block_in_place_allows_block_on_nesting_and_panics() {
    deadline(|| {
        let runtime = multi(1);
        runtime.block_on(async {
            let task = heist::spawn(async {
                let handle = Handle::current();
                let inner = heist::task::block_in_place(|| {
                    let slept = handle.block_on(async {
                        timeout(Duration::from_secs(60), sleep(Duration::from_millis(1))).await
                    });
                    slept.expect("the successor drives the timers");
                    heist::task::block_in_place(|| 3)
                });
                heist::task::yield_now().await;
                inner
            });
            assert_eq!(task.await.expect("ends"), 3);
            let panics = heist::spawn(async { heist::task::block_in_place(|| panic!("inside")) });
            assert!(panics.await.expect_err("panics").is_panic());
            heist::spawn(async {}).await.expect("the worker goes on");
        });
        assert_eq!(heist::task::block_in_place(|| 1), 1);
    });
}

#[test]
fn dropping_a_runtime_waits_for_block_in_place() {
    deadline(|| {
        let runtime = multi(1);
        let (begun, wait) = mpsc::channel();
        let (release, done) = mpsc::channel::<()>();
        let held = Arc::new(());
        let inside = held.clone();
        let _task = runtime.spawn(async move {
            heist::task::block_in_place(|| {
                let _ = begun.send(());
                let _ = done.recv();
            });
            drop(inside);
        });
        wait.recv().expect("begins");
        let releaser = std::thread::spawn(move || drop(release));
        drop(runtime);
        assert_eq!(Arc::strong_count(&held), 1);
        releaser.join().expect("joins");
    });
}

#[test]
fn a_shutdown_ends_what_block_in_place_waits_for() {
    deadline(|| {
        let runtime = multi(1);
        let (begun, wait) = mpsc::channel();
        let _task = runtime.spawn(async move {
            heist::task::block_in_place(|| {
                let handle = Handle::current();
                handle.block_on(async {
                    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
                    let _ = begun.send(());
                    assert!(listener.accept().await.is_err());
                });
            });
        });
        wait.recv().expect("begins");
        drop(runtime);
    });
}

#[test]
fn a_runtime_may_have_any_number_of_blocking_threads() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(usize::MAX)
        .build()
        .expect("builds");
    let task = runtime.spawn(async { heist::task::block_in_place(|| 3) });
    assert_eq!(runtime.block_on(task).expect("ends"), 3);
}

#[test]
fn a_root_may_block_on_inside_block_in_place() {
    deadline(|| {
        let outer = multi(1);
        let sum = outer.block_on(async {
            heist::task::block_in_place(|| {
                let of_outer =
                    Handle::current().block_on(async { heist::spawn(async { 1 }).await });
                let inner = Builder::new_current_thread().build().expect("builds");
                let of_inner = inner.block_on(async { heist::spawn(async { 2 }).await });
                of_outer.expect("ends") + of_inner.expect("ends")
            })
        });
        assert_eq!(sum, 3);
        let nested = catch_unwind(AssertUnwindSafe(|| {
            outer.block_on(async { Handle::current().block_on(async {}) });
        }));
        assert!(nested.is_err(), "not without it");
    });
}
