//! The watchdog's sleep, and who ends it.
//!
//! While nobody is awake there is nothing to watch, so the watchdog sleeps without a timeout: an
//! idle runtime makes no wakeup at all.
//!
//! # Protocol
//! Watchdog, [`Nap::sleep`]:
//! 1. Say "asleep".
//! 2. `fence(SeqCst)`.
//! 3. Is a worker awake after all? Then withdraw the word, and go on watching.
//! 4. Else wait until someone else withdraws it.
//!
//! A worker that leaves its park, [`Nap::worker_is_awake`]:
//! 1. Its parker says "awake" (that was the parker's last step).
//! 2. `fence(SeqCst)`.
//! 3. Is the watchdog asleep? Then withdraw the word, and notify.
//!
//! # The race
//! Of the two fences one is first. If it is the watchdog's, the worker sees the word and wakes it.
//! If it is the worker's, the watchdog sees the worker awake.

use std::time::Instant;

use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::atomic::fence;
use crate::sync::{Condvar, Mutex};

/// What the watchdog waits on.
#[derive(Debug)]
pub(crate) struct Nap {
    asleep: AtomicBool,
    /// The scheduler stops: no more waiting.
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Nap {
    pub(crate) fn new() -> Self {
        Self {
            asleep: AtomicBool::new(false),
            closed: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    /// Waits until a worker is awake, as `anyone_awake` tells now and [`Nap::worker_is_awake`]
    /// later, or until closed.
    pub(crate) fn sleep(&self, anyone_awake: impl FnOnce() -> bool) {
        self.asleep.store(true, Relaxed);
        // ORDERING: fence SeqCst pairs with `Nap::worker_is_awake`: orders the word before the look
        // at the workers.
        // (model: a_worker_that_wakes_up_is_seen_or_wakes_the_watchdog)
        fence(SeqCst);
        if anyone_awake() {
            return self.asleep.store(false, Relaxed);
        }
        let mut closed = self.closed.lock();
        while !*closed && self.asleep.load(Relaxed) {
            closed = self.changed.wait(closed);
        }
    }

    /// Waits until `deadline`, or until closed.
    pub(crate) fn pause(&self, deadline: Instant) {
        let closed = self.closed.lock();
        if !*closed {
            drop(self.changed.wait_until(closed, deadline));
        }
    }

    /// A worker has left its park.
    #[inline]
    pub(crate) fn worker_is_awake(&self) {
        // ORDERING: fence SeqCst pairs with `Nap::sleep`: orders the parker's "awake" before the look
        // at the word.
        // (model: a_worker_that_wakes_up_is_seen_or_wakes_the_watchdog)
        fence(SeqCst);
        if self.asleep.load(Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let closed = self.closed.lock();
        self.asleep.store(false, Relaxed);
        drop(closed);
        self.changed.notify_one();
    }

    /// Ends all waiting, for good.
    pub(crate) fn close(&self) {
        *self.closed.lock() = true;
        self.changed.notify_one();
    }
}
