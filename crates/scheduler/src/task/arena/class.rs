//! Sizes of cells.
//!
//! # Invariants
//! The size of a class is a multiple of the alignment of every type that is put there, and its chunks
//! are aligned to at least as much: so every cell is.

use std::alloc::Layout;

/// Sizes of small cells are multiples of this, and small chunks are aligned to [`SMALL_ALIGN`].
const STEP: usize = 16;
const SMALL_ALIGN: usize = 128;
/// Cells up to this size are small; above, the class is a power of two.
const SMALL: usize = 2048;
const SMALL_CLASSES: usize = SMALL / STEP;
pub(super) const CLASSES: usize = SMALL_CLASSES + (usize::BITS as usize - SMALL.ilog2() as usize);
/// A magazine holds about so many bytes, and at most so many cells.
const BATCH_BYTES: usize = 2048;
const BATCH: usize = if cfg!(heist_loom) { 2 } else { 16 };
/// A chunk holds at most so many bytes, unless one cell takes more.
const CHUNK_BYTES: usize = 64 * 1024;

/// A size of cells, and their alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(u8);

impl Class {
    pub(in crate::task) const fn of(layout: Layout) -> Self {
        let align = if layout.align() > STEP {
            layout.align()
        } else {
            STEP
        };
        let size = layout.size().next_multiple_of(align);
        if size <= SMALL && align <= SMALL_ALIGN {
            return Self((size / STEP - 1) as u8);
        }
        let size = if size > align { size } else { align };
        let size = if size > SMALL { size } else { SMALL + 1 };
        let power = size.next_power_of_two().ilog2() - SMALL.ilog2() - 1;
        Self((SMALL_CLASSES + power as usize) as u8)
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Bytes from one cell to the next: a multiple of the alignment of all that is put there.
    pub(super) fn size(self) -> usize {
        match self.index().checked_sub(SMALL_CLASSES) {
            None => (self.index() + 1) * STEP,
            Some(power) => SMALL << (power + 1),
        }
    }

    /// Cells of one magazine.
    pub(super) fn batch(self) -> usize {
        (BATCH_BYTES / self.size()).clamp(1, BATCH)
    }

    /// Magazines that the next chunk fills, if there are so many chunks of this class: twice as many as
    /// the last one did.
    pub(super) fn magazines(self, chunks: u32) -> usize {
        let most = CHUNK_BYTES / (self.size() * self.batch());
        1_usize
            .checked_shl(chunks)
            .map_or(most, |double| double.min(most))
            .max(1)
    }

    /// So many cells, one behind the other.
    pub(super) fn layout(self, cells: usize) -> Layout {
        let align = if self.size() > SMALL {
            self.size()
        } else {
            SMALL_ALIGN
        };
        Layout::from_size_align(self.size() * cells, align)
            .expect("a multiple of a size that a type has")
    }
}
