//! Which shard a thread's timers go to: each thread draws a number once and keeps it.

use crate::sync::plain::{AtomicUsize, Ordering};

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
}

/// The calling thread's number; reduced by the caller to the shards there are.
pub(crate) fn of_this_thread() -> usize {
    // A thread that is tearing down its locals may use anybody's shard.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}
