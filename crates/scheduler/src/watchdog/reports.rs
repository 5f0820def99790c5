//! Reports of slow polls: which task, for how long, blocked or spinning.
//!
//! A stuck thread is *spinning* if, in the last seven eighths of the time that makes a poll slow, it was
//! running or waiting for a processor most of the time, else *blocked*.

use std::time::{Duration, Instant};

use super::seen::Seen;
use crate::report::{SlowPoll, SlowPollHook, Stall, TaskInfo};
use crate::shared::Shared;
use crate::task::quiet;

/// Reports per [`WINDOW`] at most; the counter of slow polls counts them all.
const LIMIT: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// The watchdog's reports.
pub(super) struct Reports {
    threshold: Duration,
    hook: Option<SlowPollHook>,
    window: Option<Instant>,
    in_window: u32,
}

impl Reports {
    pub(super) fn new(shared: &Shared) -> Self {
        Self {
            threshold: shared.reporting.threshold,
            hook: shared.reporting.on_slow_poll.clone(),
            window: None,
            in_window: 0,
        }
    }

    /// A worker is stuck: reports it, once, when that has lasted long enough.
    pub(super) fn slow(&mut self, shared: &Shared, worker: usize, seen: &mut Seen, now: Instant) {
        let duration = seen.lasts(now);
        if seen.counted || duration < self.threshold / 8 {
            return; // Most polls that are found stuck are over soon: asking the system costs more.
        }
        let runnable = || shared.remotes[worker].vitals.time()?.runnable();
        if !seen.asked {
            seen.asked = true;
            seen.runnable = runnable().map(|runnable| (runnable, now));
            return;
        }
        if duration < self.threshold {
            return;
        }
        seen.counted = true;
        shared.watch.slow_polls.add(1);
        let report = SlowPoll {
            worker,
            task: task_of(shared, worker),
            duration,
            stall: stall(seen.runnable, runnable(), now),
            is_over: false,
        };
        if self.may_report(now) {
            self.tell(&report);
            seen.reported = Some(report);
        }
    }

    /// A poll that was reported is over.
    pub(super) fn over(&self, report: Option<SlowPoll>) {
        if let Some(report) = report {
            self.tell(&report);
        }
    }

    fn may_report(&mut self, now: Instant) -> bool {
        let is_new = self
            .window
            .is_none_or(|began| now.duration_since(began) >= WINDOW);
        if is_new {
            self.window = Some(now);
            self.in_window = 0;
        }
        self.in_window += 1;
        self.in_window <= LIMIT
    }

    fn tell(&self, report: &SlowPoll) {
        if let Some(hook) = &self.hook {
            quiet(|| hook(report)); // A hook may panic; the watchdog must not.
        }
    }
}

/// The task that a worker polls. An address may be stale, and be another task's by then: so the poll must
/// still be the same after the look.
fn task_of(shared: &Shared, worker: usize) -> Option<TaskInfo> {
    let remote = &shared.remotes[worker];
    let poll = remote.counters.polls.get();
    let task = shared.arena.get(remote.vitals.task())?;
    (remote.counters.polls.get() == poll).then(|| TaskInfo::of(&task))
}

fn stall(first: Option<(Duration, Instant)>, runnable: Option<Duration>, now: Instant) -> Stall {
    match (first, runnable) {
        (Some((then, since)), Some(runnable)) => {
            let spent = runnable.saturating_sub(then);
            match 2 * spent >= now.duration_since(since) {
                true => Stall::Spinning,
                false => Stall::Blocked,
            }
        }
        _ => Stall::Unknown,
    }
}
