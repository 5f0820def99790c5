//! The seam through which this crate learns the time, and the scale timers count on.
//!
//! Invariants: nothing else in the crate calls `Instant::now`; what [`Clock::now`] returns never
//! goes backwards, and timers rely on it (a [`Sleep`](crate::Sleep) that was pending stays armed
//! until the clock has reached its deadline).

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

use crate::sync::Arc;

/// Where the reactor reads the time: the system, or a virtual clock in tests and simulations.
///
/// Timers expire by this clock alone. With a clock that does not follow real time, drive the
/// reactor by hand: ask [`Handle::next_deadline`](crate::Handle::next_deadline), move the clock
/// there, and call [`Reactor::turn`](crate::Reactor::turn) with a zero timeout. A turn that waits
/// still ends when as much real time has passed, and then finds nothing due.
///
/// # Examples
///
/// ```
/// use heist_reactor::{Clock, SystemClock};
///
/// let clock = SystemClock;
/// let before = clock.now();
/// assert!(clock.now() >= before);
/// ```
pub trait Clock: Send + Sync + Debug + 'static {
    /// Returns the current instant; never less than what an earlier call returned, on any thread.
    fn now(&self) -> Instant;

    /// Returns the clock's controls, if it can be stopped; by default it cannot.
    fn control(&self) -> Option<&dyn Control> {
        None
    }
}

/// Stops a clock, moves it on, and lets it run again.
pub trait Control {
    /// Whether the clock stands. Asked under a lock: it calls nothing of the reactor.
    fn is_paused(&self) -> bool;

    /// Stops the clock; false if it stands already.
    fn pause(&self) -> bool;

    /// Lets the clock run on from where it stands; false if it runs already.
    fn resume(&self) -> bool;

    /// Moves a clock that stands on by `duration`; false if it runs.
    fn advance(&self, duration: Duration) -> bool;
}

/// The operating system's monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// Nanoseconds since the reactor's start: what timers compare, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nanos(pub(crate) u64);

impl Nanos {
    /// Later than every deadline: no timer.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The latest deadline a timer can have; 584 years after the start.
    pub(crate) const LAST: Self = Self(u64::MAX - 1);

    /// How long after `earlier` this lies; zero if it does not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A clock together with the instant its [`Nanos`] count from.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    clock: Arc<dyn Clock>,
    origin: Instant,
}

impl Timeline {
    pub(crate) fn start(clock: Arc<dyn Clock>) -> Self {
        let origin = clock.now();
        Self { clock, origin }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether the time passes by itself.
    pub(crate) fn runs(&self) -> bool {
        self.control().is_none_or(|control| !control.is_paused())
    }

    pub(crate) fn control(&self) -> Option<&dyn Control> {
        self.clock.control()
    }

    pub(crate) fn now_nanos(&self) -> Nanos {
        self.nanos(self.now())
    }

    /// The instant in nanoseconds; what lies before the start counts as the start.
    pub(crate) fn nanos(&self, instant: Instant) -> Nanos {
        let since = instant.saturating_duration_since(self.origin).as_nanos();
        u64::try_from(since).map_or(Nanos::LAST, |nanos| Nanos(nanos).min(Nanos::LAST))
    }

    pub(crate) fn instant(&self, nanos: Nanos) -> Instant {
        let since = Duration::from_nanos(nanos.0);
        self.origin
            .checked_add(since)
            .unwrap_or_else(|| far_future(self.origin))
    }

    /// The instant `delay` from now, or some 30 years from now where the sum overflows.
    pub(crate) fn after(&self, delay: Duration) -> Instant {
        let now = self.now();
        now.checked_add(delay).unwrap_or_else(|| far_future(now))
    }
}

/// Real time, whatever clock the timers go by: for how long the thread that turns the reactor waits, which
/// only decides how it waits the next time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The processor time that the calling thread has used, where the platform tells.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn processor_time() -> Option<Duration> {
    use rustix::time::{ClockId, DynamicClockId, clock_gettime_dynamic};

    // `clock_gettime` would panic where a filter of system calls refuses it.
    let time = clock_gettime_dynamic(DynamicClockId::Known(ClockId::ThreadCPUTime));
    Duration::try_from(time.ok()?).ok()
}

/// The processor time that the calling thread has used, where the platform tells.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn processor_time() -> Option<Duration> {
    None
}

/// Lets others have the processor, if any want it.
pub(crate) fn yield_processor() {
    thread::yield_now();
}

/// Roughly 30 years after `now`: the stand-in for instants that cannot be represented.
fn far_future(now: Instant) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    now.checked_add(FAR)
        .expect("the platform's Instant reaches 30 years ahead")
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "clock_tests.rs"]
mod tests;
