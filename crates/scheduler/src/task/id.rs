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

    /// The id of the task that this thread is polling, or whose future it is dropping.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Cell::get).ok().flatten()
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

/// A number that no other scheduler, and no set of local tasks, of the process has.
pub(crate) fn next_set_id() -> NonZeroU64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NonZeroU64::new(NEXT.fetch_add(1, Relaxed)).expect("2^64 schedulers are not made")
}

thread_local! {
    static CURRENT: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Makes `id` the current one until the guard is dropped.
#[inline]
pub(super) fn enter(id: Id) -> Entered {
    // A task may be polled while the thread's locals are destroyed: then it has no current id.
    let outer = CURRENT.try_with(|current| current.replace(Some(id)));
    Entered(outer.ok().flatten())
}

/// Brings the current id before back: tasks nest, where one polls a set of local ones.
pub(super) struct Entered(Option<Id>);

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.0));
    }
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
