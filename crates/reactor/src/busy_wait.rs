//! How long a thread looks for events before it blocks, if at all.
//!
//! To block is dear. The thread is switched out and in again, and whoever ends its wait pays for waking
//! it: on a virtual machine, where that is an interrupt that the host delivers, 14 µs of processor time
//! here and about as much there. A client that sends its next request as soon as it has the answer to the
//! last is done in less. So where waits have been short, the next one begins awake.
//!
//! # Rule
//! 1. *How long*: up to [`COSTS`] times the processor time that it costs a thread of this reactor to block,
//!    twice that after a wait that has blocked, no longer than the user allows: who blocks lets the other
//!    side's processor fall asleep too, and its answer takes longer. One wait in [`MEASURE_EVERY`] blocks to
//!    measure that, and counts for a quarter of the average. Where blocking is cheap, there is next to no
//!    waiting awake.
//! 2. *When*: if the last wait was short. After a try in vain some waits must pass before the next; how
//!    many doubles with each try in vain, up to [`MAX_PENALTY`], and halves with each that paid. So either
//!    half of the tries or more pay, or they become rare.
//! 3. *Between two looks* others in the same control group have the processor, if they want it, and looks
//!    get rarer as the wait gets longer. If the thread gets it back late, more threads want it than there
//!    are processors, and one that blocks has it again sooner than one that has yielded: no more tries for
//!    [`CROWDED_PENALTY`] waits, whatever was found, and for ever more if it happens again.
//!
//! # Bound
//! As far as the average is right, a wait costs the thread no more than [`COSTS`] + 1 times what it would
//! cost to block at once, after one that has blocked 2 × [`COSTS`] + 1 times. One that pays spares whoever
//! ends it the cost of waking a thread, if that is a thread. So a rhythm that is just quick enough is
//! answered awake for ever, for a few times the processor time: which the user can forbid.
//!
//! # Sources
//! To wait awake for as long as blocking costs is never worse than twice the best choice, and adapting
//! the time to the last waits comes close to it: Karlin, Li, Manasse, Owicki, *Empirical Studies of
//! Competitive Spinning for a Shared-Memory Multiprocessor*, SOSP 1991. Linux does the like for virtual
//! processors (`halt_poll_ns`) and sockets (`busy_poll`).
//!
//! # Rejected
//! - A constant time: what pays on a virtual machine is waste where a thread wakes up in 2 µs.
//! - Looking all the time: 80 system calls in 20 µs instead of 25, and, without yielding, a client or another worker that shares
//!   the processor waits meanwhile. With 64 connections the slowest hundredth waited twice as long as
//!   without waiting awake at all; now it waits less.

use std::hint;
use std::io;
use std::time::Duration;

use mio::{Events, Poll};

use crate::clock::Stopwatch;
use crate::timer::Timers;

/// How many times the cost of blocking a thread looks for events. It measures its own share, about half;
/// the rest is paid by whoever wakes it. With 4 a connection that is accepted, served and closed costs 1.15
/// times the processor time, and one client's requests are level; with 2 many of these miss.
const COSTS: u32 = 3;

/// A wait that blocks counts as short below this: about what a client on the same machine takes, with a
/// thread to be woken on both sides.
const SHORT: Duration = Duration::from_micros(200);

/// So many waits pass between two that block and are measured. Even, like the next one: then waits that
/// alternate are not measured all in the same phase.
const MEASURE_EVERY: u32 = 1024;

/// After a measurement that tells nothing so many waits pass before the next.
const MEASURE_AGAIN: u32 = 16;

/// After a try in vain so many waits must pass at most.
const MAX_PENALTY: u32 = 31;

/// A look that took so long, and twice its limit, has lost a time slice to other threads. One that took
/// twice its limit counts as in vain, whatever was found.
const CROWDED: Duration = Duration::from_micros(500);

/// After that so many waits must pass at least, and about twice as many if it happens again.
const CROWDED_PENALTY: u32 = 255;

/// … but no more than this.
const MAX_CROWDED_PENALTY: u32 = 4095;

/// Between two looks this time passes, or a quarter of what has passed since the first, if that is more.
const BETWEEN_LOOKS: Duration = Duration::from_micros(1);

/// Whether, and how long, the next wait begins awake. By the thread that turns the reactor alone.
#[derive(Debug)]
pub(crate) struct BusyWait {
    max: Duration,
    /// The processor time of a wait that blocks; zero until one was measured.
    cost: Duration,
    /// The last wait was short, which promises that the next will be.
    short: bool,
    /// It blocked.
    blocked: bool,
    /// So many waits must pass before the next try.
    due_in: u32,
    /// What that was after the last try in vain, halved with each that has paid since.
    penalty: u32,
    /// What it was after the last try that lost the processor, halved with each since that did not.
    crowded_penalty: u32,
    /// So many waits must pass before the next measurement.
    measured_in: u32,
}

impl BusyWait {
    /// `max` is how long a wait may be awake; zero: never.
    pub(crate) fn new(max: Duration) -> Self {
        Self {
            max,
            cost: Duration::ZERO,
            short: false,
            blocked: true,
            due_in: 0,
            penalty: 0,
            crowded_penalty: 0,
            measured_in: 0,
        }
    }

    /// Whether no wait is to be awake.
    pub(crate) fn is_off(&self) -> bool {
        self.max.is_zero()
    }

    /// How long the coming wait is to look for events; `None` if it blocks at once.
    pub(crate) fn limit(&self) -> Option<Duration> {
        if !self.short || self.due_in > 0 || self.measured_in == 0 {
            return None;
        }
        let costs = if self.blocked { 2 * COSTS } else { COSTS };
        let limit = (self.cost * costs).min(self.max);
        (!limit.is_zero()).then_some(limit)
    }

    /// A wait has looked for events until `limit`, and `found` some; in all it `took` so long. True if
    /// that has spared it to block.
    pub(crate) fn tried(&mut self, limit: Duration, found: bool, took: Duration) -> bool {
        if found {
            self.blocked = false;
            self.count();
        }
        let late = took > 2 * limit;
        // What is there at the first look would not have made it block; what is found late would perhaps
        // have been found sooner by a thread that is woken.
        let paid = found && !took.is_zero() && !late;
        if late && took > CROWDED {
            self.crowded_penalty =
                (2 * self.crowded_penalty + 1).clamp(CROWDED_PENALTY, MAX_CROWDED_PENALTY);
            self.due_in = self.crowded_penalty;
            return false;
        }
        self.crowded_penalty /= 2;
        if paid {
            self.penalty /= 2;
        } else if late || !found {
            self.penalty = (2 * self.penalty + 1).min(MAX_PENALTY);
            // A wait that blocks now is one of them.
            self.due_in = self.penalty + u32::from(!found);
        }
        paid
    }

    /// How near a timer must be to be waited for awake without learning first, as far as `near` allows:
    /// blocking would cost more.
    pub(crate) fn near(&self, near: Duration) -> Duration {
        let worth = match self.cost {
            Duration::ZERO => near,
            cost => cost * COSTS,
        };
        near.min(worth).min(self.max)
    }

    /// Whether the coming wait, which blocks, is to be measured.
    pub(crate) fn measures(&self) -> bool {
        self.short && self.measured_in == 0
    }

    /// A wait that was to block is over. `cost` is its processor time, if that was to be measured and the
    /// platform has told.
    pub(crate) fn waited(&mut self, took: Duration, cost: Option<Duration>) {
        let measured = self.measures();
        self.count();
        self.short = took < SHORT;
        self.blocked = true;
        // If it was busy most of the time, it did not block: there was an event already.
        if let Some(cost) = cost.filter(|cost| self.short && *cost * 2 < took) {
            self.cost = match self.cost {
                Duration::ZERO => cost,
                before => (before * 3 + cost.min(before * 4)) / 4,
            };
            self.measured_in = MEASURE_EVERY;
        } else if cost.is_some() {
            self.measured_in = MEASURE_AGAIN;
        } else if measured {
            self.measured_in = MEASURE_EVERY;
        }
    }

    fn count(&mut self) {
        self.due_in = self.due_in.saturating_sub(1);
        self.measured_in = self.measured_in.saturating_sub(1);
    }
}

/// How it went to look for events before blocking.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Awake {
    /// It took so long, or nothing was tried.
    InVain(Duration),
    /// They were there already.
    Found,
    /// They came meanwhile.
    Paid,
}

impl Awake {
    /// Nobody looked.
    pub(crate) const NOT_TRIED: Self = Self::InVain(Duration::ZERO);

    pub(crate) fn new(found: bool, paid: bool, took: Duration) -> Self {
        match (found, paid) {
            (false, _) => Self::InVain(took),
            (true, false) => Self::Found,
            (true, true) => Self::Paid,
        }
    }
}

/// Looks for events for as long as `limit`, ever more rarely. Returns whether there are some, or a timer is
/// due, and how long it took.
pub(crate) fn look(
    poll: &mut Poll,
    events: &mut Events,
    timers: &Timers,
    limit: Duration,
    meanwhile: impl Fn(),
) -> io::Result<(bool, Duration)> {
    let began = Stopwatch::start();
    let mut waited = Duration::ZERO;
    loop {
        wait(poll, events, Some(Duration::ZERO))?;
        let found = !events.is_empty() || timers.is_due();
        if found || waited >= limit {
            return Ok((found, waited));
        }
        let next = limit.min(waited + BETWEEN_LOOKS.max(waited / 4));
        meanwhile();
        while waited < next {
            hint::spin_loop();
            waited = began.elapsed();
        }
    }
}

/// Waits for events; a signal ends the wait without any.
pub(crate) fn wait(
    poll: &mut Poll,
    events: &mut Events,
    timeout: Option<Duration>,
) -> io::Result<()> {
    match poll.poll(events, timeout) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        result => result,
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "busy_wait_tests.rs"]
mod tests;
