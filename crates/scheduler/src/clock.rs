//! The time seam: the scheduler reads a clock only through [`Clock`].

use std::fmt::Debug;
use std::time::Instant;

/// Tells the time to a scheduler. Production uses [`SystemClock`], a simulator its own.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current instant; never goes backwards.
    fn now(&self) -> Instant;
}

/// The operating system's monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }
}
