//! `LocalSet`: tasks that are not `Send`, woken and aborted from other threads.

use heist::runtime::{Builder, Handle, LocalRuntime, Runtime};
use heist::sync::{mpsc, oneshot};
use heist::task::{self, JoinSet, LocalSet, TaskTracker, spawn_local, yield_now};
use heist::time::{Duration, sleep};
use heist_tests::{deadline, multi};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

fn current_thread() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.build().expect("a runtime")
}

/// Runs `test` in `block_on` of either flavor.
fn on_both(test: impl AsyncFn() + Send + 'static) {
    deadline(move || {
        for runtime in [current_thread(), multi(2)] {
            runtime.block_on(test());
        }
    });
}

#[test]
fn a_local_task_shares_what_is_not_send_and_stays_on_its_thread() {
    on_both(async || {
        let here = thread::current().id();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let local = LocalSet::new();
        for n in 0..10 {
            let seen = seen.clone();
            drop(local.spawn_local(async move {
                sleep(Duration::from_millis(10 - n)).await;
                assert_eq!(thread::current().id(), here);
                let nested = spawn_local(async move { Rc::new(n) });
                let n = nested.await.expect("no panic");
                seen.borrow_mut().push(*n);
            }));
        }
        local.await;
        seen.borrow_mut().sort_unstable();
        assert_eq!(*seen.borrow(), (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn run_until_leaves_tasks_in_the_set_and_goes_on_with_them() {
    on_both(async || {
        let local = LocalSet::new();
        let steps = Rc::new(Cell::new(0));
        let counted = steps.clone();
        let task = local.spawn_local(async move {
            loop {
                counted.set(counted.get() + 1);
                yield_now().await;
            }
        });
        local.run_until(sleep(Duration::from_millis(2))).await;
        let first = steps.get();
        assert!(first > 0);
        yield_now().await;
        assert_eq!(steps.get(), first, "nobody polls the set");
        local.run_until(yield_now()).await;
        assert!(steps.get() > first);
        task.abort();
        assert!(
            local
                .run_until(task)
                .await
                .expect_err("aborted")
                .is_cancelled()
        );
    });
}

#[test]
fn wakes_and_aborts_come_from_other_threads() {
    on_both(async || {
        let local = LocalSet::new();
        local
            .run_until(async {
                let (send, mut receive) = mpsc::channel(2);
                let sender = heist::spawn(async move {
                    for n in 0..1_000_u32 {
                        send.send(n).await.expect("received");
                    }
                });
                let not_send = Rc::new(());
                let sum = spawn_local(async move {
                    let mut sum = 0;
                    while let Some(n) = receive.recv().await {
                        sum += n;
                    }
                    drop(not_send);
                    sum
                });
                // Sends what is sent over threads, and joins there.
                let elsewhere = heist::spawn(sum);
                assert_eq!(
                    elsewhere.await.expect("no panic").expect("no panic"),
                    499_500
                );
                sender.await.expect("no panic");

                let held = Rc::new(());
                let inner = held.clone();
                let stuck = spawn_local(async move {
                    pending::<()>().await;
                    drop(inner);
                });
                let abort = stuck.abort_handle();
                let aborter = thread::spawn(move || abort.abort());
                assert!(stuck.await.expect_err("aborted").is_cancelled());
                assert_eq!(Rc::strong_count(&held), 1);
                aborter.join().expect("no panic");
            })
            .await;
    });
}

#[test]
fn dropping_the_set_drops_its_futures_here_while_others_wake_them() {
    struct Here(thread::ThreadId, Rc<Cell<u32>>);
    impl Drop for Here {
        fn drop(&mut self) {
            assert_eq!(thread::current().id(), self.0);
            self.1.set(self.1.get() + 1);
        }
    }
    deadline(|| {
        let runtime = current_thread();
        for _ in 0..300 {
            let dropped = Rc::new(Cell::new(0));
            let (send, receive) = oneshot::channel::<()>();
            let local = LocalSet::new();
            let guard = Here(thread::current().id(), dropped.clone());
            let woken = local.spawn_local(async move {
                let _guard = guard;
                let _ = receive.await;
            });
            let guard = Here(thread::current().id(), dropped.clone());
            let never_run = local.spawn_local(async move { drop(guard) });
            local.block_on(&runtime, yield_now());
            let abort = woken.abort_handle();
            let other = thread::spawn(move || {
                drop(send);
                abort.abort();
            });
            drop(local);
            assert_eq!(dropped.get(), 2);
            other.join().expect("no panic");
            drop((woken, never_run));
        }
    });
}

#[test]
fn a_handle_outlives_the_set_and_says_what_became_of_the_task() {
    deadline(|| {
        let runtime = multi(1);
        let local = LocalSet::new();
        let done = local.spawn_local(async { Rc::new(1) });
        let panics = local.spawn_local(async { panic!("on purpose") });
        let cancelled = local.spawn_local(pending::<()>());
        local.block_on(&runtime, yield_now());
        drop(local);
        assert_eq!(*runtime.block_on(done).expect("ran"), 1);
        assert!(runtime.block_on(panics).expect_err("panicked").is_panic());
        let error = runtime.block_on(cancelled).expect_err("dropped");
        assert!(error.is_cancelled());
    });
}

#[test]
fn spawn_local_outside_of_a_set_panics_with_the_remedy() {
    deadline(|| {
        let message = |result: Result<(), Box<dyn std::any::Any + Send>>| {
            let payload = result.expect_err("panics");
            let text = payload.downcast_ref::<&str>().expect("a message");
            assert!(text.contains("outside of a `LocalSet`"), "{text}");
        };
        let spawn = || catch_unwind(|| drop(spawn_local(async {})));
        message(spawn());
        let runtime = multi(1);
        let local = LocalSet::new();
        // A task that may move is in no set, although the thread that spawned it was.
        message(local.block_on(&runtime, async move {
            heist::spawn(async move { spawn() }).await.expect("caught")
        }));
        let guard = local.enter();
        let task = spawn_local(async { 5 });
        drop(guard);
        message(spawn());
        let output = local.block_on(&runtime, AssertUnwindSafe(task).0);
        assert_eq!(output.expect("ran"), 5);
    });
}

#[test]
fn sets_trackers_and_builders_spawn_locally_too() {
    on_both(async || {
        let local = LocalSet::new();
        let mut set = JoinSet::new();
        let tracker = TaskTracker::new();
        let two = Rc::new(2);
        set.spawn_local_on(async move { *two }, &local);
        set.build_task()
            .name("three")
            .spawn_local_on(async { 3 }, &local)
            .expect("spawns");
        let builder = task::Builder::new().name("four");
        let named = builder.spawn_local_on(async { 4 }, &local).expect("spawns");
        assert_eq!(named.name(), Some("four"));
        let tracked = tracker.spawn_local_on(async { 5 }, &local);
        local
            .run_until(async {
                set.spawn_local(async { 1 });
                let mut all = set.join_all().await;
                all.sort_unstable();
                assert_eq!(all, [1, 2, 3]);
                assert_eq!(named.await.expect("ran") + tracked.await.expect("ran"), 9);
                let id = spawn_local(async { task::id() });
                let expected = id.id();
                assert_eq!(id.await.expect("ran"), expected);
                tracker.close();
                tracker.wait().await;
            })
            .await;
    });
}

#[test]
fn many_busy_local_tasks_do_not_keep_the_root_or_the_timers_waiting() {
    on_both(async || {
        let local = LocalSet::new();
        let stop = Rc::new(Cell::new(false));
        for _ in 0..100 {
            let stop = stop.clone();
            drop(local.spawn_local(async move {
                while !stop.get() {
                    yield_now().await;
                }
            }));
        }
        local.run_until(sleep(Duration::from_millis(5))).await;
        stop.set(true);
        local.await;
    });
}

#[test]
fn a_waker_kept_for_ever_may_free_the_memory_of_a_local_task_elsewhere() {
    deadline(|| {
        let runtime = current_thread();
        let local = LocalSet::new();
        let wakers = Arc::new(std::sync::Mutex::new(Vec::new()));
        let keep = wakers.clone();
        let mine = Rc::new(());
        drop(local.spawn_local(std::future::poll_fn(move |cx| {
            let _mine = &mine;
            keep.lock().expect("no panic").push(cx.waker().clone());
            std::task::Poll::<()>::Pending
        })));
        local.block_on(&runtime, yield_now());
        drop(local);
        let other = thread::spawn(move || {
            let mut wakers = wakers.lock().expect("no panic");
            wakers.drain(..).for_each(std::task::Waker::wake);
        });
        other.join().expect("no panic");
    });
}

#[test]
fn a_local_runtime_is_a_runtime_and_a_set_in_one() {
    use heist::runtime::{LocalOptions, LocalRuntime};
    deadline(|| {
        let held = Rc::new(());
        let runtime = LocalRuntime::new().expect("a runtime");
        let inner = held.clone();
        let answer = runtime.block_on(async {
            let local = spawn_local(async move { Rc::strong_count(&inner) });
            let sent = heist::spawn(async { thread::current().id() });
            (local.await.expect("ran"), sent.await.expect("ran"))
        });
        assert_eq!(answer, (2, thread::current().id()));
        let job = runtime.spawn_blocking(|| 5);
        assert_eq!(runtime.block_on(job).expect("ran"), 5);
        let inner = held.clone();
        drop(runtime.spawn_local(async move {
            pending::<()>().await;
            drop(inner);
        }));
        runtime.block_on(yield_now());
        runtime.shutdown_timeout(Duration::from_secs(1));
        assert_eq!(Rc::strong_count(&held), 1);

        let mut builder = Builder::new_current_thread();
        let built = builder.name("local").build_local(LocalOptions::default());
        let runtime = built.expect("a runtime");
        assert_eq!(runtime.handle().name(), Some("local"));
        assert_ne!(runtime.handle().id(), LocalSet::new().id());
        let index = runtime.block_on(async { heist::runtime::worker_index() });
        assert_eq!(index, Some(0));
        drop(runtime);
    });
}

#[test]
fn block_in_place_is_refused_inside_a_set() {
    deadline(|| {
        let runtime = multi(1);
        let root = async {
            let refused = catch_unwind(|| heist::task::block_in_place(|| ()));
            refused.expect_err("nobody would run the other local tasks")
        };
        let why = LocalSet::new().block_on(&runtime, root);
        let why = why.downcast_ref::<&str>().expect("a text");
        assert!(why.contains("spawn_blocking"), "{why}");
    });
}

#[test]
fn local_tasks_that_are_dropped_with_their_runtime_find_it() {
    struct Asks(std::sync::mpsc::Sender<bool>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let _ = self.0.send(Handle::try_current().is_ok());
        }
    }
    deadline(|| {
        let runtime = LocalRuntime::new().expect("builds");
        let (answers, answer) = std::sync::mpsc::channel();
        let asks = Asks(answers);
        drop(runtime.spawn_local(async move {
            let _asks = asks;
            pending::<()>().await;
        }));
        drop(runtime);
        assert_eq!(answer.recv(), Ok(true));
    });
}
