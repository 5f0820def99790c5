//! The memory of a task: a type-erased [`Header`] at the front of a typed [`Cell`].
//!
//! A `NonNull<Header>` that other files pass around always points to the header of a live
//! `Cell<F, S>`, made by [`super::new`] with that cell's own [`Vtable`]; its provenance covers the cell.
//! Who may touch which field is in the table of [`super`].

use std::cell::Cell as PlainCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::Waker;

use super::id::next_id;
use super::state::State;
use super::{Id, JoinError, Task};
use crate::sync::UnsafeCell;

/// The part of a task that does not depend on its future's type.
#[repr(C)]
pub(crate) struct Header {
    pub(super) state: State,
    pub(super) birth: Birth,
}

/// What is written when a task is born, and does not depend on its future's type.
pub(super) struct Birth {
    pub(super) vtable: &'static Vtable,
    pub(super) ran_from_slot: PlainCell<bool>,
    /// Written once; in an `UnsafeCell` so that loom sees who reads it too early.
    meta: UnsafeCell<Meta>,
}

impl Birth {
    pub(super) fn new(vtable: &'static Vtable, meta: Meta) -> Self {
        Self {
            vtable,
            ran_from_slot: PlainCell::new(false),
            meta: UnsafeCell::new(meta),
        }
    }

    /// Whether there is something to drop.
    #[inline]
    pub(super) fn has_name(&self) -> bool {
        let meta = self.meta.with(|meta| meta);
        // SAFETY: as in `Header::meta`.
        unsafe { (*meta).name.is_some() }
    }
}

/// What is known of a task from its spawn on.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) id: Id,
    pub(crate) name: Option<Name>,
    pub(crate) spawned_at: &'static Location<'static>,
}

impl Meta {
    /// Of a task that the caller spawns.
    #[inline]
    #[track_caller]
    pub(crate) fn new(name: Option<&str>) -> Self {
        Self {
            id: next_id(),
            name: name.map(Into::into),
            spawned_at: Location::caller(),
        }
    }
}

/// The name of a task: few have one, so that all pay for one pointer only.
pub(crate) struct Name(Box<Box<str>>);

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(Box::new(name.into()))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The typed operations of a cell. Each takes the header of a live cell of the vtable's type.
#[derive(Debug)]
pub(super) struct Vtable {
    /// Polls once or finishes the cancellation. The caller owns the token, and gives it up.
    pub(super) run: unsafe fn(NonNull<Header>),
    /// Queues the token that the caller owns, and gives up.
    pub(super) schedule: unsafe fn(NonNull<Header>),
    /// Moves the output to an empty place, `*mut Result<T, JoinError>`, or panics. The caller is the
    /// `JoinHandle` of a DONE task, and `T` its output's type.
    pub(super) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the output if it is still there. The caller owns it.
    pub(super) drop_output: unsafe fn(NonNull<Header>),
    /// The place of the join waker.
    pub(super) join_waker: unsafe fn(NonNull<Header>) -> NonNull<JoinWaker>,
    /// Frees the cell. Nobody else can reach it.
    pub(super) free: unsafe fn(NonNull<Header>),
}

impl Header {
    /// # Safety
    /// `header` points to a live cell.
    #[inline(always)]
    pub(super) unsafe fn vtable(header: NonNull<Header>) -> &'static Vtable {
        // SAFETY: alive by the caller's word; `vtable` never changes.
        unsafe { (*header.as_ptr()).birth.vtable }
    }

    /// The task's static facts.
    #[inline(always)]
    pub(super) fn meta(&self) -> &Meta {
        let meta = self.birth.meta.with(|meta| meta);
        // SAFETY: whoever reaches the header does so after its birth, and nobody writes until its free.
        unsafe { &*meta }
    }

    /// # Safety
    /// `header` points to a live cell, and stays alive while the result is used.
    #[inline(always)]
    pub(super) unsafe fn state<'a>(header: NonNull<Header>) -> &'a State {
        // SAFETY: alive by the caller's word.
        unsafe { &(*header.as_ptr()).state }
    }
}

/// One task: header, scheduler, future or output, join waker.
#[repr(C)]
pub(super) struct Cell<F: Future, S> {
    pub(super) header: Header,
    pub(super) scheduler: S,
    pub(super) stage: UnsafeCell<Stage<F>>,
    pub(super) join_waker: JoinWaker,
}

/// The slot of the join waker. Whether it is filled is told by the state word, not by what is in it: so
/// a waker is taken out without a write, and the handle may compare it meanwhile.
pub(super) type JoinWaker = UnsafeCell<MaybeUninit<Waker>>;

/// What the cell holds of the future.
pub(super) enum Stage<F: Future> {
    Running(F),
    Finished(Result<F::Output, JoinError>),
    Consumed,
}

/// A counted reference to a task that does not own its output or its token.
#[derive(Debug)]
pub(crate) struct TaskRef {
    header: NonNull<Header>,
    _not_auto: PhantomData<*const ()>,
}

// SAFETY: a `TaskRef` reaches only the state and the metadata, which are Sync, and queues tokens,
// which are Send. What is freed has neither future nor output any more: the stage is `Consumed`.
unsafe impl Send for TaskRef {}
// SAFETY: as above; all its methods take `&self` on atomics and immutable data.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// Counts a new reference.
    ///
    /// # Safety
    /// The cell is alive during the call, and some reference or the token keeps it so.
    pub(super) unsafe fn new(header: NonNull<Header>) -> Self {
        // SAFETY: alive by the caller's word.
        unsafe { Header::state(header) }.add_ref();
        Self {
            header,
            _not_auto: PhantomData,
        }
    }

    /// A counted reference to the task whose token is `task`.
    pub(crate) fn of(task: &Task) -> Self {
        // SAFETY: the token keeps the task from DONE, and so its cell alive.
        unsafe { Self::new(task.0) }
    }

    /// A counted reference to the task that is in this cell, if there is one and it is not DONE.
    ///
    /// # Safety
    /// It is a cell of an arena that outlives the call.
    pub(super) unsafe fn of_cell(cell: NonNull<Header>) -> Option<Self> {
        // SAFETY: the state word is there as long as the arena is, also in a free cell.
        let state = unsafe { &raw const (*cell.as_ptr()).state };
        // SAFETY: as above.
        let counted = unsafe { &*state }.try_add_ref();
        counted.then(|| Self {
            header: cell,
            _not_auto: PhantomData,
        })
    }

    fn state(&self) -> &super::state::State {
        // SAFETY: this reference is counted, so the cell is alive while it is.
        unsafe { Header::state(self.header) }
    }

    /// The task's static facts.
    pub(crate) fn meta(&self) -> &Meta {
        // SAFETY: this reference is counted, so the cell is alive while it is.
        unsafe { self.header.as_ref() }.meta()
    }

    /// Whether the task has its output or error.
    pub(crate) fn is_done(&self) -> bool {
        self.state().load().is_done()
    }

    /// Whether the task is queued or being polled.
    pub(crate) fn is_active(&self) -> bool {
        self.state().load().is_active()
    }

    /// Asks for cancellation and has a worker carry it out.
    pub(crate) fn abort(&self) {
        if self.state().request_cancel() == super::state::Wake::Submit {
            // SAFETY: this reference keeps the cell alive.
            let vtable = unsafe { Header::vtable(self.header) };
            // SAFETY: Submit made the token that is given to `schedule`.
            unsafe { (vtable.schedule)(self.header) };
        }
    }

    /// Asks for cancellation; returns the token if the caller is to carry it out.
    pub(crate) fn claim_cancel(&self) -> Option<Task> {
        (self.state().request_cancel() == super::state::Wake::Submit).then(|| {
            // SAFETY: Submit made the token.
            unsafe { Task::from_raw(self.header) }
        })
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        // SAFETY: this reference keeps the cell alive.
        unsafe { Self::new(self.header) }
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        if self.state().release_ref() {
            // SAFETY: the count is gone but the cell is not: the caller of `free` is this thread.
            let vtable = unsafe { Header::vtable(self.header) };
            // SAFETY: `release_ref` said that nobody else can reach the cell.
            unsafe { (vtable.free)(self.header) };
        }
    }
}
