//! Loom's primitives behind the names and calls of the production ones.

pub(crate) use super::deque_stand_in as deque;
pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::Arc;

use std::ops::{Deref, DerefMut};
use std::time::Instant;

/// Loom's atomics, in a model with their values told; those that live in a task's cell also tell
/// when they die too early.
pub(crate) mod atomic {
    #[cfg(test)]
    use heist_loom::atomic as imp;
    #[cfg(not(test))]
    use loom::sync::atomic as imp;

    pub(crate) use imp::{AtomicBool, AtomicPtr, Ordering, fence};

    /// Its drop is an access, as freeing memory is: loom reports a use that is not ordered
    /// before the free.
    #[derive(Debug)]
    pub(crate) struct AtomicUsize(imp::AtomicUsize);

    impl AtomicUsize {
        pub(crate) fn new(value: usize) -> Self {
            Self(imp::AtomicUsize::new(value))
        }
    }

    impl super::Deref for AtomicUsize {
        type Target = imp::AtomicUsize;

        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    impl Drop for AtomicUsize {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                self.0.with_mut(|_| ());
            }
        }
    }
}

/// parking_lot's `Mutex` API over loom's. Loom's has poison, which no model may come to see.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T> {
    lock: loom::sync::Mutex<T>,
    /// Where other threads may run before one tries to lock.
    door: loom::sync::atomic::AtomicBool,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            lock: loom::sync::Mutex::new(value),
            door: loom::sync::atomic::AtomicBool::new(false),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let inner = self.lock.lock().expect("no model panics under a lock");
        MutexGuard { mutex: self, inner }
    }

    /// Never waits. Loom's own would, for a thread that comes to lock between the announcement and
    /// the attempt: a deadlock that is none. So nobody runs in between, but at the door.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.door.load(atomic::Ordering::Relaxed);
        loom::stop_exploring();
        let inner = self.lock.try_lock();
        loom::explore();
        let inner = inner.ok()?;
        Some(MutexGuard { mutex: self, inner })
    }

    pub(crate) fn into_inner(self) -> T {
        self.lock
            .into_inner()
            .expect("no model panics under a lock")
    }
}

/// Exclusive access; knows its mutex, as parking_lot's does.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    inner: loom::sync::MutexGuard<'a, T>,
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

/// parking_lot's `Condvar` API over loom's. Loom has no time: a timed wait runs out at once, but
/// the lock is free meanwhile, so that others may come first or too late.
#[derive(Debug)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { mutex, inner } = guard;
        let inner = self.0.wait(inner).expect("no model panics under a lock");
        MutexGuard { mutex, inner }
    }

    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _deadline: Instant,
    ) -> (MutexGuard<'a, T>, bool) {
        let mutex = guard.mutex;
        drop(guard);
        (mutex.lock(), true)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A thread-local of each modelled thread; std's would be shared by them all.
macro_rules! const_thread_local {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
        loom::thread_local! { $(#[$meta])* static $name: $type = $init; }
    };
}
pub(crate) use const_thread_local;

/// The sticky shard of a new thread: one for all. A counter that went on from one permutation to
/// the next would make them differ by more than the schedule.
pub(crate) fn next_thread_number() -> usize {
    0
}

/// Lets another modelled thread run.
pub(crate) fn spin_hint() {
    loom::thread::yield_now();
}
