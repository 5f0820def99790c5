//! The only module that names a synchronization primitive of std, parking_lot, crossbeam, loom or
//! shuttle.
//!
//! Under `--cfg heist_loom` every primitive is loom's, so that the models in `models/` drive the
//! production code through all interleavings; under `--cfg heist_shuttle` it is shuttle's, for the
//! scenes of a whole scheduler in `stress/`, whose schedules are chosen by chance. What neither can see
//! is replaced behind the same API by a stand-in that promises no more than the real thing:
//!
//! | production | under loom | under shuttle | checked | assumed |
//! |---|---|---|---|---|
//! | `std::sync::atomic` | loom's | shuttle's, every one sequentially consistent, fences nothing | orderings and fences by loom; the order of operations by both | - |
//! | `UnsafeCell` | loom's | a flag: two threads in one cell fail the scene | no access without its order | - |
//! | `Arc` | loom's | std's | uses before the free; leaks | - |
//! | `parking_lot::Mutex` | loom's, same calls; a try that fails is played | shuttle's, same calls | exclusion, what a lock publishes, deadlocks | a parking_lot lock is a lock |
//! | `parking_lot::Condvar` | loom's; a timed wait runs out at once | a list of those who wait; a timed wait runs out by chance | lost notifications; both ends of a timed wait | a wait gives the lock up and begins in one step |
//! | `crossbeam_deque` | [`deque`]: an array of slots, Release / Acquire only | the same | the scheduler's use of it | linearizable push, pop, steal (Le et al., PPoPP 2013) |
//! | `crossbeam_utils::CachePadded` | the same | the same | - | it is padding |
//! | `thread_local!` | loom's: the modelled threads share one real thread | shuttle's, for the same reason | - | one thread never races with itself |
//! | the number of a thread | one for all | its place in the scene | - | which shard a thread uses is of no consequence |
//! | [`plain`] | std's | std's | - | an id, a statistic, a hint: nobody draws a conclusion from their order |
//!
//! The modelled [`atomic::AtomicUsize`] checks one thing more: that each access to a task's state
//! happens before the cell is freed.
//!
//! # Why the assumptions are safe
//! - The locks: the scheduler relies on what any lock and condition variable promise (exclusion, order
//!   from unlock to lock, no notification lost between the announcement of a wait and the wait), and on
//!   nothing else: not on fairness, nor on who is woken first. `sync/lock_tests.rs` runs small programs
//!   on the real ones and on both stand-ins; all come to the same outcomes. parking_lot wakes nobody for
//!   no reason, nor do the stand-ins; each wait stands in a loop all the same. Under loom a timed wait
//!   always says that its time has run out: the callers look at what they wait for first.
//! - The deque: what the stand-in lacks is the growth of the buffer and the SeqCst fence of the real one,
//!   which only adds order: what holds with the stand-in holds with it. Its array never wraps, so that
//!   no model depends on how the real one reclaims. `sync/deque_tests.rs` compares every answer of both
//!   in all short histories, and what an owner and a thief share. A steal that is to be tried again
//!   (`Steal::Retry`) comes in both for the same reason, another taker that was faster.
//! - Padding, numbers and hints change no outcome: a model with one shard, or all in one, is one of the
//!   cases that production has.
//!
//! The stand-in deque holds no lock and no SeqCst operation: a mutex there would order the push
//! against the sleeper's re-check and hide exactly the lost wakeup that the fences prevent.

use std::marker::PhantomData;

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

#[cfg(any(heist_loom, all(test, not(heist_shuttle))))]
#[path = "sync/loom_locks.rs"]
mod loom_locks;

#[cfg(all(any(heist_shuttle, test), not(heist_loom)))]
#[path = "sync/shuttle_locks.rs"]
mod shuttle_locks;

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "sync/lock_tests.rs"]
mod lock_tests;

/// Atomics that take part in no protocol, ids, statistics and hints: std's also under loom.
pub(crate) mod plain {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}

/// For what must stay on its thread, but may be looked at from others: a guard of std's is that, and a pointer,
/// the usual way to say "not `Send`", would be "not `Sync`" as well.
#[derive(Debug)]
pub(crate) struct NotSend(PhantomData<std::sync::MutexGuard<'static, ()>>);

impl NotSend {
    pub(crate) const HERE: Self = Self(PhantomData);
}

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use imp::*;
