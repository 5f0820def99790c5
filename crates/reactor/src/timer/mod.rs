//! Timers: [`Timer`], owned by one `Sleep`, and [`Timers`], all shards of a reactor.
//!
//! # States of a timer
//! | State | `armed` of the `Timer` | In the shard | Left by |
//! |---|---|---|---|
//! | idle | none | nothing | `arm` → armed |
//! | armed | key and waker's identity | entry in the heap, with waker | fire → fired; `cancel` → idle; `reset` → armed |
//! | fired | key and waker's identity | entry without place or waker | `cancel`, `reset` → idle |
//!
//! # Protocol
//! *Owner*: [`Timer::arm`] puts an entry into the shard, under its lock, and then sees to the
//! alarm. [`Timer::reset`] moves it, [`Timer::cancel`] (also by drop, on any thread) frees it.
//! *The thread that turns the reactor*: [`Timers::fire`] visits shard after shard, takes due wakers
//! out in chunks under the lock, and calls them unlocked. Who sees that a sweep happens in time is
//! told in [`crate::alarm`].
//!
//! # Invariants
//! - A timer fires at or after its deadline by the reactor's clock, never before.
//! - Only the owner frees a key, so a key in its hands is always its own entry's. A fire leaves the
//!   entry behind, without waker, for the owner to find.
//! - No waker is cloned, called or dropped under a shard's lock.
//! - An owner that polls again before the deadline, with the same waker, need not look into the
//!   shard: had the entry fired, the clock would have reached the deadline. (Or the reactor has
//!   shut down, which is looked at first: whoever was woken by the shutdown sees it.)
//! - A shard never changes for a timer: which one it is, the creating thread decides. Threads stick
//!   to a shard each, so threads that create and cancel their own timers do not meet.
//!
//! # Memory ordering
//! The shards' locks carry everything. `shut_down` is Relaxed: it is set before the shards are
//! visited under their locks, so whoever locks a shard after that visit, or was woken by it, sees
//! it; whoever locked it before has its waker taken.
//!
//! # Rejected
//! - A hashed wheel: 2 to 3 times as fast to create at a million timers, but deadlines become
//!   multiples of its tick, and far ones cascade. Where the lock and the clock cost 40 ns a heap
//!   kept per shard is not what one waits for.
//! - Removing cancelled timers lazily: every request's timeout would stay for its full length.
//! - A random shard: the same thread would meet all others in turn.

use std::task::Waker;
use std::time::Instant;

use crate::alarm::{Alarm, Hardware, Owed};
use crate::clock::{Nanos, Timeline};
use crate::coop::Coop;
use crate::sync::{Arc, AtomicBool, CachePadded, Mutex, Ordering};
use crate::wake_batch::WakeBatch;
use heap::Heap;

mod affinity;
mod heap;

/// How many timers are taken out of a shard before its lock is let go.
const CHUNK: usize = if cfg!(heist_loom) { 1 } else { 64 };

/// All timers of a reactor.
#[derive(Debug)]
pub(crate) struct Timers {
    shards: Box<[Arc<Shard>]>,
    core: Arc<Core>,
}

impl Timers {
    /// `shards` is rounded up to a power of two.
    pub(crate) fn new(
        shards: usize,
        timeline: Timeline,
        coop: Coop,
        hardware: Box<dyn Hardware>,
    ) -> Self {
        let core = Arc::new(Core {
            timeline,
            coop,
            alarm: Alarm::new(hardware),
            shut_down: AtomicBool::new(false),
        });
        let shards = (0..shards.next_power_of_two())
            .map(|_| Arc::new(Shard::new(Arc::clone(&core))))
            .collect();
        Self { shards, core }
    }

    /// An idle timer in the shard of the calling thread.
    pub(crate) fn timer(&self) -> Timer {
        self.timer_in(affinity::of_this_thread())
    }

    /// An idle timer in a shard of the caller's choice.
    pub(crate) fn timer_in(&self, shard: usize) -> Timer {
        Timer {
            shard: Arc::clone(&self.shards[shard & (self.shards.len() - 1)]),
            armed: None,
        }
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.core.timeline
    }

    pub(crate) fn coop(&self) -> Coop {
        self.core.coop
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.core.alarm
    }

    /// Whether a deadline has come. Reads the clock only if some timer is armed.
    pub(crate) fn is_due(&self) -> bool {
        let armed = self.core.alarm.armed();
        armed != Nanos::NEVER && armed <= self.core.timeline.now_nanos()
    }

    /// Wakes the owners of due timers, at most `limit` of them, and says how many; the alarm, which may
    /// be owed, brings the next sweep, at once if some are left. Starts with the shard `first`, for
    /// callers to take turns.
    #[must_use = "what is owed is paid before a thread blocks"]
    pub(crate) fn fire(
        &self,
        first: usize,
        limit: usize,
        batch: &mut WakeBatch,
    ) -> (usize, Option<Owed>) {
        let now = self.core.timeline.now_nanos();
        let sweep = self.core.alarm.start_sweep();
        let mut earliest = Nanos::NEVER;
        let mut fired = 0;
        for offset in 0..self.shards.len() {
            let shard = &self.shards[(first.wrapping_add(offset)) & (self.shards.len() - 1)];
            let (count, next) = shard.fire(now, limit - fired, batch);
            fired += count;
            earliest = earliest.min(next);
        }
        (fired, sweep.finish(earliest))
    }

    /// Sets the alarm anew, as a sweep does that fires nothing: what it was set to may mean another
    /// moment by now.
    pub(crate) fn set_alarm_anew(&self) {
        let sweep = self.core.alarm.start_sweep();
        sweep.finish_now(self.earliest(), &self.core.timeline);
    }

    /// Fires every timer there is, due or not, and lets none in any more.
    pub(crate) fn shut_down(&self, batch: &mut WakeBatch) {
        self.core.shut_down.store(true, Ordering::Relaxed);
        for shard in &self.shards {
            shard.fire(Nanos::LAST, usize::MAX, batch);
        }
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.core.is_shut_down()
    }

    /// The earliest deadline of all timers.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let earliest = self.earliest();
        (earliest != Nanos::NEVER).then(|| self.core.timeline.instant(earliest))
    }

    fn earliest(&self) -> Nanos {
        let deadlines = self.shards.iter().map(|shard| shard.heap.lock().earliest());
        deadlines.min().unwrap_or(Nanos::NEVER)
    }

    /// How many timers are armed.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.heap.lock().len())
            .sum()
    }
}

/// One timer; idle until armed, and cancelled by its drop.
#[derive(Debug)]
pub(crate) struct Timer {
    shard: Arc<Shard>,
    armed: Option<Armed>,
}

/// The reactor has shut down: its timers fire no more.
#[derive(Debug)]
pub(crate) struct ShutDown;

impl Timer {
    pub(crate) fn timeline(&self) -> &Timeline {
        &self.shard.core.timeline
    }

    pub(crate) fn coop(&self) -> Coop {
        self.shard.core.coop
    }

    /// Sees to it that `waker` is called at `deadline`, which has not come yet. An armed timer
    /// takes the waker only; its deadline is changed by [`reset`](Self::reset).
    pub(crate) fn arm(&mut self, deadline: Instant, waker: &Waker) -> Result<(), ShutDown> {
        if self.shard.core.is_shut_down() {
            return Err(ShutDown);
        }
        let same = |armed: &Armed| armed.waker == WakerIdentity::of(waker);
        if self.armed.as_ref().is_some_and(same) {
            return Ok(());
        }
        let deadline = self.timeline().nanos(deadline);
        let replaced = self.enter(deadline, waker.clone())?;
        self.shard.core.alarm.ring_by(deadline, self.timeline());
        drop(replaced);
        Ok(())
    }

    /// Moves an armed timer to another deadline; one that has fired becomes idle.
    pub(crate) fn reset(&mut self, deadline: Instant) {
        let Some(armed) = &self.armed else { return };
        let deadline = self.timeline().nanos(deadline);
        let moved = self.shard.heap.lock().reset(armed.key, deadline);
        match moved {
            Ok(()) => self.shard.core.alarm.ring_by(deadline, self.timeline()),
            Err(heap::HasFired) => self.armed = None,
        }
    }

    /// Makes the timer idle, whatever it was.
    pub(crate) fn cancel(&mut self) {
        if let Some(armed) = self.armed.take() {
            let waker = self.shard.heap.lock().remove(armed.key);
            drop(waker);
        }
    }

    /// Puts an entry with this waker into the shard, or the waker into the entry there is. Returns
    /// the waker that was there, to be dropped when all is done: its drop is foreign code.
    fn enter(&mut self, deadline: Nanos, waker: Waker) -> Result<Option<Waker>, ShutDown> {
        let identity = WakerIdentity::of(&waker);
        let mut heap = self.shard.heap.lock();
        // Looked at under the lock: a shutdown that is not seen here has yet to visit the shard.
        if self.shard.core.is_shut_down() {
            drop(heap);
            return Err(ShutDown);
        }
        let (key, replaced) = match &self.armed {
            Some(armed) if !heap.has_fired(armed.key) => {
                (armed.key, heap.replace_waker(armed.key, waker))
            }
            Some(armed) => {
                heap.remove(armed.key);
                (heap.insert(deadline, waker), None)
            }
            None => (heap.insert(deadline, waker), None),
        };
        drop(heap);
        self.armed = Some(Armed {
            key,
            waker: identity,
        });
        Ok(replaced)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[derive(Debug)]
struct Armed {
    key: usize,
    waker: WakerIdentity,
}

/// Tells wakers apart as [`Waker::will_wake`] does, without keeping one. It means something only
/// while the very waker it was taken from is alive: here the one in the entry, which may differ
/// from the one it was cloned from, for as long as the entry is in the heap.
#[derive(Debug, PartialEq, Eq)]
struct WakerIdentity {
    data: usize,
    vtable: usize,
}

impl WakerIdentity {
    fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data().addr(),
            vtable: std::ptr::from_ref(waker.vtable()).addr(),
        }
    }
}

/// Some of the timers, with a lock of their own, on cache lines of their own.
#[derive(Debug)]
struct Shard {
    heap: CachePadded<Mutex<Heap>>,
    core: Arc<Core>,
}

impl Shard {
    fn new(core: Arc<Core>) -> Self {
        Self {
            heap: CachePadded::new(Mutex::new(Heap::default())),
            core,
        }
    }

    /// Fires up to `limit` timers due at `now`, in chunks; returns how many, and the earliest
    /// deadline left.
    fn fire(&self, now: Nanos, limit: usize, batch: &mut WakeBatch) -> (usize, Nanos) {
        let mut fired = 0;
        loop {
            let chunk = CHUNK.min(limit - fired);
            let mut heap = self.heap.lock();
            let mut taken = 0;
            while taken < chunk {
                let Some(waker) = heap.pop_due(now) else {
                    break;
                };
                batch.push(waker);
                taken += 1;
            }
            let earliest = heap.earliest();
            drop(heap);
            batch.wake_all();
            fired += taken;
            if earliest > now || fired == limit {
                return (fired, earliest);
            }
        }
    }
}

/// What all shards share.
#[derive(Debug)]
struct Core {
    timeline: Timeline,
    coop: Coop,
    alarm: Alarm,
    shut_down: AtomicBool,
}

impl Core {
    fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }
}
