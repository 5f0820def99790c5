//! A place for one task that its owner fills and anyone may empty: the LIFO slot.
//!
//! # Protocol
//! - The owner alone puts a task in ([`Slot::put`]); it may also take it out again.
//! - Thieves only take ([`Slot::take`]).
//!
//! # Invariants
//! The pointer in the slot is a token: putting gives it away, taking (a swap with null) gets it,
//! so one taker wins. Only the owner stores a token, so a slot that the owner saw empty stays
//! empty until the owner fills it: filling an empty slot needs no read-modify-write.

use std::fmt;
use std::ptr::{NonNull, null_mut};

use super::Task;
use super::cell::Header;
use crate::sync::atomic::AtomicPtr;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The LIFO slot of one worker.
pub(crate) struct Slot(AtomicPtr<Header>);

impl Slot {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// Puts a task in and returns the one it displaced. Only the slot's owner may call it.
    #[inline]
    pub(crate) fn put(&self, task: Task) -> Option<Task> {
        let pointer = task.into_raw().as_ptr();
        if self.0.load(Relaxed).is_null() {
            // ORDERING: Release pairs with `Slot::take`: publishes the token's cell.
            // (model: a_task_that_fills_an_empty_slot_is_published)
            self.0.store(pointer, Release);
            return None;
        }
        // No Acquire for the displaced token: if a thief has not taken it, it is the one that this
        // thread put.
        // ORDERING: Release pairs with `Slot::take`: publishes the token's cell.
        // (model: slot_gives_each_task_to_one_taker)
        Self::token(self.0.swap(pointer, Release))
    }

    /// Takes the task out, from any thread.
    #[inline]
    pub(crate) fn take(&self) -> Option<Task> {
        if self.is_empty() {
            return None;
        }
        // Nothing is published by taking: the null says no more than that the slot is free.
        // ORDERING: Acquire pairs with `Slot::put`: sees the token's cell.
        // (model: slot_gives_each_task_to_one_taker)
        Self::token(self.0.swap(null_mut(), Acquire))
    }

    /// Whether nothing is in the slot; a hint unless the owner asks.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Relaxed).is_null()
    }

    fn token(pointer: *mut Header) -> Option<Task> {
        // SAFETY: a non-null pointer in the slot came from `Task::into_raw`, and the swap that
        // returned it removed it: this is its only token.
        NonNull::new(pointer).map(|header| unsafe { Task::from_raw(header) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.take()); // Cancels what nobody took.
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("empty", &self.is_empty())
            .finish()
    }
}
