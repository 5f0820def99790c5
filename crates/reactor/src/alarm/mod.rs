//! When the idle reactor must wake up for a timer: the one deadline the platform's alarm is set to.
//!
//! # Protocol
//! `armed` is the deadline a sweep is due at, or [`Nanos::NEVER`].
//!
//! *Whoever arms a timer*, [`Alarm::ring_by`]: (1) put the timer into its shard, under the shard's
//! lock; (2) look at `armed`: if it is no later, some sweep will find the timer in time, done;
//! (3) under the alarm's lock look again, and set `armed` and the hardware together.
//!
//! *The thread that turns the reactor*, once a deadline has come: (1) [`Alarm::start_sweep`] sets
//! `armed` to never; (2) it visits each shard under its lock, fires what is due and notes the
//! earliest deadline left; (3) [`Sweep::finish`] sets `armed` to the earliest of all, unless it is
//! earlier by now. The hardware it leaves as it is: setting it is *owed*. (4) Before that thread, or the
//! next one that turns, blocks, [`Alarm::pay`] sets the hardware to `armed`, unless somebody has set it
//! since. So a worker that sweeps and goes on with its tasks spares that system call, and so does one
//! that finds the deadline [`NEAR`] and looks for events until then instead of blocking.
//!
//! *Whoever has changed the clock* makes a sweep that fires nothing and ends as the arming of a timer
//! does: the hardware may be set to a moment that is another one by now, and a thread may block.
//!
//! The race: the timer goes into a shard the sweep has already left, and whoever armed it still
//! sees the old, earlier `armed` and relies on a sweep that is nearly over. It cannot be: sweep
//! step 1 comes before its visit, the visit's unlock comes before the lock of arming step 1, so
//! arming step 2 sees "never" or what was set after it. If the visit comes after arming step 1
//! instead, it finds the timer. One of the two always takes the duty.
//!
//! # Invariants
//! - While a thread blocks and the clock runs, the hardware is set to `armed` or earlier: nothing is
//!   owed when it begins to, and from then on both change together, under the alarm's lock; except
//!   while a change of the clock is being dealt with. What a sweep leaves in the hardware rings once too
//!   often, never too late.
//! - What is owed is known under the alarm's lock, and is nobody's debt any more once anybody has set the
//!   hardware. So `pay`, which reads the clock before it has the lock, does not write an older reading
//!   over a newer one. (Models: `what_is_owed_is_not_paid_over_an_earlier_timer`,
//!   `what_is_owed_is_not_paid_over_a_changed_clock`.)
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
//! - Setting the hardware at the end of each sweep: with 100,000 timers a second each ring came 50 µs
//!   late in the median instead of 3, at 1.2 times the processor time.

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
pub(crate) use linux::{PlatformAlarm, before_wait};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use portable::{PlatformAlarm, before_wait};

/// A deadline no further away than this, for which the hardware would have to be set, is waited for
/// awake, unless the user forbids it. To block costs more: a thread that sleeps comes back some
/// microseconds late, on a virtual machine dozens of them, and both the call and the timer's interrupt take
/// time.
pub(crate) const NEAR: Duration = Duration::from_micros(20);

/// What ends the reactor's wait at a deadline; a timerfd, or what a platform has instead.
pub(crate) trait Hardware: Send + Sync + Debug {
    /// Rings once after `delay`, in place of what was set before. A zero delay rings at once.
    fn set(&self, delay: Duration);
}

/// The next deadline, and the hardware that rings then.
#[derive(Debug)]
pub(crate) struct Alarm {
    armed: AtomicU64,
    bell: Mutex<Bell>,
}

/// What rings.
#[derive(Debug)]
struct Bell {
    hardware: Box<dyn Hardware>,
    /// It is to be set to `armed` before a thread blocks.
    owed: bool,
}

impl Bell {
    fn set(&mut self, delay: Duration) {
        self.owed = false;
        self.hardware.set(delay);
    }
}

impl Alarm {
    pub(crate) fn new(hardware: Box<dyn Hardware>) -> Self {
        Self {
            armed: AtomicU64::new(Nanos::NEVER.0),
            bell: Mutex::new(Bell {
                hardware,
                owed: false,
            }),
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
        let mut bell = self.bell.lock();
        if deadline < self.armed() {
            self.armed.store(deadline.0, Ordering::Relaxed);
            // Asked under the lock: a clock that runs again has its alarm set anew after that, by one
            // who takes this lock and visits the shards.
            if timeline.runs() {
                bell.set(delay);
            }
        }
    }

    /// Sets the hardware to the deadline a sweep is due at, if that is still owed.
    #[cfg(any(test, target_os = "linux", target_os = "android"))]
    pub(crate) fn pay(&self, _: Owed, timeline: &Timeline) {
        let now = timeline.now_nanos();
        let mut bell = self.bell.lock();
        let armed = self.armed();
        // Without a deadline a change of the clock is being dealt with, which ends with setting it.
        if std::mem::take(&mut bell.owed) && armed != Nanos::NEVER && timeline.runs() {
            bell.set(armed.since(now));
        }
    }

    /// The deadline a sweep is due at, or never.
    pub(crate) fn armed(&self) -> Nanos {
        Nanos(self.armed.load(Ordering::Relaxed))
    }

    /// The same, as of every call of [`ring_by`](Self::ring_by) that has woken this thread, which is about
    /// to wait until then: nothing is owed any more.
    #[cfg(any(
        all(test, not(any(heist_loom, heist_shuttle))),
        not(any(target_os = "linux", target_os = "android"))
    ))]
    pub(crate) fn armed_now(&self, _: Option<Owed>) -> Nanos {
        let mut bell = self.bell.lock();
        let _ = std::mem::take(&mut bell.owed);
        self.armed()
    }

    /// From here on whoever arms a timer sets the alarm; the caller visits all shards, then
    /// [finishes](Sweep::finish).
    pub(crate) fn start_sweep(&self) -> Sweep<'_> {
        let _bell = self.bell.lock();
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
    /// Notes the earliest deadline that the visits have left. What is owed is paid before a thread blocks.
    #[must_use = "without the hardware, a thread that blocks misses the deadline"]
    pub(crate) fn finish(self, earliest: Nanos) -> Option<Owed> {
        let mut bell = self.alarm.bell.lock();
        // Not so if they are equal: whoever set it may have read the clock long before the lock.
        if earliest > self.alarm.armed() || earliest == Nanos::NEVER {
            return None;
        }
        self.alarm.armed.store(earliest.0, Ordering::Relaxed);
        bell.owed = true;
        Some(Owed(()))
    }

    /// The same, for a thread that does not turn the reactor: while it visits, another one may block.
    pub(crate) fn finish_now(self, earliest: Nanos, timeline: &Timeline) {
        let delay = earliest.since(timeline.now_nanos());
        let mut bell = self.alarm.bell.lock();
        if earliest <= self.alarm.armed() && earliest != Nanos::NEVER {
            self.alarm.armed.store(earliest.0, Ordering::Relaxed);
            if timeline.runs() {
                bell.set(delay);
            }
        }
    }
}

/// Evidence that a sweep of this reactor has left the hardware as it was.
#[derive(Debug)]
pub(crate) struct Owed(());
