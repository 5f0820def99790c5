//! Tests of the heap: against a sorted map, and of what an owner may do after a fire.

use std::collections::BTreeMap;
use std::task::Waker;

use super::{HasFired, Heap};
use crate::clock::Nanos;

fn noop() -> Waker {
    Waker::noop().clone()
}

impl Heap {
    /// Panics unless every node knows its entry, every entry its node, and parents come first.
    fn check(&self) {
        for (place, node) in self.heap.iter().enumerate() {
            assert_eq!(self.entries[node.key].place, place);
            assert!(place == 0 || self.heap[(place - 1) / super::ARITY] <= *node);
        }
    }
}

#[test]
fn random_operations_agree_with_a_sorted_map() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let mut heap = Heap::default();
    let mut turn = 0;
    // (deadline, turn) → key, and its inverse.
    let mut sorted = BTreeMap::new();
    let mut keys: Vec<(usize, (u64, u64))> = Vec::new();
    for _ in 0..20_000 {
        let deadline = next(500);
        match next(10) {
            0..4 => {
                let key = heap.insert(Nanos(deadline), noop());
                sorted.insert((deadline, turn), key);
                keys.push((key, (deadline, turn)));
                turn += 1;
            }
            4..6 if !keys.is_empty() => {
                let (key, order) = keys.swap_remove(next(keys.len() as u64) as usize);
                assert!(heap.remove(key).is_some());
                sorted.remove(&order);
            }
            6..8 if !keys.is_empty() => {
                let slot = next(keys.len() as u64) as usize;
                let (key, order) = keys[slot];
                assert!(heap.reset(key, Nanos(deadline)).is_ok());
                sorted.remove(&order);
                sorted.insert((deadline, turn), key);
                keys[slot].1 = (deadline, turn);
                turn += 1;
            }
            _ => {
                let due = sorted.first_key_value().map(|(&order, &key)| (order, key));
                match due.filter(|((first, _), _)| *first <= deadline) {
                    Some((order, key)) => {
                        assert_eq!(heap.earliest(), Nanos(order.0));
                        assert!(heap.pop_due(Nanos(deadline)).is_some());
                        assert!(heap.has_fired(key));
                        assert!(heap.remove(key).is_none());
                        sorted.remove(&order);
                        keys.retain(|(kept, _)| *kept != key);
                    }
                    None => assert!(heap.pop_due(Nanos(deadline)).is_none()),
                }
            }
        }
        heap.check();
        assert_eq!(heap.len(), sorted.len());
    }
}

#[test]
fn equal_deadlines_fire_in_the_order_they_were_set() {
    let mut heap = Heap::default();
    let keys: Vec<_> = (0..100).map(|_| heap.insert(Nanos(7), noop())).collect();
    for &key in &keys {
        assert!(heap.pop_due(Nanos(7)).is_some());
        assert!(heap.has_fired(key));
    }
}

#[test]
fn a_fired_timer_keeps_its_key_until_its_owner_frees_it() {
    let mut heap = Heap::default();
    let fired = heap.insert(Nanos(1), noop());
    assert!(heap.pop_due(Nanos(1)).is_some());
    let next = heap.insert(Nanos(2), noop());
    assert_ne!(next, fired);
    assert!(matches!(heap.reset(fired, Nanos(3)), Err(HasFired)));
    assert_eq!(heap.earliest(), Nanos(2));
    assert!(heap.remove(next).is_some());
    assert_eq!(heap.earliest(), Nanos::NEVER);
}

#[test]
fn nothing_fires_before_its_deadline() {
    let mut heap = Heap::default();
    heap.insert(Nanos(10), noop());
    assert!(heap.pop_due(Nanos(9)).is_none());
    assert!(heap.pop_due(Nanos(10)).is_some());
}
