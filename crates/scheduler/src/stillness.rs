//! Whether a scheduler stands still: nothing in it happens before an event, or time, comes from outside.
//!
//! A clock that is stopped moves on by itself when that is so, see [`Handle::is_still`].
//!
//! # Protocol
//! [`Handle::is_still`] looks twice whether all workers sleep and all roots wait, and between the two
//! whether there is a blocking job or a queued task. Each sleep and each turn of a root leaves a mark: a
//! count of polls. Two looks with the same marks mean that nothing was polled between; so no job or
//! task that was not there at the look between them can have come from inside.
//!
//! Whoever becomes idle says so, *after* it shows: [`Unpark::went_idle`]. So of two that become idle at
//! once, the later one's word comes after both show.
//!
//! [`Unpark::went_idle`]: crate::driver::Unpark::went_idle
//!
//! # Not seen
//! What threads and processes do that are no part of the scheduler: they may hold wakers.

use crate::handle::Handle;
use crate::shared::Shared;

impl Handle {
    /// Whether every worker sleeps and every root waits, nothing is queued, and no blocking job runs.
    ///
    /// The calling thread may be a worker that is about to block in the driver: it counts as asleep.
    pub fn is_still(&self) -> bool {
        let shared = &*self.shared;
        let Some(before) = polls_if_idle(shared) else {
            return false;
        };
        let nothing_to_do = shared.blocking.is_idle() && !shared.has_work();
        nothing_to_do && polls_if_idle(shared) == Some(before)
    }
}

/// If all workers sleep and all roots wait: how often one of them polled.
fn polls_if_idle(shared: &Shared) -> Option<u64> {
    let serving = shared.serving_if_none_is_away()?;
    let roots = shared.roots.turns_if_idle()?;
    let asleep = !shared.is_stopping() && shared.idle.are_all_asleep(serving);
    let polls = |remote: &crate::shared::Remote| remote.counters.polls.get();
    asleep.then(|| {
        let workers: u64 = shared.staffed().iter().map(|remote| polls(remote)).sum();
        roots + workers
    })
}
