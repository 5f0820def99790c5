//! The locks of parking_lot's API over loom's. `lock_tests.rs` holds them against the real ones.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use loom::sync::atomic::Ordering::Relaxed;

/// parking_lot's `Mutex` API over loom's. Loom's has poison, which no model may come to see.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T> {
    lock: loom::sync::Mutex<T>,
    /// Where other threads may run before one tries to lock, and before one that has tried unlocks:
    /// so loom compares the two, and plays a try that fails.
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
        MutexGuard {
            mutex: self,
            inner,
            _tried: None,
        }
    }

    /// Never waits. Loom's own would, for a thread that comes to lock between the announcement and
    /// the attempt: a deadlock that is none. So nobody runs in between, but at the door.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.door.load(Relaxed);
        loom::stop_exploring();
        let inner = self.lock.try_lock();
        loom::explore();
        Some(MutexGuard {
            mutex: self,
            inner: inner.ok()?,
            _tried: Some(Tried(&self.door)),
        })
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
    /// Dropped before `inner`.
    _tried: Option<Tried<'a>>,
    inner: loom::sync::MutexGuard<'a, T>,
}

/// Passes the door on the way out.
#[derive(Debug)]
struct Tried<'a>(&'a loom::sync::atomic::AtomicBool);

impl Drop for Tried<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.store(true, Relaxed);
        }
    }
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
        let MutexGuard { mutex, inner, .. } = guard;
        let inner = self.0.wait(inner).expect("no model panics under a lock");
        MutexGuard {
            mutex,
            _tried: None,
            inner,
        }
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
