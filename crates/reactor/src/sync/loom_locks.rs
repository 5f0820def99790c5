//! The lock of parking_lot's API over loom's. `lock_tests.rs` holds it against the real one.

/// `lock` returns the guard, and poison does not exist.
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("a model that panics ends at once")
    }
}
