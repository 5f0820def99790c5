//! The only module that names a lock or an atomic of std, parking_lot, crossbeam, loom or shuttle, so
//! that loom and shuttle can take their place.
//!
//! Under `--cfg heist_loom` all of them are loom's, and the models in `models/` drive the production
//! code through all interleavings; under `--cfg heist_shuttle` they are shuttle's, for the scenes in
//! `stress/`, whose schedules are chosen by chance.
//!
//! | production | under loom | under shuttle | checked | assumed |
//! |---|---|---|---|---|
//! | `std::sync::atomic` | loom's | shuttle's, every one sequentially consistent | orderings by loom; the order of operations by both | - |
//! | `parking_lot::Mutex` | loom's, same calls | shuttle's, same calls | exclusion, what a lock publishes, deadlocks | a parking_lot lock is a lock |
//! | `std::sync::Arc` | the same | the same | - | a count frees its object once, after every use |
//! | [`plain`] | std's | std's | - | which shard a thread uses, and what a statistic says, is of no consequence |
//! | `mio`, the kernel | not in a model: events, keys and deadlines are the scene's | the same | what becomes of an event, however late it comes | epoll tells of every edge after the registration; a timerfd rings |
//!
//! # Why the assumptions are safe
//! - The lock: what the code relies on is that critical sections exclude one another and that each sees
//!   what the one before wrote, the contract of any lock; no model needs more (fairness, or which of two
//!   waiting threads is next). `lock_tests.rs` runs small programs on the real one and on both stand-ins
//!   and compares what they can come to.
//! - `Arc`: nothing here takes a conclusion from a reference count to publish data: what an `Arc` of this
//!   crate guards is reached through the locks and atomics inside it.
//! - The kernel: integration tests play it with real sockets and timers, the leak of an event included.

use std::marker::PhantomData;

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use std::sync::Arc;

#[cfg(not(any(heist_loom, heist_shuttle)))]
mod imp {
    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

#[cfg(heist_loom)]
mod imp {
    pub(crate) use super::loom_locks::Mutex;
    // In a model, those that tell a trace their values.
    #[cfg(test)]
    pub(crate) use heist_loom::atomic::{AtomicBool, AtomicU64, Ordering};
    #[cfg(not(test))]
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

#[cfg(all(heist_shuttle, not(heist_loom)))]
mod imp {
    pub(crate) use super::shuttle_locks::Mutex;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

#[cfg(any(heist_loom, all(test, not(heist_shuttle))))]
mod loom_locks;

#[cfg(all(any(heist_shuttle, test), not(heist_loom)))]
mod shuttle_locks;

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
mod lock_tests;

/// Atomics that take part in no protocol; always the standard ones.
pub(crate) mod plain {
    pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
}

/// For what must stay on its thread, but may be looked at from others: a guard of std's is that, and a pointer,
/// the usual way to say "not `Send`", would be "not `Sync`" as well.
#[derive(Debug)]
pub(crate) struct NotSend(PhantomData<std::sync::MutexGuard<'static, ()>>);

impl NotSend {
    pub(crate) const HERE: Self = Self(PhantomData);
}

pub(crate) use imp::*;
