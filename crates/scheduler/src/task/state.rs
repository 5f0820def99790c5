//! The state word of a task and its transitions.
//!
//! # States
//! | flag | set means | set by | cleared by |
//! |---|---|---|---|
//! | ACTIVE | a token ([`super::Task`]) exists: the task is queued or being polled | spawn; a wake or abort of an idle task | `finish_pending`, `complete` |
//! | NOTIFIED | woken while ACTIVE: poll once more | a wake | `start_poll`, `finish_pending` |
//! | CANCELLED | the future is to be dropped instead of polled | abort, shutdown | never |
//! | DONE | the future is gone, the output (if kept) is in the cell | `complete` | never |
//! | HANDLE | a `JoinHandle` exists | spawn | its drop |
//! | JOIN_WAKER | the join waker's slot is filled, for the completing side | `publish_join_waker` | `reclaim_join_waker`, `complete` |
//!
//! The remaining bits count references: one of the runtime's until DONE, one for each
//! [`super::TaskRef`]. ACTIVE and DONE exclude each other, and JOIN_WAKER implies HANDLE.
//!
//! ```text
//!   spawn ──> ACTIVE ──finish_pending──> idle ──wake/abort──> ACTIVE
//!               └─────────complete──> DONE
//! ```
//!
//! # Invariants
//! 1. At most one token: only a transition from "no ACTIVE, no DONE" to ACTIVE makes one, and the
//!    compare-exchange lets one thread win it.
//! 2. No lost wakeup: a wake that finds ACTIVE leaves NOTIFIED behind, and the poller cannot
//!    clear ACTIVE over it.
//! 3. One thread frees the cell: "DONE, no HANDLE, count 0" is reached by one transition, and no
//!    transition leaves it. Once DONE the count only falls, except through a reference that
//!    still counts or through the `JoinHandle` itself. So a `JoinHandle` that sees DONE and count 0 owns the cell with a plain load.
//!    A reference that [`State::try_add_ref`] counts, from nothing but a look at the cell, is
//!    counted only while the task is not DONE.
//! 4. The output is dropped by the completer if HANDLE was gone when DONE was set, else by the
//!    `JoinHandle`.
//!
//! # Memory ordering
//! The word is a chain of read-modify-writes, so every Acquire of it sees all that any earlier
//! Release transition published. Transitions that give something away are Release, those that
//! take something are Acquire; the comment at each names what.
//!
//! # Cost
//! spawn 0 read-modify-writes, first poll 0, wake 1, pending 1, complete 1, join after DONE 0:
//! each saves about 4 ns against a scheme that counts the queue and the handle as references.
//!
//! # Rejected
//! - A reference for the queue's token (tokio): two more read-modify-writes per wake and poll.
//! - Skipping the write when NOTIFIED is already set: the second waker's data would not be
//!   published to the poll that its wake promises.

mod outcome;

use std::fmt;

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
pub(super) use outcome::{Complete, DropHandle, FinishPending, Join, StartPoll, Wake};

const ACTIVE: usize = 0b00_0001;
const NOTIFIED: usize = 0b00_0010;
const DONE: usize = 0b00_0100;
const HANDLE: usize = 0b00_1000;
const JOIN_WAKER: usize = 0b01_0000;
const CANCELLED: usize = 0b10_0000;
const FLAG_BITS: u32 = 6;
const ONE_REF: usize = 1 << FLAG_BITS;
/// Queued for the first poll, with a `JoinHandle` and the runtime's reference.
const BORN: usize = ACTIVE | HANDLE | ONE_REF;
/// More references than memory could hold: something leaks them.
const MAX_REFS: usize = usize::MAX >> (FLAG_BITS + 1);

const _: () = assert!(
    ACTIVE | NOTIFIED | DONE | HANDLE | JOIN_WAKER | CANCELLED == ONE_REF - 1,
    "flags and count share no bit and leave none unused"
);

/// The word.
pub(super) struct State(AtomicUsize);

/// What the word was at one instant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Snapshot(usize);

impl State {
    /// A task that is queued for its first poll and has a `JoinHandle`.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(BORN))
    }

    /// No task: one that has ended, and that nobody can reach.
    pub(super) fn done() -> Self {
        Self(AtomicUsize::new(DONE))
    }

    /// As [`State::new`], in a cell whose state may be read while it is free.
    #[inline]
    pub(super) fn begin(&self) {
        // ORDERING: Release pairs with `State::try_add_ref`: publishes what is known of the task from
        // its spawn on. (model: an_enumeration_sees_all_of_a_task_that_is_born)
        self.0.store(BORN, Release);
    }

    /// Counts one more reference, unless there is no task or it is DONE.
    #[inline]
    pub(super) fn try_add_ref(&self) -> bool {
        let mut now = Snapshot(self.0.load(Relaxed));
        while !now.is(DONE) {
            if now.refs() >= MAX_REFS {
                std::process::abort(); // As in `add_ref`.
            }
            // ORDERING: Acquire pairs with `State::begin`: sees what is known of the task, through the
            // chain of read-modify-writes since. (model: an_enumeration_sees_all_of_a_task_that_is_born)
            let result = self
                .0
                .compare_exchange_weak(now.0, now.0 + ONE_REF, Acquire, Relaxed);
            match result {
                Ok(_) => return true,
                Err(changed) => now = Snapshot(changed),
            }
        }
        false
    }

    /// The word now, with everything published to it.
    #[inline]
    pub(super) fn load(&self) -> Snapshot {
        // ORDERING: Acquire pairs with `State::update`: sees the output (`complete`).
        // (model: join_sees_the_output)
        // ORDERING: Acquire pairs with `State::release_ref`: sees that every use of the cell is over,
        // before the free. (model: a_handle_that_outlives_the_references_frees_a_done_task)
        Snapshot(self.0.load(Acquire))
    }

    /// The token's holder is about to poll.
    #[inline]
    pub(super) fn start_poll(&self) -> StartPoll {
        let mut now = Snapshot(self.0.load(Relaxed));
        debug_assert!(now.is(ACTIVE) && !now.is(DONE));
        if now.is(NOTIFIED) {
            // ORDERING: Acquire pairs with `State::update`: sees what came before the wake that set
            // NOTIFIED. (model: wake_while_queued_is_seen_by_the_poll)
            now = Snapshot(self.0.fetch_and(!NOTIFIED, Acquire));
        }
        if now.is(CANCELLED) {
            StartPoll::Cancel
        } else {
            StartPoll::Poll
        }
    }

    /// The poll returned `Pending`.
    #[inline]
    pub(super) fn finish_pending(&self) -> FinishPending {
        self.update(|now| {
            debug_assert!(now.is(ACTIVE) && !now.is(DONE));
            if now.is(CANCELLED) {
                Err(FinishPending::Cancel)
            } else if now.is(NOTIFIED) {
                Ok((now.0 & !NOTIFIED, FinishPending::Requeue))
            } else {
                Ok((now.0 & !ACTIVE, FinishPending::Idle))
            }
        })
    }

    /// The output or the error is in the cell (`kept`), or has been dropped.
    #[inline]
    pub(super) fn complete(&self, kept: bool) -> Complete {
        self.update(|now| {
            debug_assert!(now.is(ACTIVE) && !now.is(DONE));
            let done = (now.0 | DONE) & !(ACTIVE | NOTIFIED);
            if kept && !now.is(HANDLE) {
                Err(Complete::DropOutput)
            } else if now.is(JOIN_WAKER) {
                Ok((done & !JOIN_WAKER, Complete::WakeJoin))
            } else if now.is(HANDLE) || now.refs() > 1 {
                Ok((done - ONE_REF, Complete::Released))
            } else {
                Ok((done - ONE_REF, Complete::Free))
            }
        })
    }

    /// Wakes, and gives up the caller's reference.
    #[inline]
    pub(super) fn wake_by_value(&self) -> Wake {
        self.update(|now| {
            if now.is(DONE) {
                let last = now.refs() == 1 && !now.is(HANDLE);
                let then = if last { Wake::Free } else { Wake::Nothing };
                Ok((now.0 - ONE_REF, then))
            } else if now.is(ACTIVE) {
                Ok(((now.0 | NOTIFIED) - ONE_REF, Wake::Nothing))
            } else {
                Ok(((now.0 | ACTIVE) - ONE_REF, Wake::Submit))
            }
        })
    }

    /// Wakes, and keeps the caller's reference.
    #[inline]
    pub(super) fn wake_by_ref(&self) -> Wake {
        self.update(|now| {
            if now.is(DONE) {
                Err(Wake::Nothing)
            } else if now.is(ACTIVE) {
                Ok((now.0 | NOTIFIED, Wake::Nothing))
            } else {
                Ok((now.0 | ACTIVE, Wake::Submit))
            }
        })
    }

    /// Asks that the future be dropped; an idle task gets a token for that.
    pub(super) fn request_cancel(&self) -> Wake {
        self.update(|now| {
            if now.is(DONE) || now.is(CANCELLED) {
                Err(Wake::Nothing)
            } else if now.is(ACTIVE) {
                Ok((now.0 | CANCELLED, Wake::Nothing))
            } else {
                Ok((now.0 | CANCELLED | ACTIVE, Wake::Submit))
            }
        })
    }

    /// The token's holder decides to drop the future.
    pub(super) fn request_cancel_by_owner(&self) {
        self.0.fetch_or(CANCELLED, Relaxed);
    }

    /// Hands the filled join-waker slot to the completing side.
    #[inline]
    pub(super) fn publish_join_waker(&self) -> Join {
        self.update(|now| {
            debug_assert!(now.is(HANDLE) && !now.is(JOIN_WAKER));
            if now.is(DONE) {
                Err(Join::Done)
            } else {
                Ok((now.0 | JOIN_WAKER, Join::Pending))
            }
        })
    }

    /// Takes the join-waker slot back to change it.
    #[inline]
    pub(super) fn reclaim_join_waker(&self) -> Join {
        self.update(|now| {
            if now.is(DONE) {
                Err(Join::Done)
            } else {
                debug_assert!(now.is(HANDLE) && now.is(JOIN_WAKER));
                Ok((now.0 & !JOIN_WAKER, Join::Pending))
            }
        })
    }

    /// The `JoinHandle` goes away, if the task is not DONE.
    #[inline]
    pub(super) fn drop_handle(&self) -> DropHandle {
        self.update(|now| {
            debug_assert!(now.is(HANDLE));
            if now.is(DONE) {
                Err(DropHandle::Done)
            } else if now.is(JOIN_WAKER) {
                Err(DropHandle::ReclaimWaker)
            } else {
                Ok((now.0 & !HANDLE, DropHandle::Released))
            }
        })
    }

    /// The `JoinHandle` of a DONE task goes away; true if the caller frees the cell.
    #[inline]
    pub(super) fn release_done_handle(&self) -> bool {
        if self.load().refs() == 0 {
            return true; // Invariant 3: nobody else can reach the cell any more.
        }
        // ORDERING: AcqRel pairs with `State::release_ref` and `State::update`: orders every use of the
        // cell, the drop of the output too, before the free. (model: handle_and_reference_free_once)
        let before = Snapshot(self.0.fetch_and(!HANDLE, AcqRel));
        before.refs() == 0
    }

    /// Counts one more reference.
    #[inline]
    pub(super) fn add_ref(&self) {
        // Relaxed: the caller reaches the cell through a reference, and gives the new one away
        // through a channel that synchronizes by itself.
        let before = Snapshot(self.0.fetch_add(ONE_REF, Relaxed));
        if before.refs() >= MAX_REFS {
            std::process::abort(); // A leak loop; freeing under a live reference would be worse.
        }
    }

    /// Gives a reference up; true if the caller frees the cell.
    #[inline]
    pub(super) fn release_ref(&self) -> bool {
        // ORDERING: AcqRel pairs with `State::release_ref`, `State::release_done_handle`, `State::load`
        // and `State::update`: orders every use of the cell before the free.
        // (models: handle_and_reference_free_once, the_last_of_two_references_frees_a_detached_task)
        let before = Snapshot(self.0.fetch_sub(ONE_REF, AcqRel));
        debug_assert!(before.refs() >= 1);
        before.refs() == 1 && !before.is(HANDLE)
    }

    /// Applies `step` until it takes effect; `Err` leaves the word as it is.
    #[inline(always)]
    fn update<T>(&self, step: impl Fn(Snapshot) -> Result<(usize, T), T>) -> T {
        // ORDERING: Acquire pairs with `State::update`, `State::release_ref` and
        // `State::release_done_handle`: sees the output behind DONE, and every use of the cell behind
        // a count. (models: join_sees_the_output, handle_and_reference_free_once)
        let mut now = self.0.load(Acquire);
        loop {
            let (next, then) = match step(Snapshot(now)) {
                Ok(taken) => taken,
                Err(unchanged) => return unchanged,
            };
            // ORDERING: Release of AcqRel pairs with `State::update` and `State::start_poll`: publishes
            // the future's state (`finish_pending`) and what came before a wake (`wake_*`).
            // (models: the_next_poller_sees_what_the_last_one_left,
            // wake_while_queued_is_seen_by_the_poll)
            // ORDERING: Release of AcqRel pairs with `State::load` and `State::update`: publishes the
            // output (`complete`). (model: join_sees_the_output)
            // ORDERING: Release of AcqRel pairs with `State::update`: publishes the join waker
            // (`publish_join_waker`). (model: join_waker_is_woken_or_output_seen)
            // ORDERING: Release of AcqRel pairs with `State::release_ref` and
            // `State::release_done_handle`: publishes every use of the cell before its free.
            // (model: handle_and_reference_free_once)
            // ORDERING: Acquire of AcqRel pairs with `State::update`: sees what came with a word that
            // only looks like the one loaded, as a flag was cleared and set again in between.
            // (models: the_waker_that_replaced_another_is_the_one_woken,
            // a_wake_that_finds_another_one_pending_is_not_lost)
            // ORDERING: failure Acquire pairs with `State::update`: sees the output behind DONE.
            // (model: join_sees_the_output)
            match self.0.compare_exchange_weak(now, next, AcqRel, Acquire) {
                Ok(_) => return then,
                Err(changed) => now = changed,
            }
        }
    }
}

impl Snapshot {
    #[inline(always)]
    fn is(self, flag: usize) -> bool {
        self.0 & flag != 0
    }

    #[inline(always)]
    fn refs(self) -> usize {
        self.0 >> FLAG_BITS
    }

    /// Whether the output, or the error, is there.
    #[inline]
    pub(super) fn is_done(self) -> bool {
        self.is(DONE)
    }

    /// Whether the join waker's slot is filled and published.
    #[inline]
    pub(super) fn has_join_waker(self) -> bool {
        self.is(JOIN_WAKER)
    }

    /// Whether there is a `JoinHandle`.
    #[inline]
    pub(super) fn has_handle(self) -> bool {
        self.is(HANDLE)
    }

    /// Whether the task is queued or being polled.
    pub(super) fn is_active(self) -> bool {
        self.is(ACTIVE)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Snapshot(self.0.load(Relaxed)).fmt(f)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("active", &self.is(ACTIVE))
            .field("notified", &self.is(NOTIFIED))
            .field("done", &self.is(DONE))
            .field("handle", &self.is(HANDLE))
            .field("join_waker", &self.is(JOIN_WAKER))
            .field("cancelled", &self.is(CANCELLED))
            .field("refs", &self.refs())
            .finish()
    }
}
