//! Wakers taken out of their places under a lock, to be called once it is free again.
//!
//! Invariants: only [`WakeBatch::wake_all`] calls wakers, and its callers hold no lock. Wakers are
//! called in the order they were pushed. One that panics costs nobody else their wakeup.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::task::Waker;

/// A reusable list of wakers to call.
#[derive(Debug, Default)]
pub(crate) struct WakeBatch {
    wakers: Vec<Waker>,
}

impl WakeBatch {
    pub(crate) const fn new() -> Self {
        Self { wakers: Vec::new() }
    }

    pub(crate) fn push(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }

    pub(crate) fn extend(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.wakers.extend(wakers);
    }

    /// Calls and forgets every waker, in order; keeps the room for the next batch.
    ///
    /// Wakers are foreign code. A panic in one has been reported by the panic hook when it arrives
    /// here; it goes no further, as the thread that happens to turn the reactor is not to blame.
    pub(crate) fn wake_all(&mut self) {
        for waker in self.wakers.drain(..) {
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                // Its drop is foreign code, too. One that panics leaves a payload whose drop may do the
                // same, and so on: that one is leaked.
                if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                    mem::forget(again);
                }
            }
        }
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "wake_batch_tests.rs"]
mod tests;
