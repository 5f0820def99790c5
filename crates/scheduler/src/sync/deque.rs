//! What stands in for `crossbeam_deque` under loom: a work-stealing FIFO on Release and Acquire.
//!
//! # Protocol
//! - `push` (owner): writes `slots[tail]`, then publishes with `tail = tail + 1` (Release).
//! - `pop` and `steal` (anyone): read `head` and `tail` (Acquire), take a position by advancing
//!   `head` with a compare-exchange, then read that slot, which nobody else can have taken.
//!
//! # Invariants
//! - A slot is written once and taken once: the array never wraps, so there is no ABA and no
//!   slot is read while it is written. A model pushes at most [`CAPACITY`] times on one queue.
//! - No lock, no SeqCst: a stand-in that synchronized more than the real deque promises would
//!   hide lost wakeups. `crates/scheduler/src/sync/deque_tests.rs` holds it against the real one.

use parking_lot::Mutex;

use super::Arc;
use super::atomic::AtomicUsize;
use super::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// How many pushes one queue takes in its life. Loom's scenes are small, and made millions of times.
const CAPACITY: usize = if cfg!(heist_shuttle) { 8192 } else { 16 };

/// The outcome of a steal, as in `crossbeam_deque::Steal`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Steal<T> {
    /// Nothing was there.
    Empty,
    /// An item was taken.
    Success(T),
    /// Another thread was faster: try again.
    Retry,
}

struct Inner<T> {
    head: AtomicUsize,
    tail: AtomicUsize,
    /// Each slot has its own lock, never contended: it only moves the value without unsafe code,
    /// and nobody but the slot's one writer and one taker ever touches it. A real lock, which
    /// loom does not see: it must order nothing in a model.
    slots: Box<[Mutex<Option<T>>]>,
}

impl<T> Inner<T> {
    fn take(&self) -> Steal<T> {
        // ORDERING: Acquire pairs with the AcqRel of other takers: slots before `head` are gone.
        let head = self.head.load(Acquire);
        // ORDERING: Acquire pairs with the Release in `Worker::push`: publishes the slot.
        let tail = self.tail.load(Acquire);
        if head >= tail {
            return Steal::Empty;
        }
        // ORDERING: AcqRel: the taker owns the slot; pairs with itself in other takers.
        match self.head.compare_exchange(head, head + 1, AcqRel, Relaxed) {
            Ok(_) => match self.slots[head].lock().take() {
                Some(item) => Steal::Success(item),
                None => unreachable!("a published slot is taken once"),
            },
            Err(_) => Steal::Retry,
        }
    }
}

/// The owner's end.
pub(crate) struct Worker<T>(Arc<Inner<T>>);

/// A thief's end.
pub(crate) struct Stealer<T>(Arc<Inner<T>>);

impl<T> Worker<T> {
    pub(crate) fn new_fifo() -> Self {
        Self(Arc::new(Inner {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            slots: (0..CAPACITY).map(|_| Mutex::new(None)).collect(),
        }))
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(self.0.clone())
    }

    pub(crate) fn push(&self, item: T) {
        let tail = self.0.tail.load(Relaxed);
        assert!(tail < CAPACITY, "a model pushes at most {CAPACITY} items");
        *self.0.slots[tail].lock() = Some(item);
        // ORDERING: Release pairs with the Acquire of `tail` in `Inner::take`: publishes the slot.
        self.0.tail.store(tail + 1, Release);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        loop {
            match self.0.take() {
                Steal::Empty => return None,
                Steal::Success(item) => return Some(item),
                Steal::Retry => super::spin_hint(),
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        let tail = self.0.tail.load(Relaxed);
        tail.saturating_sub(self.0.head.load(Relaxed))
    }
}

impl<T> Stealer<T> {
    pub(crate) fn is_empty(&self) -> bool {
        // The weakest reading that the real `Stealer::is_empty` (Acquire, SeqCst fence, Acquire)
        // may be relied on for: whatever order is needed comes from the caller's fence.
        let head = self.0.head.load(Relaxed);
        self.0.tail.load(Relaxed) <= head
    }

    pub(crate) fn len(&self) -> usize {
        let head = self.0.head.load(Relaxed);
        self.0.tail.load(Relaxed).saturating_sub(head)
    }

    pub(crate) fn steal_batch_with_limit_and_pop(
        &self,
        dest: &Worker<T>,
        limit: usize,
    ) -> Steal<T> {
        let want = self.len().div_ceil(2).clamp(1, limit);
        let first = self.0.take();
        if matches!(first, Steal::Success(_)) {
            for _ in 1..want {
                match self.0.take() {
                    Steal::Success(item) => dest.push(item),
                    Steal::Empty | Steal::Retry => break,
                }
            }
        }
        first
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "deque_tests.rs"]
mod tests;
