//! The task: a future, its state and its result in one allocation, shared by raw pointer.
//!
//! All unsafe code of the scheduler is in this folder. This head is the ownership table that the
//! `SAFETY:` comments refer to, but for those of `post`, which has its own; `state` holds the transitions
//! and the proof that they keep it.
//!
//! # Handles
//! | type | what it is | counted |
//! |---|---|---|
//! | [`Task`] | the *token*: the right to poll. It exists exactly while ACTIVE is set | no: the runtime's reference covers it |
//! | [`TaskRef`] | a counted reference: wakers, `AbortHandle`, enumeration | yes |
//! | [`JoinHandle`] | the right to the output | no: the HANDLE flag |
//!
//! The *runtime's reference* is counted from birth until DONE. The cell is freed by whoever
//! brings it to "DONE, no HANDLE, no references"; the state word orders these events, so there is
//! exactly one such thread.
//!
//! # Who may touch which field, when
//! | field | may be touched by | while |
//! |---|---|---|
//! | `state` | anyone who can reach the cell, and enumeration, which looks at free cells too | always (atomic) |
//! | `vtable`, `meta` | anyone who can reach the cell | always (written before the task is born) |
//! | `stage` (future) | the token's holder | ACTIVE |
//! | `stage` (output) | the token's holder, until the transition to DONE; from then on the `JoinHandle` | DONE and HANDLE |
//! | `join_waker` | the `JoinHandle` | JOIN_WAKER is clear, and was so when DONE was set, if it is |
//! | `join_waker`, reading | the `JoinHandle` | it saw JOIN_WAKER without DONE, and has not taken it back since |
//! | `join_waker`, reading | the token's holder | from its transition to DONE, if that saw JOIN_WAKER |
//! | `ran_from_slot` | the token's holder | ACTIVE |
//! | `scheduler` | anyone who holds a reference or the token, until the token is published again | always |
//!
//! # Panics
//! A panic in the future's poll or drop ends the task with a [`JoinError`]; one in the output's
//! drop or in a waker is swallowed after the panic hook has reported it. None reaches the worker.

mod abort;
mod arena;
mod birth;
mod cell;
mod error;
mod harness;
mod id;
mod join;
mod local;
mod post;
mod slot;
mod state;
mod waker;

pub use abort::AbortHandle;
pub use error::JoinError;
pub use id::Id;
pub use join::JoinHandle;
pub use local::LocalTasks;

pub(crate) use arena::{Arena, BOXED_ABOVE, Block, Cache, Resident};
pub(crate) use birth::{class_of, new, new_in};
pub(crate) use cell::{Meta, TaskRef};
pub(crate) use harness::quiet;
pub(crate) use id::next_set_id;
pub(crate) use post::{Post, Serving};
pub(crate) use slot::Slot;
#[cfg(all(test, heist_loom))]
pub(crate) use {arena::Class, birth::class_of_value};

use std::ptr::NonNull;

use cell::Header;

/// Where woken tasks go.
///
/// A call is split in two because the task's own cell holds the `Schedule` value: once the task
/// is published another worker may run it to its end and free the cell. [`Schedule::target`]
/// takes what is needed out of the cell first.
pub(crate) trait Schedule: Send + Sync + 'static {
    /// What [`Schedule::schedule`] needs, independent of the cell.
    type Target;

    /// Prepares to schedule.
    fn target(&self) -> Self::Target;

    /// Queues a task that was woken.
    fn schedule(target: Self::Target, task: Task);

    /// Queues a task that asked to run again while it ran: behind all others.
    fn schedule_yielded(target: Self::Target, task: Task);

    /// A task has ended by this panic.
    fn panicked(&self, _error: &JoinError) {}

    /// A task is about to be DONE, one way or the other. If this thread cannot say so right away it is
    /// said by [`Schedule::ends_elsewhere`].
    fn ends(&self, _cancelled: bool) -> Result<(), NotHere> {
        Ok(())
    }

    /// As [`Schedule::ends`], on a thread that has no core of the scheduler's.
    fn ends_elsewhere(&self, _cancelled: bool) {}
}

/// The thread is no worker of the scheduler, or its core is gone or in use.
#[derive(Debug)]
pub(crate) struct NotHere;

/// Where the cells of tasks come from, and return to.
pub(crate) trait Home: Schedule + Copy {
    /// Takes back the cell of a task that is gone; nobody uses it, and its block is this one.
    fn take_back(self, block: Block);
}

/// The right to poll a task: exists exactly while its ACTIVE flag is set.
///
/// Dropping it cancels the task, so that no queue can lose one silently.
#[derive(Debug)]
pub(crate) struct Task(NonNull<Header>);

// SAFETY: the token is the only way to the cell's future and output, and to the plain cells of the
// header; the other fields are Sync. Future and output are Send, as `new` requires, or the token is run
// and dropped on the thread that made the task, as `new_local` does.
unsafe impl Send for Task {}

impl Task {
    /// Polls the task once, or finishes its cancellation.
    pub(crate) fn run(self) {
        let header = self.into_raw();
        // SAFETY: the token that `into_raw` gave up keeps the cell alive.
        let vtable = unsafe { Header::vtable(header) };
        // SAFETY: the vtable is this cell's own, and the token goes to `run`.
        unsafe { (vtable.run)(header) }
    }

    /// Drops the future and completes the task as cancelled.
    pub(crate) fn cancel(self) {
        self.header().state.request_cancel_by_owner();
        self.run();
    }

    /// Where the task is, for [`Arena::get`].
    #[inline]
    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// Whether the task's last poll came from the LIFO slot; clears the mark.
    pub(crate) fn take_ran_from_slot(&self) -> bool {
        self.header().birth.ran_from_slot.replace(false)
    }

    /// Marks the coming poll as one from the LIFO slot.
    pub(crate) fn mark_run_from_slot(&self) {
        self.header().birth.ran_from_slot.set(true);
    }

    fn header(&self) -> &Header {
        // SAFETY: while the token exists the task is not DONE, so the cell is alive.
        unsafe { self.0.as_ref() }
    }

    fn into_raw(self) -> NonNull<Header> {
        let header = self.0;
        std::mem::forget(self);
        header
    }

    /// # Safety
    /// The caller just caused the transition that set ACTIVE, or got the pointer from
    /// [`Task::into_raw`], and nobody else makes a token of it.
    unsafe fn from_raw(header: NonNull<Header>) -> Self {
        Self(header)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // SAFETY: this token is being given up for the new one, which is consumed here.
        unsafe { Task::from_raw(self.0) }.cancel();
    }
}
