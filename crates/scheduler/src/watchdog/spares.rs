//! Spare workers: started while all regular ones are stuck, dismissed a while after.
//!
//! A spare worker is like any other while it is there. It stays for [`STAY`] after the last look at
//! which all regular workers were stuck: long polls often come one after the other, and starting a
//! thread for each would cost more than the thread that waits.

use std::time::{Duration, Instant};

use crate::crew;
use crate::shared::Shared;
use crate::sync::Arc;
use crate::task::quiet;

/// How long the spare workers stay after they were last needed.
pub(crate) const STAY: Duration = Duration::from_secs(1);

/// How long a thread may take to start before another spare worker is asked for.
const START: Duration = Duration::from_millis(50);

/// What the watchdog knows of the spare workers.
#[derive(Debug, Default)]
pub(super) struct Spares {
    needed: Option<Instant>,
    /// The one that was started last, until it serves.
    starting: Option<(usize, Instant)>,
    /// How many there are, at the last look.
    serving: usize,
}

impl Spares {
    /// All regular workers are stuck.
    pub(super) fn are_needed(&mut self, now: Instant) {
        self.needed = Some(now);
    }

    /// None is there, and none is on its way.
    pub(super) fn are_gone(&self) -> bool {
        self.serving == 0 && self.starting.is_none()
    }

    /// Starts one more, unless one is starting or all are there.
    pub(super) fn add(&mut self, shared: &Arc<Shared>, now: Instant) {
        if self.starting.is_some() {
            return;
        }
        let vacant = |&index: &usize| !shared.remotes[index].vitals.is_serving();
        let Some(index) = (shared.workers()..shared.remotes.len()).find(vacant) else {
            return;
        };
        self.starting = Some((index, now));
        self.needed = Some(now); // Or it would never leave: not all regular ones need be stuck.
        shared.watch.spares_started.add(1);
        quiet(|| crew::staff(shared, index)); // It may call the user's function for thread names.
    }

    /// Counts them, and asks them to leave when they are not needed any more.
    pub(super) fn dismiss(&mut self, shared: &Shared, now: Instant) {
        if let Some((index, since)) = self.starting {
            if shared.remotes[index].vitals.is_serving() || now.duration_since(since) >= START {
                self.starting = None;
            }
        }
        let spares = shared.workers()..shared.watch.staffed();
        let serving = |index: &usize| shared.remotes[*index].vitals.is_serving();
        if self
            .needed
            .is_some_and(|needed| now.duration_since(needed) >= STAY)
        {
            for index in spares.clone().filter(serving) {
                shared.remotes[index].vitals.retire();
                shared.unpark(index);
            }
        }
        self.serving = spares.filter(serving).count();
        shared.watch.set_spares(self.serving);
        shared.idle.set_workers(shared.workers() + self.serving);
    }
}
