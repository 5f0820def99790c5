//! The only file that names lock and atomic types, so that loom can take their place.
//!
//! Under `--cfg heist_loom` the atomics and the lock below are loom's: its scheduler then explores
//! the interleavings of everything built on them. parking_lot is invisible to loom (a lock held
//! across a switch would hang the model), so the stand-in wraps loom's mutex behind the same API.
//!
//! [`Arc`] stays the standard one. Nothing here relies on a reference count to publish data: what
//! an `Arc` of this crate guards is reached through the locks and atomics inside it.
//!
//! [`plain`] holds the atomics of no protocol: ids and statistics, which loom need not explore.

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use std::sync::Arc;

#[cfg(not(heist_loom))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(heist_loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

// In a model, those that tell a trace their values.
#[cfg(all(heist_loom, test))]
pub(crate) use heist_loom::atomic::{AtomicBool, AtomicU64, Ordering};
#[cfg(all(heist_loom, not(test)))]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Atomics that take part in no protocol; always the standard ones.
pub(crate) mod plain {
    pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
}

/// parking_lot's mutex in loom's clothes: `lock` returns the guard, poisoning does not exist.
#[cfg(heist_loom)]
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(heist_loom)]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("a model that panics ends at once")
    }
}
