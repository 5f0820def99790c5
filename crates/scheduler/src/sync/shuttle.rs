//! Shuttle's primitives behind the names and calls of the production ones.
//!
//! Loom plays every interleaving of a scene of two or three threads; shuttle plays chosen ones, by
//! chance or by [PCT](https://www.microsoft.com/en-us/research/publication/a-randomized-scheduler-with-probabilistic-guarantees-of-finding-bugs/),
//! of a whole scheduler with four workers and dozens of tasks. Its threads are coroutines of one
//! real thread, which may change places at each operation of a primitive below.
//!
//! # What it checks
//! The order of operations: lost wakeups (nobody can run any more: a deadlock), a task polled by
//! two workers at once (see [`UnsafeCell`]), work done twice or never, counters that disagree. A
//! schedule that fails is written down, and replays exactly.
//!
//! # What it does not
//! - Orderings: every access is sequentially consistent, a fence is nothing. A `Release` that was
//!   made `Relaxed`, or a missing fence, is for the loom models to find.
//! - All schedules: that nothing was found in so many of them proves nothing about the others.
//! - Memory: a use after free is not seen as such (the cells' owners are, see [`UnsafeCell`]).
//!
//! # Chance
//! A scene must have no other than shuttle's own, or its schedules do not replay. So the clock is
//! the scene's, a thread is numbered by its place in the scene, and a timed wait has no time: it
//! may run out whenever its thread is chosen.

pub(crate) use super::deque_stand_in as deque;
pub(crate) use super::shuttle_locks::{Condvar, Mutex, MutexGuard};
pub(crate) use std::sync::Arc;

use std::cell::Cell;

/// Shuttle's atomics.
pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
}

/// An `UnsafeCell` that fails the scene if two threads are in it at once: what loom checks with
/// clocks is here a flag, since a thread that is in the cell may change places with another.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T> {
    value: std::cell::UnsafeCell<T>,
    entered: Cell<bool>,
}

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: std::cell::UnsafeCell::new(value),
            entered: Cell::new(false),
        }
    }

    /// Calls `f` with a pointer for shared access.
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        assert!(!self.entered.get(), "a cell is read while it is written");
        f(self.value.get())
    }

    /// Calls `f` with a pointer for exclusive access.
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        struct Leave<'a>(&'a Cell<bool>);

        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }

        assert!(
            !self.entered.replace(true),
            "two threads are in one cell at the same time"
        );
        let _leave = Leave(&self.entered);
        f(self.value.get())
    }
}

/// A thread-local of each of shuttle's threads; std's would be shared by them all.
macro_rules! const_thread_local {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
        shuttle::thread_local! { $(#[$meta])* static $name: $type = $init; }
    };
}
pub(crate) use const_thread_local;

/// The thread's place in the scene. A counter that went on from one schedule to the next would
/// make them differ by more than the schedule.
pub(crate) fn next_thread_number() -> usize {
    shuttle::thread::current().id().into()
}

/// Lets another thread run; PCT takes it as a hint that this one waits for the others.
pub(crate) fn spin_hint() {
    shuttle::hint::spin_loop();
}
