//! An indexed 4-ary min-heap: timers in the order of their deadlines, each cancellable by its key.
//!
//! Four children per node make the tree half as deep as a binary one and keep siblings on one or
//! two cache lines. Every entry knows its place in the heap, so a cancel or a reset is a walk of a
//! few levels, most often none: a new deadline is usually the latest and stays at the bottom.
//!
//! # Invariants
//! - `heap[entries[k].place].key == k` for each entry that is in the heap.
//! - An entry leaves the heap when it fires, but keeps its key until its owner frees it: a key is
//!   never reused behind its owner's back.
//! - Equal deadlines fire in the order in which they were set.

use std::task::Waker;

use slab::Slab;

use crate::clock::Nanos;

const ARITY: usize = 4;

/// The place of an entry that has fired.
const FIRED: usize = usize::MAX;

/// The timers of one shard.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    heap: Vec<Node>,
    entries: Slab<Entry>,
    /// Numbers deadlines in the order in which they were set.
    next_turn: u64,
}

/// What the heap orders: by deadline, then by turn; the turn is unique, the key never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    deadline: Nanos,
    turn: u64,
    key: usize,
}

/// A timer: in the heap with a waker, or fired without one.
#[derive(Debug)]
struct Entry {
    place: usize,
    waker: Option<Waker>,
}

/// A timer was asked for that has fired: its key is freed by the answer.
#[derive(Debug)]
pub(crate) struct HasFired;

impl Heap {
    /// Takes a timer in; the caller owns the key until [`remove`](Self::remove) or [`HasFired`].
    pub(crate) fn insert(&mut self, deadline: Nanos, waker: Waker) -> usize {
        let place = self.heap.len();
        let waker = Some(waker);
        let key = self.entries.insert(Entry { place, waker });
        let turn = self.take_turn();
        self.heap.push(Node {
            deadline,
            turn,
            key,
        });
        self.sift_up(place);
        key
    }

    /// Moves a timer to another deadline.
    pub(crate) fn reset(&mut self, key: usize, deadline: Nanos) -> Result<(), HasFired> {
        let place = self.entries[key].place;
        if place == FIRED {
            self.entries.remove(key);
            return Err(HasFired);
        }
        self.heap[place].deadline = deadline;
        self.heap[place].turn = self.take_turn();
        self.settle(place);
        Ok(())
    }

    /// Gives a timer another waker and returns the one it had, for the caller to drop unlocked.
    pub(crate) fn replace_waker(&mut self, key: usize, waker: Waker) -> Option<Waker> {
        self.entries[key].waker.replace(waker)
    }

    /// Whether the timer has fired.
    pub(crate) fn has_fired(&self, key: usize) -> bool {
        self.entries[key].place == FIRED
    }

    /// Ends a timer, fired or not, and returns its waker, for the caller to drop unlocked.
    pub(crate) fn remove(&mut self, key: usize) -> Option<Waker> {
        let Entry { place, waker } = self.entries.remove(key);
        if place != FIRED {
            self.take_node(place);
        }
        waker
    }

    /// Fires the earliest timer if its deadline has come.
    pub(crate) fn pop_due(&mut self, now: Nanos) -> Option<Waker> {
        if self.earliest() > now {
            return None;
        }
        let key = self.take_node(0).key;
        let entry = &mut self.entries[key];
        entry.place = FIRED;
        entry.waker.take()
    }

    /// The earliest deadline, or never.
    pub(crate) fn earliest(&self) -> Nanos {
        self.heap.first().map_or(Nanos::NEVER, |node| node.deadline)
    }

    /// How many timers have not fired.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    fn take_turn(&mut self) -> u64 {
        let turn = self.next_turn;
        self.next_turn += 1;
        turn
    }

    fn take_node(&mut self, place: usize) -> Node {
        let node = self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.settle(place);
        }
        node
    }

    /// Restores the order around one place whose node may be too low or too high.
    fn settle(&mut self, place: usize) {
        let place = self.sift_up(place);
        self.sift_down(place);
    }

    fn sift_up(&mut self, mut place: usize) -> usize {
        let node = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent] <= node {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, node);
        place
    }

    fn sift_down(&mut self, mut place: usize) {
        let node = self.heap[place];
        while let Some(child) = self.earliest_child(place) {
            if node <= self.heap[child] {
                break;
            }
            self.put(place, self.heap[child]);
            place = child;
        }
        self.put(place, node);
    }

    fn earliest_child(&self, place: usize) -> Option<usize> {
        let first = place * ARITY + 1;
        let end = (first + ARITY).min(self.heap.len());
        (first..end).min_by_key(|&child| self.heap[child])
    }

    fn put(&mut self, place: usize, node: Node) {
        self.heap[place] = node;
        self.entries[node.key].place = place;
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "heap_tests.rs"]
mod tests;
