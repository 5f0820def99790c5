//! [`Instant`]: a point in time as the runtime's clock tells it.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use heist_reactor::{Clock as _, Handle, SystemClock};

/// A point on the runtime's clock.
///
/// The same as [`std::time::Instant`], and converted to and from it freely, but for
/// [`now`](Instant::now): inside a runtime with a clock of its own that clock answers.
///
/// # Examples
///
/// ```
/// use heist::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let deadline = start + Duration::from_secs(5);
/// assert_eq!(deadline - start, Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    std: std::time::Instant,
}

impl Instant {
    /// Returns the current instant of this thread's runtime, or of the system outside of one.
    pub fn now() -> Self {
        let now = Handle::now_current();
        Self::from_std(now.unwrap_or_else(|| SystemClock.now()))
    }

    /// Converts from the standard library's type.
    pub fn from_std(std: std::time::Instant) -> Self {
        Self { std }
    }

    /// Converts to the standard library's type.
    pub fn into_std(self) -> std::time::Instant {
        self.std
    }

    /// Returns how long after `earlier` this is, or zero if it is not.
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.std.saturating_duration_since(earlier.std)
    }

    /// Returns how long after `earlier` this is, or `None` if it is not.
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        self.std.checked_duration_since(earlier.std)
    }

    /// Returns how long after `earlier` this is, or zero if it is not.
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.std.saturating_duration_since(earlier.std)
    }

    /// Returns how long ago this was, or zero if it is still to come.
    pub fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }

    /// Adds `duration`, or returns `None` if the sum cannot be represented.
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.std.checked_add(duration).map(Self::from_std)
    }

    /// Subtracts `duration`, or returns `None` if the difference cannot be represented.
    pub fn checked_sub(&self, duration: Duration) -> Option<Self> {
        self.std.checked_sub(duration).map(Self::from_std)
    }

    /// Adds `duration`; a sum that cannot be represented becomes some 30 years from here.
    pub(crate) fn saturating_add(self, duration: Duration) -> Self {
        const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
        self.checked_add(duration)
            .or_else(|| self.checked_add(FAR))
            .unwrap_or(self)
    }
}

impl From<std::time::Instant> for Instant {
    fn from(std: std::time::Instant) -> Self {
        Self::from_std(std)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> Self {
        instant.into_std()
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_std(self.std + duration)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// As [`duration_since`](Instant::duration_since).
    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_std(self.std - duration)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std.fmt(f)
    }
}
