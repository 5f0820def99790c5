//! Where a worker blocks: in the driver if that role is free, else on a condition variable.
//!
//! # States
//! | state | meaning |
//! |---|---|
//! | EMPTY | awake, no token |
//! | NOTIFIED | the token: the next `park` returns at once |
//! | IN_DRIVER | blocks in [`Driver::park`], or is about to |
//! | ON_CONDVAR | blocks on the condition variable, or is about to |
//!
//! # Protocol
//! Park: swap a NOTIFIED for EMPTY and return; else try for the driver role. With it: EMPTY →
//! IN_DRIVER, `Driver::park`, swap to EMPTY. Without: take the lock, EMPTY → ON_CONDVAR, wait
//! until NOTIFIED, swap to EMPTY.
//! Unpark: swap to NOTIFIED. Was IN_DRIVER: set the driver's token. Was ON_CONDVAR: pass through
//! the lock, then notify. Else nothing: the parker will see NOTIFIED itself.
//!
//! # The race
//! An unpark between "EMPTY → IN_DRIVER" and the moment `Driver::park` blocks: the driver's own
//! token makes it return. Between "EMPTY → ON_CONDVAR" and the wait: the parker holds the lock
//! all that time, so the notifier, which passes through the lock, comes after the wait began. If
//! the worker left the driver by itself just before the token was set, the token makes the next
//! `Driver::park`, by whomever, return early: the contract allows it.
//!
//! # Invariants
//! - The driver role is a lock that is only tried, never waited for, and is given back before any
//!   task runs. While it is held, wakers run on this thread (see [`crate::driver`]).
//! - A parker whose worker does not park is EMPTY or NOTIFIED, also after a waker's panic went
//!   through the driver and through `park`.

use crate::driver::{Driver, Unpark};
use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::{Condvar, Mutex, MutexGuard};

const EMPTY: usize = 0;
const NOTIFIED: usize = 1;
const IN_DRIVER: usize = 2;
const ON_CONDVAR: usize = 3;

/// The one driver of a scheduler, and the right to park in it.
#[derive(Debug)]
pub(crate) struct DriverSlot {
    role: Mutex<Option<Box<dyn Driver>>>,
    unparker: std::sync::Arc<dyn Unpark>,
}

/// Evidence that this thread holds the driver role.
pub(crate) type DriverRole<'a> = MutexGuard<'a, Option<Box<dyn Driver>>>;

impl DriverSlot {
    pub(crate) fn new(driver: Box<dyn Driver>) -> Self {
        Self {
            unparker: driver.unparker(),
            role: Mutex::new(Some(driver)),
        }
    }

    /// See [`Unpark::went_idle`].
    pub(crate) fn went_idle(&self) {
        self.unparker.went_idle();
    }

    /// Takes the role if it is free.
    pub(crate) fn try_role(&self) -> Option<DriverRole<'_>> {
        self.role.try_lock().filter(|driver| driver.is_some())
    }

    /// Takes the driver out for good, after the last worker has stopped.
    pub(crate) fn take(&self) -> Option<Box<dyn Driver>> {
        self.role.lock().take()
    }
}

/// What one worker blocks in.
#[derive(Debug)]
pub(crate) struct Parker {
    state: AtomicUsize,
    lock: Mutex<()>,
    wakeup: Condvar,
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not parked, or not for long: its token is there.
    Awake,
    /// In the driver, or about to be.
    InDriver,
    /// On the condition variable, or about to be.
    OnCondvar,
}

/// Where a call to [`Parker::park`] spent its time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parked {
    /// Nowhere: the token was there.
    AtOnce,
    /// In the driver, which may have woken tasks.
    InDriver,
    /// On the condition variable.
    OnCondvar,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicUsize::new(EMPTY),
            lock: Mutex::new(()),
            wakeup: Condvar::new(),
        }
    }

    /// Blocks until unparked, until the driver has something, or (in the driver) for no reason.
    pub(crate) fn park(&self, driver: &DriverSlot) -> Parked {
        if self.take_token() {
            return Parked::AtOnce;
        }
        match driver.try_role() {
            Some(role) => self.park_in_driver(role),
            None => self.park_on_condvar(),
        }
    }

    /// Consumes the token, if it is there.
    fn take_token(&self) -> bool {
        // ORDERING: Acquire pairs with `Parker::unpark`: sees what was done before the unpark.
        // (model: unpark_before_park_returns_at_once)
        self.state
            .compare_exchange(NOTIFIED, EMPTY, Acquire, Relaxed)
            .is_ok()
    }

    fn park_in_driver(&self, mut role: DriverRole<'_>) -> Parked {
        if !self.enter(IN_DRIVER) {
            return Parked::AtOnce;
        }
        let _left = Leave(self);
        let driver = role.as_mut().expect("`try_role` found a driver");
        driver.park(None);
        Parked::InDriver
    }

    fn park_on_condvar(&self) -> Parked {
        let mut guard = self.lock.lock();
        if !self.enter(ON_CONDVAR) {
            return Parked::AtOnce;
        }
        while !self.take_token() {
            guard = self.wakeup.wait(guard);
        }
        Parked::OnCondvar
    }

    /// Announces where this worker is about to block; false if a token came first.
    fn enter(&self, place: usize) -> bool {
        // Relaxed: `unpark` needs no more than the place itself. Behind it stands a lock that this
        // thread already holds, or the driver's token.
        let entered = self
            .state
            .compare_exchange(EMPTY, place, Relaxed, Relaxed)
            .is_ok();
        if !entered {
            let taken = self.take_token();
            debug_assert!(taken, "only its own worker parks in a parker");
        }
        entered
    }

    /// Where the worker is; by the time of the answer it may be elsewhere.
    pub(crate) fn place(&self) -> Place {
        match self.state.load(Relaxed) {
            IN_DRIVER => Place::InDriver,
            ON_CONDVAR => Place::OnCondvar,
            _ => Place::Awake,
        }
    }

    /// Makes the worker's current or next park return.
    pub(crate) fn unpark(&self, driver: &DriverSlot) {
        // ORDERING: Release pairs with `Parker::take_token` and `Leave::drop`: publishes what was done
        // before the unpark. (models: unpark_before_park_returns_at_once,
        // unpark_reaches_a_worker_on_the_condvar)
        match self.state.swap(NOTIFIED, Release) {
            IN_DRIVER => driver.unparker.unpark(),
            ON_CONDVAR => {
                drop(self.lock.lock());
                self.wakeup.notify_one();
            }
            _ => {}
        }
    }
}

/// Ends a stay in the driver, also one that a panic ends.
struct Leave<'a>(&'a Parker);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        // ORDERING: Acquire pairs with `Parker::unpark`: sees what was done before the unpark.
        // (model: unpark_reaches_a_worker_in_the_driver)
        self.0.state.swap(EMPTY, Acquire);
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "parker_tests.rs"]
mod tests;
