//! What one registered descriptor remembers between an event and the syscall it allows: a word of
//! readiness, and who waits for it. Pure: no kernel, no mio.
//!
//! # States
//! One word, [`State`], whose snapshot is [`Snapshot`]:
//!
//! | Bits | Field | Meaning |
//! |---|---|---|
//! | 0–7 | readiness | what the last events reported and no syscall has refuted since, a [`Ready`] |
//! | 8–62 | tick | counts events; a clear that names an older tick does nothing |
//! | 63 | shutdown | no event will come any more; every wait ends |
//!
//! A tick has 55 bits: at ten million events a second it takes a century to repeat.
//!
//! # Protocol
//! *Event loop*, [`ScheduledIo::set_readiness`]: (1) add the readiness and bump the tick in one
//! step; (2) under the lock take every waker it concerns; (3) the caller wakes them, unlocked.
//!
//! *Task that waits*, [`ScheduledIo::poll_direction`] and [`ScheduledIo::poll_waiter`]: (1) look at
//! the word, done if ready; (2) under the lock look again, and only if still not ready, leave the
//! waker. The race: an event between the first look and the lock has found no waker to take. Its
//! step 1 came before its step 2, which came before our lock, so the second look sees it.
//! Conversely an event whose step 2 comes after our unlock finds our waker.
//!
//! *Task that got `WouldBlock`*, [`ScheduledIo::clear`]: removes what its snapshot showed if the
//! tick is still the snapshot's. An event that came during the syscall has bumped the tick: the
//! clear does nothing, and the task tries again.
//!
//! *Shutdown*, [`ScheduledIo::shut_down`]: as the event loop, with the shutdown bit for readiness.
//!
//! # Invariants
//! - A waker is cloned before and dropped or called after the lock, never under it: all three are
//!   foreign code.
//! - Wakers are taken, not copied: one event wakes a waiter once. A woken waiter that finds the
//!   readiness used up by another leaves its waker anew.
//! - Readiness is a fact about the descriptor, not a permit: all waiters of a kind are woken, so a
//!   waiter that goes away after its wake takes nothing from the others.
//! - A key of `others` is freed only by the waiter that owns it.
//!
//! # Memory ordering
//! Setting is a Release, looking an Acquire: the pair carries what `epoll_wait` saw over to the
//! syscall that relies on it. Without it a reader could see the new readiness, yet run its `recv`
//! against the queue as it was before, get `WouldBlock`, and clear an event for good. Clearing is
//! Relaxed: it publishes nothing, and being a read-modify-write it passes on the Release it finds.
//! That a second look sees the event needs no ordering of the word: the lock gives it.
//!
//! # Rejected
//! - A lock-free waker cell per direction: as fast as this lock when uncontended, needs unsafe, and
//!   the list of further waiters would want the lock anyway.
//! - A bit "someone waits", to save the lock when nobody does: an event nearly always finds the
//!   waiter it is for, and costs a syscall's share in any case.
//! - Waking one of several waiters: it may be gone or want fewer bytes, and then the wakeup is lost.

use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::interest::Direction;
use crate::ready::{Ready, ReadyEvent};
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::wake_batch::WakeBatch;

/// Readiness of one descriptor and those who wait for it.
#[derive(Debug)]
pub(crate) struct ScheduledIo {
    state: State,
    waiters: Mutex<Waiters>,
}

impl AsRef<ScheduledIo> for ScheduledIo {
    fn as_ref(&self) -> &ScheduledIo {
        self
    }
}

impl ScheduledIo {
    /// A descriptor of which nothing is known but that nobody has tried it.
    pub(crate) fn new() -> Self {
        Self::that_is(Ready::UNTRIED_READ | Ready::UNTRIED_WRITE)
    }

    /// A descriptor that is not to be tried before an event.
    pub(crate) fn unready() -> Self {
        Self::that_is(Ready::EMPTY)
    }

    fn that_is(ready: Ready) -> Self {
        Self {
            state: State::new(ready),
            waiters: Mutex::new(Waiters::default()),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.state.load()
    }

    /// Records an event and moves the wakers of those it concerns to `batch`.
    pub(crate) fn set_readiness(&self, ready: Ready, batch: &mut WakeBatch) {
        self.state.event(ready);
        self.waiters.lock().take(ready, batch);
    }

    /// Ends every wait, now and later, and moves all wakers to `batch`.
    pub(crate) fn shut_down(&self, batch: &mut WakeBatch) {
        self.state.shut_down();
        self.waiters.lock().take_all(batch);
    }

    /// Removes the readiness `event` stands for, unless a newer event has come since.
    pub(crate) fn clear(&self, event: ReadyEvent) {
        self.state.clear(event);
    }

    /// Waits in the one place for `direction`; a later caller takes the place of an earlier one.
    #[inline]
    pub(crate) fn poll_direction(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mask: Ready,
    ) -> Poll<Snapshot> {
        self.poll_in(cx, mask, |waiters, waker| {
            waiters.place(direction).replace(waker)
        })
    }

    /// Waits in a place of the caller's own, named by `key` once taken. Whoever stops waiting
    /// gives the place back with [`leave`](Self::leave).
    pub(crate) fn poll_waiter(
        &self,
        cx: &mut Context<'_>,
        key: &mut Option<usize>,
        mask: Ready,
    ) -> Poll<Snapshot> {
        self.poll_in(cx, mask, |waiters, waker| match *key {
            Some(key) => waiters.others()[key].waker.replace(waker),
            None => {
                let waker = Some(waker);
                *key = Some(waiters.others().insert(Waiter { mask, waker }));
                None
            }
        })
    }

    /// Gives back the place of one waiter.
    pub(crate) fn leave(&self, key: usize) {
        let waiter = self.waiters.lock().others().remove(key);
        drop(waiter);
    }

    #[inline]
    fn poll_in(
        &self,
        cx: &mut Context<'_>,
        mask: Ready,
        store: impl FnOnce(&mut Waiters, Waker) -> Option<Waker>,
    ) -> Poll<Snapshot> {
        let snapshot = self.state.load();
        if snapshot.ends_wait(mask) {
            return Poll::Ready(snapshot);
        }
        self.wait(cx, mask, store)
    }

    #[inline(never)]
    fn wait(
        &self,
        cx: &mut Context<'_>,
        mask: Ready,
        store: impl FnOnce(&mut Waiters, Waker) -> Option<Waker>,
    ) -> Poll<Snapshot> {
        let waker = cx.waker().clone();
        let mut waiters = self.waiters.lock();
        // The second look; see Protocol.
        let snapshot = self.state.load();
        if snapshot.ends_wait(mask) {
            drop(waiters);
            return Poll::Ready(snapshot);
        }
        let replaced = store(&mut waiters, waker);
        drop(waiters);
        drop(replaced);
        Poll::Pending
    }
}

/// Who waits; guarded by the lock of [`ScheduledIo`].
#[derive(Debug, Default)]
struct Waiters {
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Few descriptors have any, and those pay for it.
    others: Option<Box<Slab<Waiter>>>,
}

/// One of any number of further waiters.
#[derive(Debug)]
struct Waiter {
    mask: Ready,
    waker: Option<Waker>,
}

impl Waiters {
    fn others(&mut self) -> &mut Slab<Waiter> {
        self.others.get_or_insert_default()
    }

    fn place(&mut self, direction: Direction) -> &mut Option<Waker> {
        match direction {
            Direction::Read => &mut self.reader,
            Direction::Write => &mut self.writer,
        }
    }

    fn take(&mut self, ready: Ready, batch: &mut WakeBatch) {
        for direction in [Direction::Read, Direction::Write] {
            if ready.contains_any(Ready::of_direction(direction)) {
                batch.extend(self.place(direction).take());
            }
        }
        for (_, waiter) in self.others.iter_mut().flat_map(|others| others.iter_mut()) {
            if ready.contains_any(waiter.mask) {
                batch.extend(waiter.waker.take());
            }
        }
    }

    fn take_all(&mut self, batch: &mut WakeBatch) {
        batch.extend(self.reader.take());
        batch.extend(self.writer.take());
        for (_, waiter) in self.others.iter_mut().flat_map(|others| others.iter_mut()) {
            batch.extend(waiter.waker.take());
        }
    }
}

/// The packed word; its transitions are named for what happened.
#[derive(Debug)]
struct State(AtomicU64);

impl State {
    fn new(ready: Ready) -> Self {
        Self(AtomicU64::new(u64::from(ready.bits())))
    }

    fn load(&self) -> Snapshot {
        // ORDERING: Acquire pairs with `State::event`: sees what the kernel had shown the event loop,
        // before the syscall that relies on it. (model: a_ready_reader_sees_what_the_event_reported)
        Snapshot(self.0.load(Ordering::Acquire))
    }

    fn event(&self, ready: Ready) {
        // ORDERING: Release pairs with `State::load`: publishes what the kernel showed the event loop.
        // (model: a_ready_reader_sees_what_the_event_reported)
        self.update(Ordering::Release, |snapshot| {
            Some(snapshot.with_event(ready))
        });
    }

    fn clear(&self, event: ReadyEvent) {
        self.update(Ordering::Relaxed, |snapshot| snapshot.without(event));
    }

    fn shut_down(&self) {
        self.update(Ordering::Relaxed, |snapshot| Some(snapshot.with_shutdown()));
    }

    fn update(&self, order: Ordering, mut change: impl FnMut(Snapshot) -> Option<Snapshot>) {
        // The closure's refusal is an answer (the word already says otherwise), not a failure.
        let _ = self.0.fetch_update(order, Ordering::Relaxed, |word| {
            change(Snapshot(word)).map(|snapshot| snapshot.0)
        });
    }
}

/// The word at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    const READY_MASK: u64 = (1 << Ready::BITS) - 1;
    const TICK_ONE: u64 = 1 << Ready::BITS;
    const TICK_MASK: u64 = !(Self::READY_MASK | Self::SHUTDOWN);
    const SHUTDOWN: u64 = 1 << 63;

    pub(crate) fn ready(self) -> Ready {
        Ready::from_bits((self.0 & Self::READY_MASK) as u8)
    }

    pub(crate) fn is_shut_down(self) -> bool {
        self.0 & Self::SHUTDOWN != 0
    }

    /// The evidence for clearing, reduced to the states a caller asked for.
    pub(crate) fn event(self, mask: Ready) -> ReadyEvent {
        ReadyEvent {
            ready: self.ready() & mask,
            tick: self.tick(),
        }
    }

    fn tick(self) -> u64 {
        self.0 & Self::TICK_MASK
    }

    fn ends_wait(self, mask: Ready) -> bool {
        self.is_shut_down() || self.ready().contains_any(mask)
    }

    fn with_event(self, ready: Ready) -> Self {
        // The sum may carry out of the tick; the mask drops it before it reaches the shutdown bit.
        let tick = self.0.wrapping_add(Self::TICK_ONE) & Self::TICK_MASK;
        let ready = self.ready() | ready;
        Self((self.0 & Self::SHUTDOWN) | tick | u64::from(ready.bits()))
    }

    fn without(self, event: ReadyEvent) -> Option<Self> {
        let cleared = Self(self.0 & !u64::from(event.ready.bits()));
        (self.tick() == event.tick && cleared != self).then_some(cleared)
    }

    fn with_shutdown(self) -> Self {
        Self(self.0 | Self::SHUTDOWN)
    }
}

const _: () = assert!(
    Snapshot::READY_MASK | Snapshot::TICK_MASK | Snapshot::SHUTDOWN == u64::MAX
        && Snapshot::READY_MASK & Snapshot::TICK_MASK == 0
);

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "scheduled_io_tests.rs"]
mod tests;
