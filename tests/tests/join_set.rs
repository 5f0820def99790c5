//! `JoinSet`: every method, through the public API.

use heist::runtime::Runtime;
use heist::sync::{Barrier, oneshot};
use heist::task::{JoinSet, yield_now};
use heist_tests::{deadline, multi};
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

fn run(test: impl Future<Output = ()> + Send + 'static) {
    deadline(move || multi(2).block_on(test));
}

#[test]
fn tasks_come_back_in_the_order_in_which_they_finish() {
    run(async {
        let mut set = JoinSet::new();
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for n in 0..5 {
            let (send, receive) = oneshot::channel::<()>();
            senders.push(Some(send));
            receivers.push((n, receive));
        }
        for (n, receive) in receivers {
            set.spawn(async move {
                receive.await.expect("sent");
                n
            });
        }
        for n in [3, 0, 4, 1, 2] {
            senders[n]
                .take()
                .expect("sent once")
                .send(())
                .expect("waited for");
            assert_eq!(set.join_next().await.expect("a task").expect("no panic"), n);
        }
        assert!(set.join_next().await.is_none());
        assert!(set.is_empty());
    });
}

#[test]
fn a_set_of_ten_thousand_returns_each_once() {
    run(async {
        let mut set: JoinSet<usize> = (0..10_000_usize).map(|n| async move { n }).collect();
        set.extend((10_000..10_010).map(|n| async move { n }));
        let mut seen = vec![false; 10_010];
        while let Some(n) = set.join_next().await {
            assert!(!std::mem::replace(&mut seen[n.expect("no panic")], true));
        }
        assert!(seen.into_iter().all(|seen| seen));
    });
}

#[test]
fn an_error_knows_its_task_and_an_output_comes_with_its_id() {
    run(async {
        let mut set = JoinSet::new();
        let good = set.spawn(async { 1 });
        let (id, output) = set.join_next_with_id().await.expect("one").expect("good");
        assert_eq!((id, output), (good.id(), 1));
        let bad = set.spawn(async { panic!("on purpose") });
        let error = set
            .join_next_with_id()
            .await
            .expect("one")
            .expect_err("bad");
        assert!(error.is_panic());
        assert_eq!(error.id(), bad.id());
        let gone = set.spawn(pending());
        gone.abort();
        let error = set.join_next().await.expect("one").expect_err("aborted");
        assert!(error.is_cancelled());
    });
}

#[test]
fn try_join_next_takes_what_has_finished_and_no_more() {
    run(async {
        let mut set = JoinSet::new();
        assert!(set.try_join_next().is_none());
        set.spawn(pending());
        assert!(set.try_join_next().is_none());
        let done = set.spawn(async { 5 });
        while !done.is_finished() {
            yield_now().await;
        }
        let (id, output) = set.try_join_next_with_id().expect("one").expect("good");
        assert_eq!((id, output), (done.id(), 5));
        assert!(set.try_join_next().is_none());
        assert_eq!(set.len(), 1);
    });
}

#[test]
fn a_task_spawned_while_the_set_is_polled_wakes_the_poller() {
    run(async {
        let mut set = JoinSet::new();
        set.spawn(pending::<i32>());
        let waiting = poll_fn(|cx| Poll::Ready(set.poll_join_next(cx).is_pending())).await;
        assert!(waiting);
        set.spawn(async { 2 });
        assert_eq!(set.join_next().await.expect("one").expect("good"), 2);
    });
}

#[test]
fn shutdown_waits_until_every_task_is_gone() {
    run(async {
        let alive = Arc::new(());
        let mut set = JoinSet::new();
        for _ in 0..20 {
            let alive = alive.clone();
            set.spawn(async move {
                pending::<()>().await;
                drop(alive);
            });
        }
        set.shutdown().await;
        assert!(set.is_empty());
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn dropping_the_set_aborts_and_detaching_does_not() {
    run(async {
        let (send, receive) = oneshot::channel::<()>();
        let mut set = JoinSet::new();
        set.spawn(async move {
            pending::<()>().await;
            drop(send);
        });
        drop(set);
        assert!(receive.await.is_err(), "the task's future is dropped");

        let (send, receive) = oneshot::channel();
        let gate = Arc::new(Barrier::new(2));
        let mut set = JoinSet::new();
        let inner = gate.clone();
        set.spawn(async move {
            inner.wait().await;
            send.send(3)
        });
        set.detach_all();
        assert!(set.is_empty());
        drop(set);
        gate.wait().await;
        assert_eq!(receive.await, Ok(3));
    });
}

#[test]
fn join_all_panics_with_the_first_panic() {
    run(async {
        let set: JoinSet<u32> = (0..4_u32).map(|n| async move { n }).collect();
        let mut all = set.join_all().await;
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);

        let mut set = JoinSet::new();
        set.spawn(pending());
        set.spawn(async { panic!("on purpose") });
        let error = heist::spawn(set.join_all()).await.expect_err("panicked");
        let payload = error.into_panic();
        assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
    });
}

#[test]
fn named_blocking_and_foreign_tasks_are_members_too() {
    deadline(|| {
        let other = multi(1);
        let runtime: Runtime = multi(2);
        let set = runtime.block_on(async {
            let mut set = JoinSet::new();
            set.spawn_blocking(|| 1);
            set.spawn_blocking_on(|| 2, other.handle());
            set.spawn_on(async { 3 }, other.handle());
            let build = |set: &mut JoinSet<i32>| -> std::io::Result<()> {
                set.build_task().name("four").spawn(async { 4 })?;
                set.build_task().spawn_on(async { 5 }, other.handle())?;
                set.build_task().spawn_blocking(|| 6)?;
                set.build_task()
                    .spawn_blocking_on(|| 7, other.handle())
                    .map(drop)
            };
            build(&mut set).expect("spawns");
            let mut all = set.join_all().await;
            all.sort_unstable();
            all
        });
        assert_eq!(set, [1, 2, 3, 4, 5, 6, 7]);
    });
}

#[test]
fn a_loop_over_finished_tasks_lets_others_run() {
    run(async {
        let mut set: JoinSet<()> = (0..1_000).map(|_| async {}).collect();
        while !set.is_empty() {
            let mut joined = 0_u32;
            // One poll takes at most a budget's worth.
            poll_fn(|cx| {
                while let Poll::Ready(Some(_)) = set.poll_join_next(cx) {
                    joined += 1;
                }
                Poll::Ready(())
            })
            .await;
            assert!(joined <= 128, "{joined} in one poll");
            yield_now().await;
        }
    });
}
