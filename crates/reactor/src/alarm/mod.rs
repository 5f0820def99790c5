//! When the idle reactor must wake up for a timer: the one deadline the platform's alarm is set to.
//!
//! # Protocol
//! `armed` is the deadline the hardware is set to, or [`Nanos::NEVER`].
//!
//! *Whoever arms a timer*, [`Alarm::ring_by`]: (1) put the timer into its shard, under the shard's
//! lock; (2) look at `armed`: if it is no later, some sweep will find the timer in time, done;
//! (3) under the alarm's lock look again, and set `armed` and the hardware together.
//!
//! *The thread that turns the reactor*, once a deadline has come: (1) [`Alarm::start_sweep`] sets
//! `armed` to never; (2) it visits each shard under its lock, fires what is due and notes the
//! earliest deadline left; (3) [`Sweep::finish`] sets the alarm to the earliest of all, unless it
//! is set to an earlier one by now.
//!
//! The race: the timer goes into a shard the sweep has already left, and whoever armed it still
//! sees the old, earlier `armed` and relies on a sweep that is nearly over. It cannot be: sweep
//! step 1 comes before its visit, the visit's unlock comes before the lock of arming step 1, so
//! arming step 2 sees "never" or what was set after it. If the visit comes after arming step 1
//! instead, it finds the timer. One of the two always takes the duty.
//!
//! # Invariants
//! - `armed` and the hardware change together, under the alarm's lock. `armed` is never later than
//!   the hardware's own deadline, except that a sweep leaves the hardware as it was: it rings once
//!   too often, never too late.
//! - A cancelled timer leaves the alarm set. It rings once for nothing; the sweep then sets it to
//!   what is left. So cancelling costs no syscall, and no timer at all means no wakeup at all.
//! - No user code runs under the alarm's lock, but the question whether the clock runs: while it stands
//!   the hardware is left alone, and whoever moves the clock turns the reactor.
//!
//! # Memory ordering
//! `armed` is Relaxed throughout: the shards' locks and the alarm's own carry every edge above, and
//! no data is reached through `armed`. (Models: `a_timer_armed_during_a_sweep_is_not_forgotten`,
//! `the_alarm_is_set_to_the_earlier_of_two_timers`.)
//!
//! # Rejected
//! - Reading each shard's earliest deadline from an atomic, without its lock: makes the race a
//!   store-load one that takes a fence on both sides, to spare a sweep a few uncontended locks.
//! - A timeout on every wait instead of an alarm: epoll counts milliseconds, which is 500 µs late
//!   on average, and every wait would pay for the clock and the kernel's timer.

use std::fmt::Debug;
use std::time::Duration;

use crate::clock::{Nanos, Timeline};
use crate::sync::{AtomicU64, Mutex, Ordering};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(
    all(test, not(any(heist_loom, heist_shuttle))),
    not(any(target_os = "linux", target_os = "android"))
))]
mod portable;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{PlatformAlarm, wait_timeout};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use portable::{PlatformAlarm, wait_timeout};

/// What ends the reactor's wait at a deadline; a timerfd, or what a platform has instead.
pub(crate) trait Hardware: Send + Sync + Debug {
    /// Rings once after `delay`, in place of what was set before. A zero delay rings at once.
    fn set(&self, delay: Duration);
}

/// The next deadline, and the hardware that is set to it.
#[derive(Debug)]
pub(crate) struct Alarm {
    armed: AtomicU64,
    hardware: Mutex<Box<dyn Hardware>>,
}

impl Alarm {
    pub(crate) fn new(hardware: Box<dyn Hardware>) -> Self {
        Self {
            armed: AtomicU64::new(Nanos::NEVER.0),
            hardware: Mutex::new(hardware),
        }
    }

    /// Sees to it that a sweep starts at `deadline` or earlier. The timer is in its shard by now.
    #[inline]
    pub(crate) fn ring_by(&self, deadline: Nanos, timeline: &Timeline) {
        if deadline < self.armed() {
            self.set(deadline, timeline);
        }
    }

    #[inline(never)]
    fn set(&self, deadline: Nanos, timeline: &Timeline) {
        // Read before the lock, as the clock may be foreign code.
        let delay = deadline.since(timeline.now_nanos());
        let hardware = self.hardware.lock();
        if deadline < self.armed() {
            self.armed.store(deadline.0, Ordering::Relaxed);
            // Asked under the lock: a clock that runs again has its alarm set anew after that, by one
            // who takes this lock and visits the shards.
            if timeline.runs() {
                hardware.set(delay);
            }
        }
    }

    /// The deadline a sweep is due at, or never.
    pub(crate) fn armed(&self) -> Nanos {
        Nanos(self.armed.load(Ordering::Relaxed))
    }

    /// The same, as of every call of [`ring_by`](Self::ring_by) that has woken this thread.
    #[cfg(any(
        all(test, not(any(heist_loom, heist_shuttle))),
        not(any(target_os = "linux", target_os = "android"))
    ))]
    pub(crate) fn armed_now(&self) -> Nanos {
        let _hardware = self.hardware.lock();
        self.armed()
    }

    /// From here on whoever arms a timer sets the alarm; the caller visits all shards, then
    /// [finishes](Sweep::finish).
    pub(crate) fn start_sweep(&self) -> Sweep<'_> {
        let _hardware = self.hardware.lock();
        self.armed.store(Nanos::NEVER.0, Ordering::Relaxed);
        Sweep { alarm: self }
    }
}

/// Evidence that `armed` has been withdrawn, so that shards may be visited.
#[must_use = "a sweep that is not finished leaves the alarm unset"]
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    alarm: &'a Alarm,
}

impl Sweep<'_> {
    /// Sets the alarm to the earliest deadline the visits have left.
    pub(crate) fn finish(self, earliest: Nanos, timeline: &Timeline) {
        self.alarm.ring_by(earliest, timeline);
    }
}
