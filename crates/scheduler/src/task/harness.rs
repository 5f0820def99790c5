//! The typed half of a task: polling, completing, cancelling.
//!
//! # Protocol
//! The token's holder calls `run`:
//! 1. `start_poll` says whether to poll or to cancel.
//! 2. Poll under `catch_unwind`. `Pending`: `finish_pending`, then leave, requeue or cancel.
//! 3. `Ready` or a panic: drop the future, store the output or the error, or drop that too if there is
//!    no handle.
//! 4. `complete`: one transition sets DONE and releases the runtime's reference; with a join
//!    waker it only sets DONE, then the waker is taken, the reference released, the waker woken.
//!
//! # Invariants
//! No function that may give the cell up takes a reference into it as an argument: a reference
//! that is an argument must stay valid until the function returns, and by then the cell may be
//! freed, here or on another thread. They take the header's pointer and borrow for a moment.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use super::cell::{Cell, Header, JoinWaker, Stage};
use super::state::{Complete, FinishPending, StartPoll};
use super::{JoinError, Schedule, Task, id, waker};

/// # Safety
/// `header` is the header of a live `Cell<F, S>`, alive for `'a`.
#[inline(always)]
unsafe fn cell<'a, F: Future, S>(header: NonNull<Header>) -> &'a Cell<F, S> {
    // SAFETY: by the caller's word; `Cell` is `repr(C)` with the header first, and all that
    // changes in it is behind `UnsafeCell` or atomic.
    unsafe { header.cast::<Cell<F, S>>().as_ref() }
}

/// What a panic carried.
type Payload = Box<dyn Any + Send>;

/// # Safety
/// As [`Vtable::run`](super::cell::Vtable::run).
pub(super) unsafe fn run<F: Future, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: the token keeps the cell alive until the transitions below give it up.
    let cell = unsafe { cell::<F, S>(header) };
    let _current = id::enter(cell.header.meta().id);
    let polled = match cell.header.state.start_poll() {
        // SAFETY: the token is this thread's, so the future is.
        StartPoll::Poll => unsafe { poll_future(header, cell) },
        StartPoll::Cancel => Ok(Poll::Pending), // Then `finish_pending` says so.
    };
    match polled {
        Ok(Poll::Pending) => match cell.header.state.finish_pending() {
            FinishPending::Idle => {}
            FinishPending::Requeue => {
                let target = cell.scheduler.target();
                // SAFETY: Requeue left the token with this thread; it moves to the queue.
                S::schedule_yielded(target, unsafe { Task::from_raw(header) });
            }
            // SAFETY: Cancel left the token with this thread.
            FinishPending::Cancel => unsafe { end_without_output::<F, S>(header, None) },
        },
        // SAFETY: the token is this thread's.
        Ok(Poll::Ready(output)) => unsafe { end::<F, S>(header, output) },
        // SAFETY: as above.
        Err(payload) => unsafe { end_without_output::<F, S>(header, Some(payload)) },
    }
}

/// Polls under `catch_unwind`.
///
/// # Safety
/// The caller owns the token of `cell`, whose stage is `Running`.
unsafe fn poll_future<F: Future, S>(
    header: NonNull<Header>,
    cell: &Cell<F, S>,
) -> Result<Poll<F::Output>, Payload> {
    cell.stage.with_mut(|stage| {
        // SAFETY: the token's holder owns the stage.
        let stage = unsafe { &mut *stage };
        let Stage::Running(future) = stage else {
            unreachable!("a token exists only while the future does");
        };
        // SAFETY: the future lives in the cell, is never moved out of it and is dropped in place.
        let future = unsafe { Pin::new_unchecked(future) };
        // SAFETY: the token keeps the cell alive while the borrowed waker is used.
        let waker = unsafe { waker::borrowed(header) };
        catch_unwind(AssertUnwindSafe(|| {
            future.poll(&mut Context::from_waker(&waker))
        }))
    })
}

/// Drops the future in place and leaves `Consumed`; `Err` holds a panic of that drop.
///
/// # Safety
/// The caller owns the token of `cell`, whose stage is `Running`.
#[inline]
unsafe fn drop_future<F: Future, S>(cell: &Cell<F, S>) -> Result<(), Payload> {
    cell.stage.with_mut(|stage| {
        // SAFETY: the token's holder owns the stage.
        let Stage::Running(future) = (unsafe { &mut *stage }) else {
            unreachable!("a token exists only while the future does");
        };
        let future = std::ptr::from_mut(future);
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: owned by the caller; the place is written again below, also after a panic.
            unsafe { std::ptr::drop_in_place(future) }
        }));
        // SAFETY: the future is gone, so nothing is overwritten.
        unsafe { std::ptr::write(stage, Stage::Consumed) };
        dropped
    })
}

/// Drops the future and completes with its output.
///
/// Not inlined: a poll that ends no task is faster without.
///
/// # Safety
/// The caller owns the token of the live `Cell<F, S>`, whose stage is `Running`, and gives the token up.
#[inline(never)]
unsafe fn end<F: Future, S: Schedule>(header: NonNull<Header>, output: F::Output) {
    // SAFETY: the token keeps the cell alive until `complete` gives it up.
    let cell = unsafe { cell::<F, S>(header) };
    // SAFETY: the token is the caller's, so the future is.
    if let Err(payload) = unsafe { drop_future(cell) } {
        quiet(|| drop(output));
        // SAFETY: as the caller promised; the future is gone.
        return unsafe { complete_with_panic::<F, S>(header, payload) };
    }
    let kept = cell.header.state.load().has_handle();
    if kept {
        // SAFETY: the token is the caller's, and the future is gone.
        unsafe { store(cell, Stage::Finished(Ok(output))) };
    } else {
        quiet(|| drop(output));
    }
    // SAFETY: as the caller promised; the output is stored or dropped.
    unsafe { complete::<F, S>(header, kept, false) };
}

/// Drops the future and completes with the given panic, or that of the drop, or else as cancelled.
///
/// It holds no output, which may be large.
///
/// # Safety
/// As [`end`].
#[cold]
unsafe fn end_without_output<F: Future, S: Schedule>(
    header: NonNull<Header>,
    panic: Option<Payload>,
) {
    // SAFETY: the token keeps the cell alive until `complete` gives it up.
    let cell = unsafe { cell::<F, S>(header) };
    // SAFETY: the token is the caller's, so the future is.
    let panic = match (panic, unsafe { drop_future(cell) }) {
        (Some(first), dropped) => {
            dropped.unwrap_or_else(discard);
            Some(first)
        }
        (None, dropped) => dropped.err(),
    };
    if let Some(payload) = panic {
        // SAFETY: as the caller promised; the future is gone.
        return unsafe { complete_with_panic::<F, S>(header, payload) };
    }
    let error = JoinError::cancelled(cell.header.meta().id);
    // SAFETY: the token is the caller's, and the future is gone.
    unsafe { store(cell, Stage::Finished(Err(error))) };
    // SAFETY: as the caller promised.
    unsafe { complete::<F, S>(header, true, true) };
}

/// # Safety
/// As [`complete`], with nothing stored.
#[cold]
unsafe fn complete_with_panic<F: Future, S: Schedule>(header: NonNull<Header>, payload: Payload) {
    // SAFETY: the token keeps the cell alive until `complete` gives it up.
    let cell = unsafe { cell::<F, S>(header) };
    let error = JoinError::panic(cell.header.meta().id, payload);
    cell.scheduler.panicked(&error);
    // SAFETY: the token is the caller's, and the future is gone.
    unsafe { store(cell, Stage::Finished(Err(error))) };
    // SAFETY: as the caller promised.
    unsafe { complete::<F, S>(header, true, false) };
}

/// # Safety
/// The caller owns the stage of `cell`, which is `Consumed`.
#[inline(always)]
unsafe fn store<F: Future, S>(cell: &Cell<F, S>, finished: Stage<F>) {
    cell.stage.with_mut(|stage| {
        // SAFETY: owned by the caller; `Consumed` needs no drop.
        unsafe { std::ptr::write(stage, finished) }
    });
}

/// Sets DONE: step 4 of the protocol.
///
/// # Safety
/// The caller owns the token of the live `Cell<F, S>`, whose stage is `Finished` if the output or error
/// was `kept`, else `Consumed`, and gives the token up.
#[inline]
unsafe fn complete<F: Future, S: Schedule>(header: NonNull<Header>, kept: bool, cancelled: bool) {
    // SAFETY: the token keeps the cell alive until the transition gives it up.
    let cell = unsafe { cell::<F, S>(header) };
    if cell.scheduler.ends(cancelled).is_err() {
        // SAFETY: as the caller promised.
        return unsafe { complete_elsewhere::<F, S>(header, kept, cancelled) };
    }
    // SAFETY: as the caller promised.
    unsafe { set_done::<F, S>(header, kept) };
}

/// # Safety
/// As [`complete`].
#[cold]
#[inline(never)]
unsafe fn complete_elsewhere<F: Future, S: Schedule>(
    header: NonNull<Header>,
    kept: bool,
    cancelled: bool,
) {
    // SAFETY: the token keeps the cell alive until the transition gives it up.
    let cell = unsafe { cell::<F, S>(header) };
    cell.scheduler.ends_elsewhere(cancelled);
    // SAFETY: as the caller promised.
    unsafe { set_done::<F, S>(header, kept) };
}

/// # Safety
/// As [`complete`].
#[inline]
unsafe fn set_done<F: Future, S: Schedule>(header: NonNull<Header>, kept: bool) {
    // SAFETY: the token keeps the cell alive until the transition gives it up.
    match unsafe { Header::state(header) }.complete(kept) {
        // SAFETY: as the caller promised, and HANDLE is gone for good.
        Complete::DropOutput => unsafe { set_done_without_output::<F, S>(header) },
        Complete::Released => {}
        Complete::Free => {
            // SAFETY: as the next one.
            let vtable = unsafe { Header::vtable(header) };
            // SAFETY: `complete` said that nobody else can reach the cell.
            unsafe { (vtable.free)(header) };
        }
        // SAFETY: the transition gave this thread the join waker, and left it a reference.
        Complete::WakeJoin => unsafe { wake_join::<F, S>(header) },
    }
}

/// # Safety
/// As [`complete`], of a task whose output is stored and whose HANDLE is gone.
#[cold]
#[inline(never)]
unsafe fn set_done_without_output<F: Future, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: HANDLE is gone for good and DONE not yet set: the output is this thread's.
    unsafe { drop_output::<F, S>(header) };
    // SAFETY: as the caller promised.
    unsafe { set_done::<F, S>(header, false) };
}

/// Takes the join waker, releases the runtime's reference, wakes.
///
/// # Safety
/// The caller just got [`Complete::WakeJoin`] of this `Cell<F, S>`.
#[inline(never)]
unsafe fn wake_join<F: Future, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: the runtime's reference, still held, keeps the cell alive until it is released.
    let cell = unsafe { cell::<F, S>(header) };
    let waker = cell.join_waker.with(|slot| {
        // SAFETY: it was filled, and since DONE the waker is the completer's; the handle, which may compare
        // it, stays away from it otherwise.
        unsafe { slot.cast::<Waker>().read() }
    });
    if cell.header.state.release_ref() {
        // SAFETY: as the next one.
        let vtable = unsafe { Header::vtable(header) };
        // SAFETY: `release_ref` said that nobody else can reach the cell.
        unsafe { (vtable.free)(header) };
    }
    quiet(|| waker.wake());
}

/// # Safety
/// As [`Vtable::schedule`](super::cell::Vtable::schedule).
pub(super) unsafe fn schedule<F: Future, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: the token keeps the cell alive until it is published by the last line.
    let target = unsafe { cell::<F, S>(header) }.scheduler.target();
    // SAFETY: the caller owns the token and gives it up; `target` does not borrow from the cell.
    S::schedule(target, unsafe { Task::from_raw(header) });
}

/// # Safety
/// As [`Vtable::take_output`](super::cell::Vtable::take_output).
pub(super) unsafe fn take_output<F: Future, S: Schedule>(header: NonNull<Header>, out: *mut ()) {
    // SAFETY: the handle keeps the cell alive.
    let cell = unsafe { cell::<F, S>(header) };
    let result = cell.stage.with_mut(|stage| {
        // SAFETY: DONE and HANDLE: the output is the handle's.
        let stage = unsafe { &mut *stage };
        let Stage::Finished(result) = std::mem::replace(stage, Stage::Consumed) else {
            unreachable!("an output is taken once");
        };
        result
    });
    // SAFETY: the caller passes a place of this type, which holds nothing.
    unsafe { out.cast::<Result<F::Output, JoinError>>().write(result) };
}

/// # Safety
/// As [`Vtable::drop_output`](super::cell::Vtable::drop_output).
#[cold]
pub(super) unsafe fn drop_output<F: Future, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: the caller owns the output, so the cell is alive.
    let cell = unsafe { cell::<F, S>(header) };
    let _current = id::enter(cell.header.meta().id);
    cell.stage.with_mut(|stage| {
        // SAFETY: the caller owns the stage; the place is written again below, also after a panic.
        quiet(|| unsafe { std::ptr::drop_in_place(stage) });
        // SAFETY: the output is gone, so nothing is overwritten.
        unsafe { std::ptr::write(stage, Stage::Consumed) };
    });
}

/// # Safety
/// As [`Vtable::join_waker`](super::cell::Vtable::join_waker).
pub(super) unsafe fn join_waker<F: Future, S: Schedule>(
    header: NonNull<Header>,
) -> NonNull<JoinWaker> {
    // SAFETY: the caller keeps the cell alive.
    NonNull::from(&unsafe { cell::<F, S>(header) }.join_waker)
}

/// Runs user code whose panic has nowhere to go; the panic hook has reported it.
pub(crate) fn quiet(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        discard(payload);
    }
}

/// Drops a panic payload, which may itself panic, without end.
pub(crate) fn discard(payload: Payload) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again); // A payload whose drop panics: leaking it is the only way out.
    }
}
