//! Waiting for time to pass: [`sleep()`], [`timeout()`], [`interval()`].
//!
//! Timers never fire early. They belong to the runtime they were made in, cost nothing until they
//! are first polled, and can be dropped on any thread. Durations of any length are fine:
//! [`Duration::MAX`] is decades away, not an overflow.
//!
//! For tests the clock can be stopped ([`pause()`], or `start_paused`): then time passes only while all of
//! the runtime is idle, at once and exactly.

mod instant;
mod interval;
mod pause;
mod sleep;
mod timeout;

pub use std::time::Duration;

pub use instant::Instant;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use pause::{advance, pause, resume};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Timeout, timeout, timeout_at};

/// The errors of this module.
pub mod error {
    pub use super::timeout::Elapsed;
}
