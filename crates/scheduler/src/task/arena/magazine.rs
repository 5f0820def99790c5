//! Stacks of free cells, and the chunks that cells are cut from.

use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::ptr::{NonNull, null_mut};

use super::class::Class;
use crate::task::cell::Header;
use crate::task::state::State;

/// What a free cell holds.
#[repr(C)]
struct Free {
    state: State,
    next: *mut Free,
}

/// A stack of free cells of one class.
#[derive(Debug)]
pub(super) struct Magazine {
    top: *mut Free,
    /// How many more cells it takes.
    pub(super) room: usize,
}

// SAFETY: the cells of a magazine are reached through it alone, but for their state words, which are
// atomic.
unsafe impl Send for Magazine {}

impl Magazine {
    pub(super) fn empty(class: Class) -> Self {
        Self {
            top: null_mut(),
            room: class.batch(),
        }
    }

    /// One that is in nobody's way: it gives no cell, and takes none.
    pub(super) const NONE: Self = Self {
        top: null_mut(),
        room: 0,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.top.is_null()
    }

    #[inline]
    pub(super) fn push(&mut self, cell: NonNull<Header>) {
        let cell = cell.cast::<Free>().as_ptr();
        // SAFETY: the caller owns the free cell, and gives it up.
        let next = unsafe { &raw mut (*cell).next };
        // SAFETY: it is at least as large as `Free`, and nobody else looks behind its state.
        unsafe { next.write(self.top) };
        self.top = cell;
        self.room -= 1;
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<NonNull<Header>> {
        let cell = NonNull::new(self.top)?;
        // SAFETY: a cell of the stack, written by `push`.
        let next = unsafe { &raw const (*cell.as_ptr()).next };
        // SAFETY: as above.
        self.top = unsafe { next.read() };
        self.room += 1;
        Some(cell.cast())
    }
}

/// One allocation.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    base: NonNull<u8>,
    class: Class,
}

// SAFETY: a chunk is an address; what is done with it is the arena's business.
unsafe impl Send for Chunk {}

impl Chunk {
    pub(super) fn new(class: Class) -> (Self, Magazine) {
        let layout = class.chunk();
        // SAFETY: no cell has size 0.
        let base = unsafe { alloc(layout) };
        let Some(base) = NonNull::new(base) else {
            handle_alloc_error(layout);
        };
        let (chunk, mut magazine) = (Self { base, class }, Magazine::empty(class));
        for cell in chunk.cells() {
            // SAFETY: a cell of a new chunk, which begins with its state.
            unsafe { cell.cast::<State>().write(State::done()) };
            magazine.push(cell);
        }
        (chunk, magazine)
    }

    pub(super) fn cells(self) -> impl Iterator<Item = NonNull<Header>> {
        let (base, size) = (self.base, self.class.size());
        let cells = (0..self.class.batch()).rev();
        // SAFETY: within the chunk, as the index is.
        cells.map(move |index| unsafe { base.byte_add(index * size) }.cast())
    }

    /// # Safety
    /// It is freed once, and none of its cells is used any more.
    pub(super) unsafe fn free(self) {
        // SAFETY: allocated with this layout by `Chunk::new`.
        unsafe { dealloc(self.base.as_ptr(), self.class.chunk()) };
    }

    /// The cell at this address, if it is one of the chunk.
    pub(super) fn cell_at(self, address: usize) -> Option<NonNull<Header>> {
        let offset = address.checked_sub(self.base.as_ptr() as usize)?;
        let is_cell = offset < self.class.chunk().size() && offset % self.class.size() == 0;
        // SAFETY: within the chunk, by the line above.
        is_cell.then(|| unsafe { self.base.byte_add(offset) }.cast())
    }
}
