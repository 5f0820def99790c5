//! Turns: how long a worker runs tasks before it looks at the driver and the injector.
//!
//! A turn is what was queued when it began, at least [`MIN_TURN`] polls, at most [`TURN_TIME`]. So a
//! batch of tasks that the driver woke runs to its end before the driver is asked again (polling
//! it every N polls makes long tails: the oldest of the batch wait for many turns of the newest),
//! and neither long polls nor a flood of local tasks keep I/O, timers or injected tasks waiting
//! for more than a turn. The clock is read every [`CLOCK_EVERY`] polls, and every poll if the last
//! turn showed that polls are long.

use std::time::{Duration, Instant};

use super::Worker;
use crate::context::Context;
use crate::metrics::Histogram;
use crate::sync::deque;
use crate::task::quiet;

/// Polls in a turn at least: what a poll of the driver (a system call) is worth.
const MIN_TURN: u32 = 64;
/// How long a turn may last before the driver is polled.
const TURN_TIME: Duration = Duration::from_millis(1);
/// Polls between two looks at the clock, unless polls are long.
const CLOCK_EVERY: u32 = 16;

/// One look at the clock in so many begins to measure a poll.
const MEASURE_EVERY: u32 = 4;

/// How much of the current turn is left.
#[derive(Debug)]
pub(super) struct Turn {
    /// Polls until the next look: the only thing that each poll touches.
    until_look: u32,
    /// What that was after the last look. The counts below are as of then.
    stride: u32,
    polls_left: u32,
    polls: u32,
    until_clock: u32,
    clock_every: u32,
    began: Instant,
    /// The coming poll, which is to be measured, begins so many nanoseconds after the turn did.
    measured_from: Option<u64>,
    clock_reads: u32,
    /// The last look at the clock, as nanoseconds after the turn began, if the polls since then are all
    /// that happened.
    looked: Option<u64>,
}

impl Turn {
    /// The turn that a worker starts with.
    pub(super) fn first(now: Instant) -> Self {
        Self {
            until_look: CLOCK_EVERY,
            stride: CLOCK_EVERY,
            polls_left: MIN_TURN,
            polls: 0,
            until_clock: CLOCK_EVERY,
            clock_every: CLOCK_EVERY,
            began: now,
            measured_from: None,
            clock_reads: 0,
            looked: None,
        }
    }

    /// The worker goes to sleep: that time is no poll's.
    pub(super) fn pause(&mut self) {
        self.measured_from = None;
        self.looked = None;
    }

    /// Counts a poll; true if [`Turn::look`] is due.
    #[inline]
    pub(super) fn polled(&mut self) -> bool {
        self.until_look -= 1;
        self.until_look == 0
    }

    /// Looks, if it is time, how late it is and how long polls take; true if the turn is over.
    fn look(&mut self, context: &Context) -> bool {
        self.polls += self.stride;
        self.polls_left = self.polls_left.saturating_sub(self.stride);
        self.until_clock -= self.stride;
        if self.until_clock == 0 || self.measured_from.is_some() {
            self.look_at_clock(context);
        }
        self.stride();
        self.polls_left == 0
    }

    /// Sets the next look: after a poll that is measured, where the clock is read or the turn ends.
    fn stride(&mut self) {
        self.stride = match self.measured_from {
            Some(_) => 1,
            None => self.until_clock.min(self.polls_left).max(1),
        };
        self.until_look = self.stride;
    }

    fn look_at_clock(&mut self, context: &Context) {
        let now = nanoseconds(context.shared.clock.now().duration_since(self.began));
        let times = &context.remote().counters.poll_times;
        let all = self.clock_every == 1;
        if let Some(from) = self.measured_from.take() {
            let stands_for = if all { 1 } else { CLOCK_EVERY * MEASURE_EVERY };
            times.add(
                Duration::from_nanos(now.saturating_sub(from)),
                u64::from(stands_for),
            );
        }
        if self.until_clock > 0 {
            return;
        }
        let is_watched = context.shared.watch.is_watched();
        if let Some(looked) = self.looked.replace(now).filter(|_| is_watched) {
            let polls = now.saturating_sub(looked) / u64::from(self.clock_every);
            context.poll_cost.set(learn(context.poll_cost.get(), polls));
        }
        self.until_clock = self.clock_every;
        self.clock_reads = self.clock_reads.wrapping_add(1);
        self.measured_from = (all || self.clock_reads % MEASURE_EVERY == 0).then_some(now);
        if now >= nanoseconds(TURN_TIME) {
            self.polls_left = 0;
        }
    }

    /// Begins the next turn: what is queued now. Long polls make every one of them look at the
    /// clock.
    fn next(&mut self, now: Instant, queued: usize, waits: &Histogram) {
        let spent = now.duration_since(self.began);
        waits.add(spent, 1);
        let polls = self.polls + (self.stride - self.until_look);
        let long_polls = spent >= TURN_TIME && polls <= CLOCK_EVERY;
        let clock_every = if long_polls { 1 } else { CLOCK_EVERY };
        *self = Self {
            polls_left: turn_length(queued),
            polls: 0,
            until_clock: clock_every,
            clock_every,
            began: now,
            measured_from: long_polls.then_some(0),
            looked: Some(0),
            ..*self
        };
        self.stride();
    }

    /// The worker slept, and comes back with a batch.
    fn restart(&mut self, now: Instant, queued: usize) {
        *self = Self {
            polls_left: turn_length(queued),
            until_clock: self.clock_every,
            polls: 0,
            began: now,
            measured_from: None,
            looked: Some(0),
            ..*self
        };
        self.stride();
    }
}

/// What a poll costs in nanoseconds, from what it was taken to cost and the average of the last few: a
/// moving average, in which a single long poll counts as four times what was expected.
fn learn(expected: u32, polls: u64) -> u32 {
    let expected = u64::from(expected);
    let polls = polls.clamp(1, (4 * expected).max(4));
    let learned = ((3 * expected + polls) / 4).max(1);
    u32::try_from(learned).unwrap_or(u32::MAX)
}

/// In 64 bits, which last for 500 years: 128 of them cost 30 instructions a look.
const fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000_000 + duration.subsec_nanos() as u64
}

fn turn_length(queued: usize) -> u32 {
    u32::try_from(queued).unwrap_or(u32::MAX).max(MIN_TURN)
}

impl Worker {
    /// Looks whether the turn is over, and if so ends it.
    #[cold]
    pub(super) fn look(&mut self) {
        // The core may be a successor's by now, and with it the counters.
        let has_core = self.context.core.borrow().is_some();
        if has_core && self.turn.look(&self.context) {
            self.end_turn();
        }
    }

    /// Polls the driver, fetches injected tasks, and measures out the next turn.
    pub(super) fn end_turn(&mut self) {
        self.poll_driver();
        if self.shared().watch.anyone_stuck() {
            self.relieve_stuck();
        }
        if let Some(task) = self.next_injected() {
            self.with_queue(|queue| queue.push(task));
        }
        let queued = self.with_queue(deque::Worker::len);
        if queued > 1 && self.context.is_worth_a_wakeup(queued) {
            self.shared().wake_one();
        }
        let now = self.shared().clock.now();
        let waits = &self.context.remote().counters.waits;
        self.turn.next(now, queued, waits);
    }

    fn poll_driver(&self) {
        let Some(mut role) = self.shared().driver.try_role() else {
            return; // Someone waits in it: events wake that worker.
        };
        self.remote().counters.driver_polls.add(1);
        self.context.in_driver.set(true);
        let driver = role.as_mut().expect("`try_role` found a driver");
        // A waker may panic; the worker must not.
        quiet(|| driver.park(Some(Duration::ZERO)));
        self.context.in_driver.set(false);
    }

    /// After a sleep: a batch that the driver woke is announced once, and is a turn of its own.
    pub(super) fn begin_turn(&mut self, now: Instant) {
        let queued = self.with_queue(deque::Worker::len);
        if queued > 1 && self.context.is_worth_a_wakeup(queued) {
            self.shared().wake_one();
        }
        self.turn.restart(now, queued);
    }
}
