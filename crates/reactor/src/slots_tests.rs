//! Tests of the slot table: keys that end, slots that retire, a table that closes.

use super::{Key, Rejected, Slots};
use crate::ready::Ready;
use crate::scheduled_io::ScheduledIo;
use crate::sync::Arc;
use crate::wake_batch::WakeBatch;

fn insert(slots: &Slots<ScheduledIo>) -> Key {
    let io = Arc::new(ScheduledIo::new());
    slots.insert(io).expect("the table is open")
}

fn deliver(slots: &Slots<ScheduledIo>, key: Key) -> usize {
    let events = [(key, Ready::READABLE)].into_iter();
    slots.dispatch(events, &mut WakeBatch::new())
}

#[test]
fn a_key_survives_the_way_through_the_kernel() {
    let slots = Slots::new();
    for _ in 0..3 {
        let key = insert(&slots);
        assert_eq!(Key::from_token(key.token()), key);
    }
}

#[test]
fn a_key_that_has_ended_reaches_nobody() {
    let slots = Slots::new();
    let old = insert(&slots);
    assert_eq!(deliver(&slots, old), 1);
    assert!(slots.remove(old).is_some());
    assert_eq!(deliver(&slots, old), 0);

    let successor = insert(&slots);
    assert_eq!(successor.index, old.index);
    assert_eq!(deliver(&slots, old), 0);
    assert!(slots.remove(old).is_none());
    assert_eq!(deliver(&slots, successor), 1);
}

#[test]
fn a_slot_retires_before_a_key_would_repeat() {
    let slots = Slots::new();
    let first = insert(&slots);
    slots.table.lock().slots[first.index].generation = Key::LAST_GENERATION;
    let last = Key {
        generation: Key::LAST_GENERATION,
        ..first
    };
    assert!(slots.remove(last).is_some());
    assert!(slots.remove(last).is_none());
    assert_ne!(insert(&slots).index, first.index);
}

#[test]
fn unknown_keys_reach_nobody() {
    let slots = Slots::new();
    insert(&slots);
    assert_eq!(deliver(&slots, Key::from_token(usize::MAX)), 0);
    assert_eq!(deliver(&slots, Key::from_token(1)), 0);
}

#[test]
fn a_closed_table_takes_nothing_in() {
    let slots = Slots::new();
    let key = insert(&slots);
    assert_eq!(slots.close().len(), 1);
    let io = Arc::new(ScheduledIo::new());
    assert!(matches!(slots.insert(io), Err(Rejected::Closed)));
    assert!(slots.remove(key).is_some());
    assert_eq!(slots.len(), 0);
}
