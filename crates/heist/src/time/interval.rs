//! [`Interval`]: ticks at a fixed period, and what to do about those that were missed.
//!
//! A tick is *missed* when it is taken more than [`SLACK`] late; less is jitter, and the next tick
//! keeps its place whatever the behaviour.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Instant, Sleep, sleep_until};

/// How late a tick may be taken without counting as missed.
const SLACK: Duration = Duration::from_millis(5);

/// Ticks every `period`, beginning at once.
///
/// # Panics
///
/// When `period` is zero, or the calling thread is not inside a runtime.
///
/// # Examples
///
/// ```
/// use heist::time::{Duration, interval};
///
/// # heist::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let mut interval = interval(Duration::from_millis(2));
/// interval.tick().await; // at once
/// interval.tick().await; // after 2 ms
/// interval.tick().await; // after 4 ms
/// # });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks every `period`, beginning at `start`.
///
/// # Panics
///
/// When `period` is zero, or the calling thread is not inside a runtime.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(period > Duration::ZERO, "`period` must be non-zero");
    Interval {
        next: sleep_until(start),
        period,
        missed: MissedTickBehavior::default(),
    }
}

/// An endless sequence of ticks, made by [`interval`] or [`interval_at`].
///
/// Unlike a sleep in a loop it takes the time between two ticks into account.
#[derive(Debug)]
pub struct Interval {
    next: Sleep,
    period: Duration,
    missed: MissedTickBehavior,
}

impl Interval {
    /// Waits for the next tick and returns the instant it was due.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future dropped before it completes has taken no tick.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick. Only the last task to poll is woken.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.next).poll(cx));
        let due = self.next.deadline();
        let now = Instant::now();
        let next = if now > due.saturating_add(SLACK) {
            self.missed.next_tick(due, now, self.period)
        } else {
            due.saturating_add(self.period)
        };
        self.reset_at(next);
        Poll::Ready(due)
    }

    /// Makes the next tick one period from now, whatever was missed.
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Makes the next tick now, whatever was missed.
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// Makes the next tick `after` from now, whatever was missed.
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(Instant::now().saturating_add(after));
    }

    /// Makes the next tick at `deadline`. If that has passed, the missed ticks are dealt with as
    /// [`missed_tick_behavior`](Interval::missed_tick_behavior) says.
    pub fn reset_at(&mut self, deadline: Instant) {
        Pin::new(&mut self.next).reset(deadline);
    }

    /// Returns what happens to missed ticks.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Sets what happens to missed ticks.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// Returns the time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}

/// What an [`Interval`] does about ticks that were not taken in time.
///
/// With a period of 10 ms, and the tick due at 20 taken at 45:
///
/// ```text
///         20    30    40  45  50    55    60
/// Burst    .     .     .  20,30,40 50     60     the missed ones at once, then back in step
/// Delay    .     .     .  20      |55            a full period after each taken tick
/// Skip     .     .     .  20   50         60     back in step, the missed ones dropped
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Ticks as fast as possible until it has caught up. The number of ticks stays right.
    #[default]
    Burst,
    /// Ticks one period after the late tick was taken. The distance of ticks stays right.
    Delay,
    /// Drops missed ticks and goes on at the next multiple of the period. The phase stays right.
    Skip,
}

impl MissedTickBehavior {
    fn next_tick(self, due: Instant, now: Instant, period: Duration) -> Instant {
        match self {
            Self::Burst => due.saturating_add(period),
            Self::Delay => now.saturating_add(period),
            Self::Skip => {
                let over = (now - due).as_nanos() % period.as_nanos();
                // Less than a period that lies wholly between `due` and `now`, or all of `now - due`.
                let over = u64::try_from(over).map_or(now - due, Duration::from_nanos);
                now.saturating_add(period.saturating_sub(over))
            }
        }
    }
}

#[cfg(test)]
mod tests;
