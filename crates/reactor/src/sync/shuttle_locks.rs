//! The lock of parking_lot's API over shuttle's. `lock_tests.rs` holds it against the real one.

use std::sync::PoisonError;

/// `lock` returns the guard. Poison is passed over: shuttle poisons a lock that is merely released
/// while another thread of the scene unwinds.
#[derive(Debug)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> shuttle::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
