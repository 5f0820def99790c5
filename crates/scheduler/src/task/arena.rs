//! The memory of a scheduler's tasks: cells that are used again and again, and can be enumerated.
//!
//! # Structure
//! A *chunk* is one allocation, divided into cells of one [`Class`]; each is twice as large as the one
//! before it, up to a limit, so that growth costs a task next to nothing. Free cells are kept in
//! *magazines* (Bonwick and Adams, USENIX 2001): stacks of up to [`Class::batch`] cells. A worker has a
//! [`Cache`] of two magazines a class, so that most cells come and go without a lock or a
//! read-modify-write; whole magazines are exchanged with the [`Arena`] under its lock. Threads that are
//! no worker take and return single cells under that lock.
//!
//! # Life of a cell
//! 1. Its chunk is made: the state word says DONE, and stays readable until the arena is dropped.
//! 2. [`Cache::take`] or [`Arena::take`] gives it to a spawn as a [`Block`]. All but the state is
//!    written, then the state is stored with Release ([`begin`](super::state::State::begin)): a task is
//!    born.
//! 3. The task ends as any other: the word says DONE, and whoever brings the count to 0 frees it.
//! 4. Freed: its block goes to the cache of the worker that freed it, or to the arena.
//!
//! # Enumeration
//! [`Arena::live`] walks all cells of all chunks (unless none is lent, which is known while no cache is
//! out), without a lock, while tasks are born and end: a word
//! that says DONE is skipped (a free cell, or a task that has ended), any other is raised by one
//! reference with a compare-exchange. If it succeeds, the cell held a live task at that instant, and
//! holds it until the reference is given up; whether it is the one that was there at the first look
//! does not matter. The Acquire of the exchange sees what `begin` published, through the chain of
//! read-modify-writes that follow it.
//!
//! # Lifetime
//! A cell points to its scheduler ([`Resident`]) without counting a reference, because two cores that
//! count on one word pay more for that than for all the rest of a spawn. So the arena keeps a
//! reference to the scheduler that it is part of, from the first cache or cell on until no cache is out
//! and no cell is lent. `lent` is exact whenever no cache is out, since a cache brings its balance back
//! when it is returned ([`Arena::flush`]); so the reference is given up once the last worker has stopped
//! and the last handle or waker of a task is gone.
//!
//! # Invariants
//! 1. A cell is in one place: in a magazine, in a [`Block`], or a task.
//! 2. No chunk is freed before the arena, and no arena while a cell is lent.
//! 3. The state word is written non-atomically once, when its chunk is made.
//!
//! # Cost
//! Memory for the largest number of tasks that there ever were stays with the runtime. A future of more
//! than [`BOXED_ABOVE`] bytes is boxed, so that this is small change per task; an output is not: a task that
//! returns a megabyte by value, and not in a box, takes a cell of that size. On Linux a chunk of four pages
//! or more is asked for with `madvise(MADV_POPULATE_WRITE)`: a process that filters its system calls has to
//! allow that one, or answer it with an error.
//!
//! # Rejected
//! - The global allocator and a list of tasks under sharded locks: 380 instructions and 8
//!   read-modify-writes more for each task.
//! - Lists of remotely freed cells that go back to the thread they came from: a read-modify-write for
//!   each cell that moved; here a magazine of them goes anywhere.

mod class;
mod magazine;

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::cell::{Header, TaskRef};
use crate::sync::{Arc, Mutex};
use class::CLASSES;
pub(crate) use class::Class;
use magazine::{Chunk, Magazine};

/// Futures of more bytes than this have a box of their own instead of a place in the cell.
pub(crate) const BOXED_ABOVE: usize = 1024;

/// The right to a free cell.
#[derive(Debug)]
#[must_use = "a block that is dropped is a cell that is lost"]
pub(crate) struct Block {
    cell: NonNull<Header>,
    class: Class,
}

impl Block {
    /// # Safety
    /// The cell came from a block of this class, and the caller gives it up.
    pub(super) unsafe fn from_raw(cell: NonNull<Header>, class: Class) -> Self {
        Self { cell, class }
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    pub(super) fn into_raw(self) -> NonNull<Header> {
        self.cell
    }
}

/// The free cells of one worker.
pub(crate) struct Cache<T> {
    classes: Box<[Magazines]>,
    /// Cells that it gave out, less those that it took back.
    lent: isize,
    _arena: PhantomData<fn(T)>,
}

/// An exchange with the arena is never due twice in a row: then one of the two is full or empty.
#[derive(Debug)]
struct Magazines {
    used: Magazine,
    other: Magazine,
}

impl<T> Cache<T> {
    /// A cell of this class, from this cache or from the arena that it belongs to.
    #[inline]
    pub(crate) fn take(&mut self, arena: &Arena<T>, class: Class) -> Block {
        self.lent += 1;
        let magazines = &mut self.classes[class.index()];
        let cell = match magazines.used.pop() {
            Some(cell) => cell,
            None => magazines.refill(arena, class),
        };
        Block { cell, class }
    }

    /// Takes a cell back, if that takes no exchange with the arena.
    #[inline]
    pub(crate) fn try_put(&mut self, block: Block) -> Result<(), Block> {
        let magazine = self.classes.get_mut(block.class.index());
        let Some(Magazines { used, .. }) = magazine.filter(|magazines| magazines.used.room > 0)
        else {
            return Err(block);
        };
        self.lent -= 1;
        used.push(block.cell);
        Ok(())
    }

    /// Takes a cell back.
    pub(crate) fn put(&mut self, arena: &Arena<T>, block: Block) {
        self.lent -= 1;
        let magazines = &mut self.classes[block.class.index()];
        if magazines.used.room == 0 {
            magazines.make_room(arena, block.class);
        }
        magazines.used.push(block.cell);
    }
}

impl Magazines {
    #[cold]
    fn refill<T>(&mut self, arena: &Arena<T>, class: Class) -> NonNull<Header> {
        std::mem::swap(&mut self.used, &mut self.other);
        if self.used.is_empty() {
            self.used = arena.magazine(class);
        }
        self.used.pop().expect("the arena gives no empty magazine")
    }

    #[cold]
    fn make_room<T>(&mut self, arena: &Arena<T>, class: Class) {
        std::mem::swap(&mut self.used, &mut self.other);
        if self.used.room == 0 {
            let full = std::mem::replace(&mut self.used, Magazine::empty(class));
            arena.put_magazine(full, class);
        }
    }
}

impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("lent", &self.lent)
            .finish_non_exhaustive()
    }
}

/// All cells of the scheduler `T`, of which it is a part.
pub(crate) struct Arena<T> {
    central: Mutex<Central<T>>,
}

/// What there is of one class.
#[derive(Default)]
struct Shelf {
    /// Magazines, none of them empty.
    free: Vec<Magazine>,
    chunks: u32,
}

struct Central<T> {
    /// Of each class.
    shelves: Box<[Shelf]>,
    chunks: Vec<Chunk>,
    /// Caches that are out.
    caches: usize,
    /// Cells that are lent, less what the caches that are out know.
    lent: isize,
    /// Cells that threads without a cache took.
    taken: u64,
    /// The scheduler, while a cell may point to it.
    keep: Option<Arc<T>>,
}

impl<T> Central<T> {
    /// Whether no cell is lent, which is known while no cache is out.
    fn is_unused(&self) -> bool {
        self.caches == 0 && self.lent == 0
    }

    /// The reference to the scheduler, if no cell points to it any more.
    fn let_go(&mut self) -> Option<Arc<T>> {
        self.is_unused().then(|| self.keep.take()).flatten()
    }
}

impl<T> Arena<T> {
    pub(crate) fn new() -> Self {
        Self {
            central: Mutex::new(Central {
                shelves: (0..CLASSES).map(|_| Shelf::default()).collect(),
                chunks: Vec::new(),
                caches: 0,
                lent: 0,
                taken: 0,
                keep: None,
            }),
        }
    }

    /// A new cache; `owner` is what this arena is a part of.
    pub(crate) fn cache(&self, owner: &Arc<T>) -> Cache<T> {
        let mut central = self.central.lock();
        central.caches += 1;
        central.keep.get_or_insert_with(|| owner.clone());
        drop(central);
        let empty = || Magazines {
            used: Magazine::NONE,
            other: Magazine::NONE,
        };
        Cache {
            classes: (0..CLASSES).map(|_| empty()).collect(),
            lent: 0,
            _arena: PhantomData,
        }
    }

    /// Takes a cache back.
    pub(crate) fn flush(owner: &Arc<T>, cache: Cache<T>)
    where
        T: AsRef<Arena<T>>,
    {
        let mut central = T::as_ref(owner).central.lock();
        for (shelf, magazines) in central.shelves.iter_mut().zip(cache.classes) {
            let magazines = [magazines.used, magazines.other];
            shelf.free.extend(
                magazines
                    .into_iter()
                    .filter(|magazine| !magazine.is_empty()),
            );
        }
        central.caches -= 1;
        central.lent += cache.lent;
        let keep = central.let_go();
        drop(central);
        drop(keep);
    }

    /// A cell of this class, for a thread that has no cache.
    pub(crate) fn take(owner: &Arc<T>, class: Class) -> Block
    where
        T: AsRef<Arena<T>>,
    {
        let arena = T::as_ref(owner);
        let mut central = arena.central.lock();
        central.lent += 1;
        central.taken += 1;
        central.keep.get_or_insert_with(|| owner.clone());
        let free = &mut central.shelves[class.index()].free;
        let cell = free.last_mut().and_then(Magazine::pop);
        if free.last().is_some_and(Magazine::is_empty) {
            free.pop();
        }
        drop(central);
        let cell = cell.unwrap_or_else(|| {
            let mut magazine = arena.magazine(class);
            let cell = magazine.pop();
            arena.put_magazine(magazine, class);
            cell.expect("the arena gives no empty magazine")
        });
        Block { cell, class }
    }

    /// Takes a cell back from a thread that has no cache.
    pub(crate) fn put(owner: &Arc<T>, block: Block)
    where
        T: AsRef<Arena<T>>,
    {
        let mut central = T::as_ref(owner).central.lock();
        let free = &mut central.shelves[block.class.index()].free;
        match free.last_mut() {
            Some(magazine) if magazine.room > 0 => magazine.push(block.cell),
            _ => {
                let mut magazine = Magazine::empty(block.class);
                magazine.push(block.cell);
                free.push(magazine);
            }
        }
        central.lent -= 1;
        let keep = central.let_go();
        drop(central);
        drop(keep);
    }

    /// How many cells threads without a cache have taken.
    pub(crate) fn taken(&self) -> u64 {
        self.central.lock().taken
    }

    fn put_magazine(&self, magazine: Magazine, class: Class) {
        if !magazine.is_empty() {
            let mut central = self.central.lock();
            central.shelves[class.index()].free.push(magazine);
        }
    }

    fn magazine(&self, class: Class) -> Magazine {
        let mut central = self.central.lock();
        let shelf = &mut central.shelves[class.index()];
        if let Some(magazine) = shelf.free.pop() {
            return magazine;
        }
        let magazines = class.magazines(shelf.chunks);
        shelf.chunks = shelf.chunks.saturating_add(1);
        drop(central);
        let (chunk, mut magazines) = Chunk::new(class, magazines);
        let first = magazines.pop().expect("a chunk fills one or more");
        let mut central = self.central.lock();
        central.chunks.push(chunk);
        central.shelves[class.index()].free.append(&mut magazines);
        first
    }

    /// References to the tasks that are alive, or to one share in `shares` of them: those in every
    /// `shares`th chunk. One that is born or ends meanwhile may be among them.
    pub(crate) fn live(&self, share: usize, shares: usize) -> Vec<TaskRef> {
        let central = self.central.lock();
        if central.is_unused() {
            return Vec::new();
        }
        let chunks = central.chunks.clone();
        drop(central);
        let mut live = Vec::new();
        for chunk in chunks.into_iter().skip(share).step_by(shares) {
            for cell in chunk.cells() {
                // SAFETY: a cell of this arena, whose chunks live as long as it does.
                if let Some(task) = unsafe { TaskRef::of_cell(cell) } {
                    live.push(task);
                }
            }
        }
        live
    }

    /// A reference to the task in the cell at this address, if there is one now.
    pub(crate) fn get(&self, address: usize) -> Option<TaskRef> {
        let chunks = self.central.lock().chunks.clone();
        let cell = chunks.iter().find_map(|chunk| chunk.cell_at(address))?;
        // SAFETY: a cell of this arena, whose chunks live as long as it does.
        unsafe { TaskRef::of_cell(cell) }
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        for chunk in std::mem::take(&mut self.central.lock().chunks) {
            // SAFETY: no cell is lent, or `keep` would have kept the arena.
            unsafe { chunk.free() };
        }
    }
}

impl<T> fmt::Debug for Arena<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let central = self.central.lock();
        f.debug_struct("Arena")
            .field("chunks", &central.chunks.len())
            .field("caches", &central.caches)
            .finish_non_exhaustive()
    }
}

/// What a cell knows of its scheduler: a pointer that the arena keeps valid as long as the cell is lent.
pub(crate) struct Resident<T>(NonNull<T>);

// SAFETY: a `Resident` gives out `&T` and `Arc<T>`, as a reference does.
unsafe impl<T: Send + Sync> Send for Resident<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Resident<T> {}

impl<T> Clone for Resident<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Resident<T> {}

impl<T> Resident<T> {
    /// # Safety
    /// The result goes into a cell that `owner`'s own arena lent, and copies of it are used only while
    /// that cell is lent.
    pub(super) unsafe fn new(owner: &Arc<T>) -> Self {
        let owner = Arc::as_ptr(owner).cast_mut();
        // SAFETY: no reference is null.
        Self(unsafe { NonNull::new_unchecked(owner) })
    }

    /// Whether it is this scheduler.
    #[inline]
    pub(crate) fn is(self, owner: &Arc<T>) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(owner))
    }

    /// The scheduler, counted.
    pub(crate) fn owner(self) -> Arc<T> {
        let owner = self.0.as_ptr().cast_const();
        // SAFETY: it came from an `Arc`, of which the arena keeps one.
        unsafe { Arc::increment_strong_count(owner) };
        // SAFETY: this takes the count that was added.
        unsafe { Arc::from_raw(owner) }
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "arena_tests.rs"]
mod tests;
