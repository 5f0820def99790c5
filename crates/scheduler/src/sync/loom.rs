//! Loom's primitives behind the names and calls of the production ones.

pub(crate) use super::deque_stand_in as deque;
pub(crate) use super::loom_locks::{Condvar, Mutex, MutexGuard};
pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::Arc;

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

    impl std::ops::Deref for AtomicUsize {
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
