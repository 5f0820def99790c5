//! `LocalRuntime`: where `spawn_local` finds it, and where it must not.

use heist::runtime::{Builder, Handle, LocalOptions, LocalRuntime, UnhandledPanic};
use heist::sync::oneshot;
use heist::task::{self, JoinSet, LocalSet, spawn_local, yield_now};
use heist_tests::{deadline, multi};
use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

fn local() -> LocalRuntime {
    LocalRuntime::new().expect("a runtime")
}

/// What `spawn_local` says here when it panics.
fn refusal() -> String {
    let payload = catch_unwind(|| drop(spawn_local(async {}))).expect_err("panics");
    let text = payload.downcast_ref::<&str>().expect("a message");
    (*text).to_owned()
}

#[test]
fn spawn_local_works_while_the_runtime_is_entered() {
    deadline(|| {
        let runtime = local();
        for handle in [None, Some(runtime.handle().clone())] {
            let guard = match &handle {
                None => runtime.enter(),
                Some(handle) => handle.enter(),
            };
            let five = Rc::new(5);
            let task = spawn_local(async move { *five });
            let mut set = JoinSet::new();
            set.spawn_local(async { 6 });
            let builder = task::Builder::new().name("seven");
            let named = builder.spawn_local(async { 7 }).expect("spawns");
            assert_eq!(runtime.block_on(task).expect("ran"), 5);
            assert_eq!(runtime.block_on(set.join_all()), [6]);
            assert_eq!(runtime.block_on(named).expect("ran"), 7);
            drop(guard);
            assert!(refusal().contains("outside of a `LocalSet`"));
        }
    });
}

#[test]
fn spawn_local_works_in_a_task_that_may_move_as_that_one_does_not() {
    deadline(|| {
        let runtime = local();
        let here = thread::current().id();
        let spawned = runtime.block_on(async {
            let nested = heist::spawn(async {
                let five = Rc::new(5);
                let local = spawn_local(async move { (*five, thread::current().id()) });
                local.await
            });
            nested.await.expect("ran")
        });
        assert_eq!(spawned.expect("ran"), (5, here));
    });
}

#[test]
fn spawn_local_is_refused_on_every_other_thread() {
    deadline(|| {
        let (handles, handle) = mpsc::channel();
        let (ends, end) = mpsc::channel::<()>();
        let owner = thread::spawn(move || {
            let runtime = local();
            handles.send(runtime.handle().clone()).expect("received");
            let _ = end.recv();
        });
        let handle: Handle = handle.recv().expect("sent");
        let refused = || {
            let _entered = handle.enter();
            let text = refusal();
            assert!(text.contains("another thread"), "{text}");
            // Not into a set that this thread was in before, either.
            let set = LocalSet::new();
            let _set = set.enter();
            let _entered = handle.enter();
            let text = refusal();
            assert!(text.contains("another thread"), "{text}");
        };
        refused();
        drop(ends);
        owner.join().expect("no panic");
        // Nor when it is gone.
        refused();
        let _entered = handle.enter();
        drop(heist::spawn(async {}));
    });
}

#[test]
fn spawn_local_is_refused_in_the_blocking_jobs_of_the_runtime() {
    deadline(|| {
        let runtime = local();
        let job = runtime.spawn_blocking(refusal);
        let text = runtime.block_on(job).expect("caught");
        assert!(text.contains("another thread"), "{text}");
    });
}

#[test]
fn after_the_end_of_the_runtime_its_handle_spawns_cancelled_tasks() {
    deadline(|| {
        let (runtime, other) = (local(), local());
        let handle = runtime.handle().clone();
        drop(runtime);
        let _entered = handle.enter();
        let held = Rc::new(());
        let inner = held.clone();
        let task = spawn_local(async move { drop(inner) });
        assert_eq!(Rc::strong_count(&held), 1);
        let error = other.block_on(task).expect_err("never polled");
        assert!(error.is_cancelled());
    });
}

#[test]
fn what_is_spawned_while_the_runtime_drops_its_tasks_is_cancelled() {
    struct Spawns(Rc<Cell<u32>>);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let count = self.0.clone();
            let task = spawn_local(async move { count.set(100) });
            self.0.set(self.0.get() + u32::from(task.is_finished()));
        }
    }
    deadline(|| {
        let runtime = local();
        let count = Rc::new(Cell::new(0));
        let polled = Spawns(count.clone());
        drop(runtime.spawn_local(async move {
            let _polled = polled;
            pending::<()>().await;
        }));
        runtime.block_on(yield_now());
        let never_polled = Spawns(count.clone());
        drop(runtime.spawn_local(async move { drop(never_polled) }));
        drop(runtime);
        assert_eq!(count.get(), 2);
        assert_eq!(Rc::strong_count(&count), 1);
    });
}

#[test]
fn the_innermost_set_or_runtime_gets_the_task() {
    deadline(|| {
        let (outer, inner) = (local(), local());
        let set = LocalSet::new();
        let runs_in = |runtime: &LocalRuntime| {
            let task = spawn_local(async { 5 });
            assert_eq!(runtime.block_on(task).expect("ran"), 5);
        };
        // A set in a runtime.
        let five = outer.block_on(set.run_until(async {
            let task = spawn_local(async { 5 });
            yield_now().await;
            task.is_finished()
        }));
        assert!(five);
        let guard = outer.enter();
        let within = set.enter();
        let task = spawn_local(async { 5 });
        outer.block_on(yield_now());
        assert!(!task.is_finished(), "it is the set's");
        drop(within);
        drop(guard);
        assert_eq!(set.block_on(&multi(1), task).expect("ran"), 5);
        // A runtime in a set, and in another one.
        let _set = set.enter();
        let _outer = outer.enter();
        runs_in(&outer);
        let within = inner.enter();
        runs_in(&inner);
        drop(within);
        runs_in(&outer);
        let moves = outer.block_on(async {
            let task = heist::spawn(async { spawn_local(async { 5 }).await });
            task.await.expect("ran")
        });
        assert_eq!(moves.expect("ran"), 5);
        // A runtime that has no set leaves the one before.
        let plain = multi(1);
        let _plain = plain.enter();
        let task = spawn_local(async { 5 });
        assert_eq!(set.block_on(&plain, task).expect("ran"), 5);
    });
}

#[test]
fn tasks_stay_on_the_thread_while_others_are_in_block_on() {
    deadline(|| {
        let runtime = local();
        let (handle, (done, wait)) = (runtime.handle().clone(), oneshot::channel::<()>());
        let (enters, entered) = mpsc::channel();
        let other = thread::spawn(move || {
            handle.block_on(async move {
                let index = heist::runtime::worker_index();
                enters.send(index).expect("received");
                wait.await.expect("sent");
            });
        });
        assert_eq!(entered.recv(), Ok(None), "it serves");
        let here = thread::current().id();
        let there = runtime.block_on(async {
            let task = heist::spawn(async {
                yield_now().await;
                spawn_local(async { thread::current().id() }).await
            });
            task.await.expect("ran").expect("ran")
        });
        assert_eq!(here, there);
        done.send(()).expect("received");
        other.join().expect("no panic");
    });
}

#[test]
fn a_runtime_that_is_leaked_runs_nothing_and_harms_nobody() {
    deadline(|| {
        let leaked = local();
        let handle = leaked.handle().clone();
        std::mem::forget(leaked);
        let _entered = handle.enter();
        let task = spawn_local(pending::<()>());
        assert!(!task.is_finished());
    });
}

#[test]
fn the_panic_of_a_local_task_shuts_down_a_runtime_that_is_to() {
    deadline(|| {
        let mut builder = Builder::new_current_thread();
        builder.unhandled_panic(UnhandledPanic::ShutdownRuntime);
        let built = builder.build_local(LocalOptions::default());
        let runtime = built.expect("a runtime");
        let root = AssertUnwindSafe(|| {
            runtime.block_on(async {
                drop(spawn_local(async { panic!("on purpose") }));
                pending::<()>().await;
            });
        });
        let payload = catch_unwind(root).expect_err("panics");
        let text = payload.downcast_ref::<String>().expect("a message");
        assert!(text.contains("on purpose"), "{text}");
        // By default nothing happens.
        let runtime = local();
        let error = runtime.block_on(async {
            let task = spawn_local(async { panic!("on purpose") });
            task.await.expect_err("panicked")
        });
        assert!(error.is_panic());
    });
}

#[test]
fn it_is_unwind_safe_as_any_runtime() {
    fn is_unwind_safe<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    is_unwind_safe::<LocalRuntime>();
}
