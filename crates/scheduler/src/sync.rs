//! The only module that names a synchronization primitive of std, parking_lot, crossbeam, loom or
//! shuttle.
//!
//! Under `--cfg heist_loom` every primitive is loom's, so that the models in `models/` drive the
//! production code through all interleavings. What loom cannot see is replaced behind the same
//! API by a stand-in that promises no more than the real thing:
//!
//! | production | under loom | checked | assumed |
//! |---|---|---|---|
//! | `std::sync::atomic`, `Arc` | loom's | orderings, fences | - |
//! | `parking_lot::{Mutex, Condvar}` | loom's, same calls; a timed wait runs out at once | exclusion, lost notifications | a parking_lot lock is a lock |
//! | `crossbeam_deque` | [`deque`]: an array of slots, Release / Acquire only | the scheduler's use of it | linearizable push, pop, steal (Le et al., PPoPP 2013) |
//! | `thread_local!` | loom's: the modelled threads share one real thread | - | one thread never races with itself |
//! | the number of a thread | one for all | - | which shard a thread uses is of no consequence |
//!
//! The modelled [`atomic::AtomicUsize`] checks one thing more: that each access to a task's state
//! happens before the cell is freed.
//!
//! The stand-in deque holds no lock and no SeqCst operation: a mutex there would order the push
//! against the sleeper's re-check and hide exactly the lost wakeup that the fences prevent.

#[cfg(not(any(heist_loom, heist_shuttle)))]
mod imp {
    pub(crate) use crossbeam_deque as deque;
    pub(crate) use parking_lot::{Mutex, MutexGuard};
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic;

    use std::time::Instant;

    /// parking_lot's condition variable; the guard goes through by value, as loom wants it.
    #[derive(Debug, Default)]
    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        pub(crate) const fn new() -> Self {
            Self(parking_lot::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(&mut guard);
            guard
        }

        /// Waits until notified or until `deadline`; the flag says whether the time ran out.
        pub(crate) fn wait_until<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            deadline: Instant,
        ) -> (MutexGuard<'a, T>, bool) {
            let timed_out = self.0.wait_until(&mut guard, deadline).timed_out();
            (guard, timed_out)
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }

    /// An `UnsafeCell` whose accesses loom can see.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with a pointer for shared access.
        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer for exclusive access.
        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// A thread-local with a constant initial value.
    macro_rules! const_thread_local {
        ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
            std::thread_local! { $(#[$meta])* static $name: $type = const { $init }; }
        };
    }
    pub(crate) use const_thread_local;

    /// Numbers the threads that ask. Plain std: a counter is no synchronization.
    pub(crate) fn next_thread_number() -> usize {
        static NEXT: atomic::AtomicUsize = atomic::AtomicUsize::new(0);
        NEXT.fetch_add(1, atomic::Ordering::Relaxed)
    }

    /// Tells the processor that this loop waits for another thread's next step.
    #[inline]
    pub(crate) fn spin_hint() {
        std::hint::spin_loop();
    }
}

#[cfg(heist_loom)]
#[path = "sync/loom.rs"]
mod imp;

#[cfg(all(heist_shuttle, not(heist_loom)))]
#[path = "sync/shuttle.rs"]
mod imp;

#[cfg(any(heist_loom, heist_shuttle, test))]
#[path = "sync/deque.rs"]
pub(crate) mod deque_stand_in;

/// Atomics that take part in no protocol, ids, statistics and hints: std's also under loom.
pub(crate) mod plain {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use imp::*;
