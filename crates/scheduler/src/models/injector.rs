//! The queue from outside: nothing is lost between a push, a fetch and the close.

use std::collections::VecDeque;

use loom::sync::Arc;

use super::{model, thread};
use crate::injector::Injector;

/// What is pushed during the close is refused, or among what the close returns.
#[test]
fn a_push_is_refused_or_returned_by_the_close() {
    model(|| {
        let injector = Arc::new(Injector::new(2));
        let pusher = {
            let injector = Arc::clone(&injector);
            thread(move || [injector.push(1, 0).is_ok(), injector.push(2, 1).is_ok()])
        };
        let left = injector.close();
        let accepted = pusher.join().expect("joins");
        assert_eq!(left.contains(&1), accepted[0]);
        assert_eq!(left.contains(&2), accepted[1]);
        assert!(
            injector
                .pop_batch(0, 2, &mut VecDeque::new(), |_| ())
                .is_none()
        );
    });
}

/// Of a fetch and the close, each queued task goes to one.
#[test]
fn a_fetch_and_the_close_share_what_was_pushed() {
    model(|| {
        let injector = Arc::new(Injector::new(1));
        for item in 1..=3 {
            assert!(injector.push(item, 0).is_ok());
        }
        let worker = {
            let injector = Arc::clone(&injector);
            thread(move || {
                let mut got = Vec::new();
                let first = injector.pop_batch(0, 2, &mut VecDeque::new(), |item| got.push(item));
                got.extend(first);
                got
            })
        };
        let mut all = injector.close();
        all.extend(worker.join().expect("joins"));
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
        assert_eq!(injector.len(), 0);
    });
}

/// Two workers that fetch at once get different tasks, and each gets one.
#[test]
fn two_fetches_take_each_task_once() {
    model(|| {
        let injector = Arc::new(Injector::new(1));
        assert!(injector.push(1, 0).is_ok());
        assert!(injector.push(2, 0).is_ok());
        let worker = {
            let injector = Arc::clone(&injector);
            thread(move || {
                injector.pop_batch(0, 1, &mut VecDeque::new(), |_| {
                    unreachable!("one at a time")
                })
            })
        };
        let here = injector.pop_batch(0, 1, &mut VecDeque::new(), |_| {
            unreachable!("one at a time")
        });
        let there = worker.join().expect("joins");
        let (here, there) = (here.expect("one is left"), there.expect("one is left"));
        assert_eq!(here + there, 3);
        assert!(injector.is_empty());
    });
}

/// A fetch that finds another shard empty is no obstacle to a push there, and misses none of its own.
#[test]
fn a_fetch_and_a_push_in_another_shard_lose_nothing() {
    model(|| {
        let injector = Arc::new(Injector::new(2));
        assert!(injector.push(1, 0).is_ok());
        let pusher = {
            let injector = Arc::clone(&injector);
            thread(move || assert!(injector.push(2, 1).is_ok()))
        };
        // Begins at the shard that is being pushed to, and goes on to the other one.
        let first = injector.pop_batch(1, 1, &mut VecDeque::new(), |_| {
            unreachable!("one at a time")
        });
        pusher.join().expect("joins");
        let second = injector.pop_batch(1, 1, &mut VecDeque::new(), |_| {
            unreachable!("one at a time")
        });
        let mut both = [first.expect("one is there"), second.expect("one is left")];
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
        assert!(injector.is_empty());
    });
}
