//! The two ends of a task's memory: filling a cell, and freeing it.
//!
//! A cell is either an allocation of its own ([`new`]), for jobs that no scheduler enumerates, or lent by
//! an arena ([`new_in`]). The vtable knows which, so that whoever frees it need not.

use std::alloc::Layout;
use std::future::Future;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::arena::{Block, Class, Resident};
use super::cell::{Birth, Cell, Header, Meta, Stage, Vtable};
use super::harness::{drop_output, join_waker, quiet, run, schedule, take_output};
use super::state::State;
use super::{Home, JoinHandle, Schedule, Task};
use crate::sync::{Arc, UnsafeCell};

/// Makes a task in the state "queued for its first poll".
pub(crate) fn new<F, S>(future: F, scheduler: S, meta: Meta) -> (Task, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    S: Schedule,
{
    // SAFETY: future and output may be polled and dropped on any thread.
    unsafe { new_local(future, scheduler, meta) }
}

/// As [`new`], of a future that may not be `Send`.
///
/// # Safety
/// Unless future and output are `Send`, the returned token, and every one that `scheduler` gets, is run,
/// cancelled and dropped on the calling thread only. (The `JoinHandle` is `Send` only if the output is.)
pub(super) unsafe fn new_local<F, S>(
    future: F,
    scheduler: S,
    meta: Meta,
) -> (Task, JoinHandle<F::Output>)
where
    F: Future + 'static,
    F::Output: 'static,
    S: Schedule,
{
    let cell = Box::new(Cell {
        header: Header {
            state: State::new(),
            birth: Birth::new(Cell::<F, S>::BOXED, meta),
        },
        scheduler,
        stage: UnsafeCell::new(Stage::Running(future)),
        join_waker: UnsafeCell::new(MaybeUninit::uninit()),
    });
    // SAFETY: a new cell of this output type.
    unsafe { born(NonNull::from(Box::leak(cell)).cast()) }
}

/// The class of cells that a task of this future and scheduler lives in.
#[inline(always)]
pub(crate) fn class_of<F: Future, S>() -> Class {
    const { Class::of(Layout::new::<Cell<F, S>>()) }
}

/// As [`class_of`], of a future whose type has no name.
#[cfg(all(test, heist_loom))]
pub(crate) fn class_of_value<F: Future, S>(_: &F) -> Class {
    class_of::<F, S>()
}

/// As [`new`], in a cell that the arena of `owner` lent.
///
/// # Panics
/// If the block is of another class than [`class_of`] says.
#[inline]
pub(crate) fn new_in<F, T>(
    block: Block,
    owner: &Arc<T>,
    future: F,
    meta: Meta,
) -> (Task, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    Resident<T>: Home,
{
    assert!(block.class() == class_of::<F, Resident<T>>());
    let header = block.into_raw();
    let cell = header.cast::<Cell<F, Resident<T>>>().as_ptr();
    // SAFETY: it goes into a cell of `owner`'s arena.
    let scheduler = unsafe { Resident::new(owner) };
    // SAFETY: the class says that the cell has this layout.
    let place = unsafe { &raw mut (*cell).header.birth };
    // SAFETY: the block was the right to all of the cell but its state.
    unsafe { place.write(Birth::new(Cell::<F, Resident<T>>::LENT, meta)) };
    // SAFETY: as above.
    let place = unsafe { &raw mut (*cell).scheduler };
    // SAFETY: as above.
    unsafe { place.write(scheduler) };
    // SAFETY: as above.
    let place = unsafe { &raw mut (*cell).stage };
    // SAFETY: as above.
    unsafe { place.write(UnsafeCell::new(Stage::Running(future))) };
    // SAFETY: as above.
    let place = unsafe { &raw mut (*cell).join_waker };
    // SAFETY: as above.
    unsafe { place.write(UnsafeCell::new(MaybeUninit::uninit())) };
    // SAFETY: the state was written when the chunk was made.
    unsafe { Header::state(header) }.begin();
    // SAFETY: a new cell of this output type.
    unsafe { born(header) }
}

/// The token and the handle of a new task.
///
/// # Safety
/// A live cell of output type `T`, just born, of which there are neither.
unsafe fn born<T>(header: NonNull<Header>) -> (Task, JoinHandle<T>) {
    // SAFETY: the state was born with ACTIVE; this is its one token.
    let task = unsafe { Task::from_raw(header) };
    // SAFETY: the state was born with HANDLE; this is its one handle, of the right output type.
    let handle = unsafe { JoinHandle::from_raw(header) };
    (task, handle)
}

impl<F, S> Cell<F, S>
where
    F: Future + 'static,
    S: Schedule,
{
    /// The operations of a cell with an allocation of its own.
    const BOXED: &'static Vtable = &Self::vtable(free_boxed::<F, S>);

    const fn vtable(free: unsafe fn(NonNull<Header>)) -> Vtable {
        Vtable {
            run: run::<F, S>,
            schedule: schedule::<F, S>,
            take_output: take_output::<F, S>,
            drop_output: drop_output::<F, S>,
            join_waker: join_waker::<F, S>,
            free,
        }
    }
}

impl<F, T> Cell<F, Resident<T>>
where
    F: Future + Send + 'static,
    Resident<T>: Home,
{
    /// The operations of a cell that an arena lent.
    const LENT: &'static Vtable = &Self::vtable(give_back::<F, T>);
}

/// # Safety
/// As [`Vtable::free`], of a cell that [`new`] made.
unsafe fn free_boxed<F: Future, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: the cell was leaked from a `Box<Cell<F, S>>` by `new`, and is the caller's.
    let cell = unsafe { Box::from_raw(header.cast::<Cell<F, S>>().as_ptr()) };
    quiet(|| drop(cell));
}

/// # Safety
/// As [`Vtable::free`], of a cell that [`new_in`] filled.
unsafe fn give_back<F: Future, T>(header: NonNull<Header>)
where
    Resident<T>: Home,
{
    let cell = header.cast::<Cell<F, Resident<T>>>().as_ptr();
    // SAFETY: the cell is the caller's.
    let home = unsafe { (*cell).scheduler };
    // SAFETY: as above.
    let birth = unsafe { &raw mut (*cell).header.birth };
    // SAFETY: as above; filled at the birth.
    if unsafe { (*birth).has_name() } {
        // SAFETY: as above, and not used again.
        unsafe { birth.drop_in_place() };
    }
    debug_assert!(
        // SAFETY: as above.
        unsafe { &(*cell).stage }.with(|stage| matches!(unsafe { &*stage }, Stage::Consumed)),
        "a future or an output would be leaked"
    );
    // SAFETY: what is left (the stage is `Consumed`) needs no drop; the class is that of the block that
    // `new_in` was given.
    let block = unsafe { Block::from_raw(header, class_of::<F, Resident<T>>()) };
    home.take_back(block);
}
