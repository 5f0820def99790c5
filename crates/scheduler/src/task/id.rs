//! Task identifiers: unique in the process, handed out in blocks so that spawning threads do not
//! share a cache line.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;

use crate::sync::plain::AtomicU64;
use crate::sync::plain::Ordering::Relaxed;

/// Identifies a task; unique among all tasks of the process, never reused.
///
/// Ids say nothing about the order of spawning: each thread takes them in blocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) NonZeroU64);

impl Id {
    /// The id as a number, for logs and metrics.
    pub fn as_u64(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}

/// How many ids a thread takes at a time.
const BLOCK: u64 = 256;

/// The first id of the next block. Plain std: a counter is no synchronization.
static NEXT_BLOCK: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The ids this thread may hand out: `next..end`.
    static RANGE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Takes the next id of this thread.
pub(crate) fn next_id() -> Id {
    let id = RANGE.with(|range| {
        let (mut next, mut end) = range.get();
        if next == end {
            next = NEXT_BLOCK.fetch_add(BLOCK, Relaxed);
            end = next + BLOCK;
        }
        range.set((next + 1, end));
        next
    });
    Id(NonZeroU64::new(id).expect("2^64 ids are not used up"))
}
