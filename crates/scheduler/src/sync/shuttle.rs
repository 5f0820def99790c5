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
pub(crate) use std::sync::Arc;

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};
use std::time::{Duration, Instant};

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::mpsc::{Receiver, Sender, channel};

/// Shuttle's atomics.
pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
}

/// parking_lot's `Mutex` API over shuttle's. Poison is passed over: a scene's panics are its own
/// business, and shuttle poisons a lock that is merely released while *another* thread unwinds.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard { mutex: self, inner }
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let inner = match self.0.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(MutexGuard { mutex: self, inner })
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Exclusive access; knows its mutex, as parking_lot's does.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    inner: shuttle::sync::MutexGuard<'a, T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// parking_lot's `Condvar` API. Not over shuttle's, whose timed wait never runs out: this one is a
/// list of those who wait, and whoever is taken off it is notified.
///
/// Whom `notify_one` picks is left to chance, as it is to the real one. Nobody wakes for no reason:
/// the real one promises that too.
#[derive(Debug, Default)]
pub(crate) struct Condvar {
    /// A real lock, never contended: no thread changes places while it holds it.
    waiters: parking_lot::Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    entered: usize,
    list: Vec<Waiter>,
}

/// Dropping it ends the wait.
#[derive(Debug)]
struct Waiter {
    number: usize,
    _ends: Sender<()>,
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Enters the list.
    fn enter(&self) -> (usize, Receiver<()>) {
        // A notifier that does not hold the caller's lock may come first, and is lost.
        scheduling_point();
        let (_ends, end) = channel();
        let mut waiters = self.waiters.lock();
        waiters.entered += 1;
        let number = waiters.entered;
        waiters.list.push(Waiter { number, _ends });
        (number, end)
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let (_, end) = self.enter();
        let mutex = guard.mutex;
        drop(guard);
        end.recv().expect_err("nothing is sent, only dropped");
        mutex.lock()
    }

    /// The time may run out at any moment: each time that the thread is chosen, by one chance in
    /// [`PATIENCE`]. A notification that came first counts.
    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _deadline: Instant,
    ) -> (MutexGuard<'a, T>, bool) {
        let (number, _end) = self.enter();
        let mutex = guard.mutex;
        drop(guard);
        let timed_out = loop {
            let mut waiters = self.waiters.lock();
            let Some(place) = waiters.list.iter().position(|one| one.number == number) else {
                break false;
            };
            if thread_rng().gen_ratio(1, PATIENCE) {
                waiters.list.remove(place);
                break true;
            }
            drop(waiters);
            spin_hint();
        };
        (mutex.lock(), timed_out)
    }

    pub(crate) fn notify_one(&self) {
        scheduling_point();
        let mut waiters = self.waiters.lock();
        let count = waiters.list.len();
        if count > 0 {
            waiters.list.swap_remove(thread_rng().gen_range(0..count));
        }
    }

    pub(crate) fn notify_all(&self) {
        scheduling_point();
        self.waiters.lock().list.clear();
    }
}

/// Any other thread may run here. Shuttle sleeps for no time, but knows no other name for it.
fn scheduling_point() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// How often a timed wait is chosen, on average, before its time is over.
const PATIENCE: u32 = 6;

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
