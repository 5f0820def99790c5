//! What the watchdog remembers of one worker from look to look.

use std::time::{Duration, Instant};

use crate::report::SlowPoll;

/// One worker, as last seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The poll it was in, by its number, and when it was first seen in it.
    poll: Option<(u64, Instant)>,
    /// It was in the same poll at the look before.
    stuck: bool,
    /// It lingered in this poll at an earlier look, when a sleeper could be woken for what waits behind it.
    pub(super) relieved: bool,
    /// The system was asked how the thread spends its time.
    pub(super) asked: bool,
    /// How much of its life the thread had been runnable then.
    pub(super) runnable: Option<(Duration, Instant)>,
    /// It was counted as slow.
    pub(super) counted: bool,
    /// What was reported of this poll; nothing if there were too many reports.
    pub(super) reported: Option<SlowPoll>,
}

impl Seen {
    /// Notes where the worker is now: in its poll number `poll`, or parked. Returns the report of
    /// the poll that is over, if there was one.
    pub(super) fn look(&mut self, poll: Option<u64>, now: Instant) -> Option<SlowPoll> {
        if let (Some(poll), Some((last, _))) = (poll, self.poll) {
            if poll == last {
                self.stuck = true;
                return None;
            }
        }
        let lasted = self.lasts(now);
        let was = std::mem::take(self);
        self.poll = poll.map(|poll| (poll, now));
        was.reported.map(|report| SlowPoll {
            duration: lasted,
            is_over: true,
            ..report
        })
    }

    /// Whether it was in one poll at the last two looks.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// How long it has been seen in this poll.
    pub(super) fn lasts(&self, now: Instant) -> Duration {
        self.poll
            .map_or(Duration::ZERO, |(_, since)| now.duration_since(since))
    }
}
