//! Who sleeps, who searches, and whom a push wakes.
//!
//! A worker is *running* (it has tasks, or none), *searching* (it found its own queue empty and
//! looks for work elsewhere) or *sleeping* (it blocks, or is about to, in its parker). One word
//! counts the searching and the sleeping ones; a list under a lock names the sleepers.
//!
//! # Protocol
//! Push (any thread), [`Idle::claim`]:
//! 1. The task is in a queue.
//! 2. `fence(SeqCst)`.
//! 3. Load the word. Someone searches, or nobody sleeps: done, no wakeup.
//! 4. Else take the sleeper that went to sleep last off the list, counting it as searching on its
//!    behalf, and unpark it.
//!
//! Sleep (a worker), [`Idle::sleep`]:
//! 1. Enter the list; the word counts one sleeper more, and one searcher less if it was one.
//! 2. `fence(SeqCst)`.
//! 3. If no searcher is left, look at every queue again: work there means [`Idle::wake_self`] and
//!    no sleep.
//! 4. Park. After it, `wake_self` tells whether a pusher claimed this worker (then it is
//!    searching, and counted) or whether it came back by itself.
//!
//! Found work while searching, [`Idle::stop_searching`]: the word counts one searcher less. If
//! none is left: `fence(SeqCst)`, look at every queue, and claim a sleeper if there is more work.
//!
//! A searcher that takes several tasks moves all but one to its own queue. On the way they are in
//! no queue, so others may look in vain: it counts as searching until they have arrived, and ends
//! its search with a Release, which the last searcher's fence acquires before its look. A worker
//! that fetches injected tasks without a search announces them as a push does.
//!
//! # The race
//! A pusher that finds a searcher wakes nobody, because that searcher will find the task. But the
//! searcher may just have looked at that queue and be about to sleep. Steps 2 of both sides
//! decide: of the two fences one is first. If the pusher's is, the sleeper's second look sees
//! the task. If the sleeper's is, the pusher's load sees one searcher less and one sleeper more,
//! and claims. A worker that sleeps while others still search looks not again: the last of
//! those searchers does, in `sleep` or in `stop_searching`.
//!
//! # Invariants
//! - A claimed sleeper is counted as searching from the claim on: a second push before it runs
//!   wakes nobody else.
//! - At most half of the workers search at once, so that many idle workers do not all rummage
//!   through the queues of the few that work.
//! - The list and the counts change together, under the lock. The counts are read without it.
//!
//! # Rejected
//! - Waking one sleeper for each push: 12 % more CPU under load for wakeups that find nothing.
//! - SeqCst read-modify-writes in place of fences: the same machine code on x86, but loom models
//!   them as AcqRel, so the proof above could not be checked.

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use crate::sync::atomic::fence;
use crate::sync::{Mutex, plain};

/// The counts and the list.
#[derive(Debug)]
pub(crate) struct Idle {
    /// `sleeping << SLEEPING_SHIFT | searching`.
    counts: AtomicUsize,
    sleepers: Mutex<Vec<usize>>,
    /// How many workers there are. A hint: spare ones come and go.
    workers: plain::AtomicUsize,
}

const SEARCHING: usize = 1;
const SLEEPING_SHIFT: u32 = usize::BITS / 2;
const SLEEPING: usize = 1 << SLEEPING_SHIFT;

#[derive(Clone, Copy)]
struct Counts(usize);

impl Counts {
    fn searching(self) -> usize {
        self.0 & (SLEEPING - 1)
    }

    fn sleeping(self) -> usize {
        self.0 >> SLEEPING_SHIFT
    }
}

/// Evidence that this worker is counted as searching; given back to [`Idle::sleep`] or
/// [`Idle::stop_searching`].
#[derive(Debug)]
#[must_use]
pub(crate) struct Searching(());

/// What a worker that entered the list does next.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Sleep {
    /// Nobody searches any more: look at every queue before parking.
    LookAgain,
    /// Others still search, and will look again in this worker's stead.
    Park,
}

impl Idle {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            counts: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::with_capacity(workers)),
            workers: plain::AtomicUsize::new(workers),
        }
    }

    /// There are so many workers from now on.
    pub(crate) fn set_workers(&self, workers: usize) {
        self.workers.store(workers, Relaxed);
    }

    fn counts(&self) -> Counts {
        Counts(self.counts.load(Relaxed))
    }

    /// After a push: the sleeper to unpark, if one is to be woken for it.
    #[inline]
    pub(crate) fn claim(&self) -> Option<usize> {
        // Either this load sees the other side's change of the counts, or that side sees the task.
        // ORDERING: fence SeqCst pairs with `Idle::sleep` and `Idle::stop_searching`: orders the push
        // before the load of the counts. (model: push_races_with_the_last_searcher)
        fence(SeqCst);
        let counts = self.counts();
        if counts.searching() > 0 || counts.sleeping() == 0 {
            return None;
        }
        self.claim_slow()
    }

    /// Whether [`Idle::claim`] is likely to find somebody; no more than that, as it has no fence.
    #[inline]
    pub(crate) fn may_claim(&self) -> bool {
        let counts = self.counts();
        counts.searching() == 0 && counts.sleeping() > 0
    }

    #[cold]
    fn claim_slow(&self) -> Option<usize> {
        let mut sleepers = self.sleepers.lock();
        if self.counts().searching() > 0 {
            return None; // Another pusher was faster; its searcher serves both.
        }
        let worker = sleepers.pop()?;
        self.counts
            .fetch_add(SEARCHING.wrapping_sub(SLEEPING), Relaxed);
        Some(worker)
    }

    /// Begins to search, unless enough others do or nobody is awake to be robbed.
    pub(crate) fn start_searching(&self) -> Option<Searching> {
        let counts = self.counts();
        let workers = self.workers.load(Relaxed);
        let alone = counts.sleeping() + 1 >= workers;
        if alone || 2 * counts.searching() >= workers {
            return None;
        }
        self.counts.fetch_add(SEARCHING, Relaxed);
        Some(Searching(()))
    }

    /// Begins to search whatever the others do: the caller saw work that nobody may look for.
    pub(crate) fn search_anyway(&self) -> Searching {
        self.counts.fetch_add(SEARCHING, Relaxed);
        Searching(())
    }

    /// Ends a search that found work; true if it was the last one, and the caller must look for
    /// more work and [`Idle::claim`] a sleeper for it.
    pub(crate) fn stop_searching(&self, searching: Searching) -> bool {
        let Searching(()) = searching;
        // ORDERING: Release pairs with `Idle::sleep`: publishes what this searcher moved to its own
        // queue, to the last one's look at the queues.
        // (model: a_task_taken_along_by_a_searcher_is_run_by_the_other)
        let before = Counts(self.counts.fetch_sub(SEARCHING, Release));
        let last = before.searching() == 1;
        if last {
            // ORDERING: fence SeqCst pairs with `Idle::claim`: orders the end of the search before the
            // last look at the queues. (model: searcher_that_finds_work_passes_the_search_on)
            fence(SeqCst);
        }
        last
    }

    /// Enters the list of sleepers.
    pub(crate) fn sleep(&self, worker: usize, searching: Option<Searching>) -> Sleep {
        let mut sleepers = self.sleepers.lock();
        sleepers.push(worker);
        let was = if searching.is_some() { SEARCHING } else { 0 };
        let before = Counts(self.counts.fetch_add(SLEEPING.wrapping_sub(was), Relaxed));
        drop(sleepers);
        // Either the pusher's load sees this worker asleep and not searching, or the look that
        // follows sees the task.
        // ORDERING: fence SeqCst pairs with `Idle::claim`: orders the sleeper's entry before its second
        // look at the queues. (model: push_races_with_the_last_searcher)
        // ORDERING: Acquire of fence SeqCst pairs with `Idle::stop_searching`: sees what an earlier
        // searcher moved to its own queue.
        // (model: a_task_taken_along_by_a_searcher_is_run_by_the_other)
        fence(SeqCst);
        if before.searching() == was {
            Sleep::LookAgain
        } else {
            Sleep::Park
        }
    }

    /// Leaves the list; `Some` if a pusher claimed this worker, which is then searching.
    pub(crate) fn wake_self(&self, worker: usize) -> Option<Searching> {
        let mut sleepers = self.sleepers.lock();
        match sleepers.iter().rposition(|&sleeper| sleeper == worker) {
            Some(place) => {
                sleepers.remove(place);
                self.counts.fetch_sub(SLEEPING, Relaxed);
                None
            }
            None => Some(Searching(())),
        }
    }

    /// Whether `serving` workers sleep and none searches. Sees all that they did before.
    pub(crate) fn are_all_asleep(&self, serving: usize) -> bool {
        let _sleepers = self.sleepers.lock();
        let counts = self.counts();
        counts.sleeping() == serving && counts.searching() == 0
    }

    /// How many workers sleep now.
    pub(crate) fn sleeping(&self) -> usize {
        self.counts().sleeping()
    }
}
