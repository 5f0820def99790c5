//! Registering and deregistering against events in flight and shutdown.

use std::sync::Arc;

use loom::thread;

use super::{model, wait_until_ready};
use crate::interest::Direction;
use crate::ready::Ready;
use crate::scheduled_io::ScheduledIo;
use crate::slots::{Key, Rejected, Slots};
use crate::wake_batch::WakeBatch;

fn deliver(slots: &Slots<ScheduledIo>, key: Key) -> usize {
    let mut batch = WakeBatch::new();
    let delivered = slots.dispatch([(key, Ready::READABLE)].into_iter(), &mut batch);
    batch.wake_all();
    delivered
}

fn insert(slots: &Slots<ScheduledIo>) -> (Arc<ScheduledIo>, Key) {
    let io = Arc::new(ScheduledIo::new());
    let key = slots.insert(Arc::clone(&io)).expect("the table is open");
    (io, key)
}

/// An event for a key that was removed never reaches the source that took its slot.
#[test]
fn an_event_in_flight_never_reaches_the_successor() {
    model(|| {
        let slots = Arc::new(Slots::new());
        let (_first, key) = insert(&slots);
        let owner = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || {
                drop(slots.remove(key));
                insert(&slots)
            })
        };
        deliver(&slots, key);
        let (successor, successor_key) = owner.join().expect("joins");
        assert!(!successor.snapshot().ready().is_readable());
        assert_ne!(successor_key, key);
        assert_eq!(deliver(&slots, successor_key), 1);
        assert!(successor.snapshot().ready().is_readable());
    });
}

/// A source removed while its event is delivered is let go of by both sides.
#[test]
fn a_source_that_goes_away_during_its_event_is_freed() {
    model(|| {
        let slots = Arc::new(Slots::new());
        let (io, key) = insert(&slots);
        let event_loop = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || deliver(&slots, key))
        };
        drop(slots.remove(key));
        event_loop.join().expect("joins");
        assert_eq!(Arc::strong_count(&io), 1);
        assert_eq!(slots.len(), 0);
        assert!(slots.remove(key).is_none());
    });
}

/// A registration that has been ended and is dropped later does not end its successor's.
#[test]
fn a_second_deregistration_leaves_the_successor_alone() {
    model(|| {
        let slots = Arc::new(Slots::new());
        let (_first, key) = insert(&slots);
        drop(slots.remove(key));
        let successor = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || insert(&slots))
        };
        assert!(slots.remove(key).is_none());
        let (_successor, successor_key) = successor.join().expect("joins");
        assert!(slots.remove(successor_key).is_some());
    });
}

/// A source registered during the shutdown is refused, or told of it: its waiter ends.
#[test]
fn a_source_registered_during_shutdown_is_refused_or_told() {
    model(|| {
        let slots = Arc::new(Slots::new());
        let owner = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || {
                let io = Arc::new(ScheduledIo::new());
                if let Err(reason) = slots.insert(Arc::clone(&io)) {
                    assert_eq!(reason, Rejected::Closed);
                    return;
                }
                let mask = Ready::of_direction(Direction::Read);
                let snapshot = wait_until_ready(|cx| io.poll_direction(cx, Direction::Read, mask));
                assert!(snapshot.is_shut_down());
            })
        };
        let mut batch = WakeBatch::new();
        for io in slots.close() {
            io.shut_down(&mut batch);
        }
        batch.wake_all();
        owner.join().expect("joins");
    });
}
