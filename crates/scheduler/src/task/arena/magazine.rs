//! Stacks of free cells, and the chunks that cells are cut from.

use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::ptr::{NonNull, null_mut};

#[cfg(all(target_os = "linux", not(miri)))]
use rustix::mm::{Advice, madvise};

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
    cells: usize,
}

// SAFETY: a chunk is an address; what is done with it is the arena's business.
unsafe impl Send for Chunk {}

impl Chunk {
    /// A chunk that fills so many magazines; the last of them is to be used first.
    pub(super) fn new(class: Class, magazines: usize) -> (Self, Vec<Magazine>) {
        let cells = magazines * class.batch();
        let layout = class.layout(cells);
        // SAFETY: no cell has size 0.
        let base = unsafe { alloc(layout) };
        let Some(base) = NonNull::new(base) else {
            handle_alloc_error(layout);
        };
        populate(base, layout.size(), class);
        let chunk = Self { base, class, cells };
        let mut all = Vec::with_capacity(magazines);
        let mut filling = Magazine::empty(class);
        // From the last to the first, so that they are used in the order of their addresses.
        for cell in chunk.cells().rev() {
            // SAFETY: a cell of a new chunk, which begins with its state.
            unsafe { cell.cast::<State>().write(State::done()) };
            filling.push(cell);
            if filling.room == 0 {
                all.push(std::mem::replace(&mut filling, Magazine::empty(class)));
            }
        }
        (chunk, all)
    }

    fn cell(self, index: usize) -> NonNull<Header> {
        assert!(index < self.cells);
        // SAFETY: within the chunk, as the index is.
        unsafe { self.base.byte_add(index * self.class.size()) }.cast()
    }

    /// All of them. A shutdown may look at each cell there ever was, so this is a loop without checks.
    pub(super) fn cells(self) -> impl DoubleEndedIterator<Item = NonNull<Header>> {
        let size = self.class.size();
        // SAFETY: within the chunk, as the index is.
        (0..self.cells).map(move |index| unsafe { self.base.byte_add(index * size) }.cast())
    }

    /// # Safety
    /// It is freed once, and none of its cells is used any more.
    pub(super) unsafe fn free(self) {
        // SAFETY: allocated with this layout by `Chunk::new`.
        unsafe { dealloc(self.base.as_ptr(), self.class.layout(self.cells)) };
    }

    /// The cell at this address, if it is one of the chunk.
    pub(super) fn cell_at(self, address: usize) -> Option<NonNull<Header>> {
        let offset = address.checked_sub(self.base.as_ptr() as usize)?;
        let (index, within) = (offset / self.class.size(), offset % self.class.size());
        (index < self.cells && within == 0).then(|| self.cell(index))
    }
}

/// Has the kernel provide the pages of a chunk that is about to be written, in one call instead of a fault
/// for each: where there are more tasks than ever before, the faults were half of what each cost.
///
/// It may refuse: one before Linux 5.14, or with larger pages, at the inside of which this begins. Then
/// they come by faults. One before 6.9 tries for ever where an allocator's memory is a file that cannot be
/// read, and a write would be answered with SIGBUS.
#[cfg(all(target_os = "linux", not(miri)))]
fn populate(base: NonNull<u8>, bytes: usize, class: Class) {
    const PAGE: usize = 4096;
    let writes_each_page = class.size() <= PAGE;
    if bytes < 4 * PAGE || !writes_each_page {
        return;
    }
    let before = base.addr().get() % PAGE;
    let first = base.as_ptr().wrapping_byte_sub(before);
    // SAFETY: each of these pages has a byte of the new chunk, so it is mapped for writing; what is in it
    // stays as it is.
    let _ = unsafe { madvise(first.cast(), before + bytes, Advice::LinuxPopulateWrite) };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn populate(_base: NonNull<u8>, _bytes: usize, _class: Class) {}
