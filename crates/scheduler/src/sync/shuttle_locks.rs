//! The locks of parking_lot's API over shuttle's. `lock_tests.rs` holds them against the real ones.

use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};
use std::time::{Duration, Instant};

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::mpsc::{Receiver, Sender, channel};

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
            shuttle::hint::spin_loop();
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
