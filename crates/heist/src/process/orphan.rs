//! Children that nobody waits for any more, and who reaps them, so that none stays a zombie.
//!
//! # Protocol
//!
//! 1. A dropped [`Child`](super::Child) that has not ended is given to a task of its home, the runtime it was
//!    started in or last waited for in, or, if that has shut down, of the runtime it is dropped in. The task
//!    waits for its end and reaps it.
//! 2. When that runtime shuts down, the task is dropped and leaves its child in [`LEFT`]; so does a task
//!    that is refused.
//! 3. Whoever starts a child reaps those of [`LEFT`] that have ended meanwhile.
//!
//! What is in [`LEFT`] when the process ends is inherited, and reaped, by init.
//!
//! # Rejected
//!
//! A listener for `SIGCHLD` per process: it needs a runtime that is always there, and reads the end
//! of every child to find that of one.

use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Children whose runtime has ended before them.
static LEFT: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Leaves `child` to be reaped later, unless it has ended already.
pub(super) fn leave(mut child: Child) {
    if still_runs(&mut child) {
        left().push(child);
    }
}

/// Reaps those that have ended.
pub(super) fn reap() {
    left().retain_mut(still_runs);
}

/// An error means that somebody else has reaped it.
fn still_runs(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

fn left() -> MutexGuard<'static, Vec<Child>> {
    // Nothing under the lock can panic halfway through a change.
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}
