//! What a task knows of itself: its id, its locals, what it inherits; and what trackers count.

use heist::sync::oneshot;
use heist::task::{self, AbortOnDropHandle, TaskTracker, inherit, yield_now};
use heist_tests::{deadline, multi};
use std::cell::RefCell;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

heist::task_local! {
    /// Attributes and visibility are kept.
    pub static NUMBER: u32;
    static TEXT: RefCell<String>
}

heist::inherited_local! {
    static REQUEST: u32;
    static USER: String
}

fn run(test: impl Future<Output = ()> + Send + 'static) {
    deadline(move || multi(2).block_on(test));
}

#[test]
fn a_task_knows_its_id_and_what_is_no_task_has_none() {
    assert_eq!(task::try_id(), None);
    run(async {
        assert_eq!(task::try_id(), None);
        let task = heist::spawn(async {
            let before = task::id();
            yield_now().await;
            assert_eq!(task::id(), before);
            before
        });
        let id = task.id();
        assert_eq!(task.await.expect("no panic"), id);
        let job = task::spawn_blocking(task::id);
        let id = job.id();
        assert_eq!(job.await.expect("no panic"), id);
    });
}

#[test]
fn a_future_that_is_dropped_by_an_abort_still_knows_its_task() {
    struct Tell(Option<oneshot::Sender<Option<task::Id>>>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let send = self.0.take().expect("dropped once");
            let _ = send.send(task::try_id());
        }
    }
    run(async {
        let (send, receive) = oneshot::channel();
        let tell = Tell(Some(send));
        let task = heist::spawn(async move {
            let _tell = tell;
            pending::<()>().await;
        });
        task.abort();
        assert_eq!(receive.await, Ok(Some(task.id())));
    });
}

#[test]
fn a_task_local_is_seen_inside_its_scope_only_and_scopes_nest() {
    run(async {
        NUMBER
            .scope(1, async {
                yield_now().await;
                assert_eq!(NUMBER.get(), 1);
                NUMBER
                    .scope(2, async {
                        yield_now().await;
                        assert_eq!(NUMBER.with(|n| *n), 2);
                        assert_eq!(NUMBER.sync_scope(3, || NUMBER.get()), 3);
                    })
                    .await;
                assert_eq!(NUMBER.try_get(), Ok(1));
                let child = heist::spawn(async { NUMBER.try_get().is_err() });
                assert!(child.await.expect("no panic"), "a child does not see it");
            })
            .await;
        assert!(NUMBER.try_with(|_| ()).is_err());
    });
}

#[test]
fn the_value_can_be_taken_out_and_is_seen_by_destructors() {
    struct Look;
    impl Drop for Look {
        fn drop(&mut self) {
            TEXT.with(|text| text.borrow_mut().push_str(" dropped"));
        }
    }
    run(async {
        let mut scoped = pin!(TEXT.scope(RefCell::new("made".to_owned()), async {
            let _look = Look;
            yield_now().await;
        }));
        scoped.as_mut().await;
        let text = scoped.take_value().expect("still there").into_inner();
        assert_eq!(text, "made dropped");
        // Dropped unfinished: the destructor finds the value, or it would panic.
        drop(TEXT.scope(RefCell::default(), async {
            let _look = Look;
            pending::<()>().await;
        }));
    });
}

#[test]
fn a_panic_inside_a_scope_leaves_nothing_behind_on_the_thread() {
    deadline(|| {
        let caught = std::panic::catch_unwind(|| NUMBER.sync_scope(9, || panic!("on purpose")));
        assert!(caught.is_err());
        assert!(NUMBER.try_get().is_err());
    });
}

#[test]
fn a_child_that_inherits_sees_its_parents_values_and_changes_none() {
    run(async {
        let user = "ann".to_owned();
        let scoped = USER.scope(
            user,
            REQUEST.scope(1, async {
                let child = heist::spawn(inherit(async {
                    let before = (USER.get(), REQUEST.get());
                    let own = REQUEST.scope(2, async {
                        let grandchild = heist::spawn(inherit(async { REQUEST.get() }));
                        (grandchild.await.expect("no panic"), USER.get())
                    });
                    (before, own.await, REQUEST.get())
                }));
                let stranger = heist::spawn(async { USER.try_get().is_err() });
                assert!(stranger.await.expect("no panic"));
                let seen = child.await.expect("no panic");
                assert_eq!(REQUEST.get(), 1);
                seen
            }),
        );
        let (before, own, after) = scoped.await;
        assert_eq!(before, ("ann".to_owned(), 1));
        assert_eq!(own, (2, "ann".to_owned()));
        assert_eq!(after, 1);
        assert!(USER.try_get().is_err());
        assert_eq!(REQUEST.sync_scope(4, || REQUEST.get()), 4);
    });
}

#[test]
fn a_tracker_waits_until_closed_and_empty() {
    run(async {
        let tracker = TaskTracker::new();
        let (send, receive) = oneshot::channel::<()>();
        let task = tracker.spawn(async { receive.await.is_ok() });
        let token = tracker.token();
        assert_eq!(tracker.len(), 2);
        let waiter = heist::spawn({
            let tracker = tracker.clone();
            async move { tracker.wait().await }
        });
        assert!(tracker.close());
        assert!(!tracker.close());
        send.send(()).expect("waited for");
        assert!(task.await.expect("no panic"));
        assert!(!waiter.is_finished());
        drop(token);
        waiter.await.expect("no panic");
        assert!(tracker.is_empty() && tracker.is_closed());
        assert!(tracker.reopen());
        let job = tracker.spawn_blocking(|| 1);
        assert_eq!(job.await.expect("no panic"), 1);
        let tracked = tracker.track_future(async { 2 });
        assert_eq!(tracker.len(), 1);
        assert_eq!(tracked.await, 2);
        assert!(TaskTracker::ptr_eq(&tracker, &tracker.clone()));
    });
}

#[test]
fn an_abort_on_drop_handle_aborts_and_a_detached_one_does_not() {
    run(async {
        let alive = Arc::new(());
        let guard = alive.clone();
        let task = heist::spawn(async move {
            pending::<()>().await;
            drop(guard);
        });
        let abort = task.abort_handle();
        drop(AbortOnDropHandle::new(task));
        while !abort.is_finished() {
            yield_now().await;
        }
        assert_eq!(Arc::strong_count(&alive), 1);
        let kept = AbortOnDropHandle::new(heist::spawn(async { 1 })).detach();
        assert_eq!(kept.await.expect("no panic"), 1);
    });
}
