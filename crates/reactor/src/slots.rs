//! Which [`ScheduledIo`] an event is for: a table whose keys are never mistaken for a successor's.
//!
//! # Protocol
//! *Register*: (1) [`Slots::insert`] hands out a [`Key`]; (2) the kernel is told to report it.
//! *Deregister*: [`Slots::remove`] ends the key, on any thread, before or after the descriptor is
//! closed. *Event loop*: [`Slots::dispatch`] looks up every event of a chunk under one lock, sets
//! the readiness, collects the wakers, unlocks. An event that was reported before its descriptor
//! went away carries a key whose generation no slot has any more, and is dropped, even where the
//! slot already serves another descriptor.
//!
//! # Invariants
//! - A key is [generation | index]. A slot's generation grows each time it is vacated; when the
//!   next one would repeat, the slot retires. So no two registrations ever share a key.
//! - Once closed, the table takes nothing in: a registration either fails, or was there when
//!   [`Slots::close`] told everyone.
//! - Lock order: the table's lock, then the lock of one `ScheduledIo`. No `ScheduledIo` is dropped
//!   under the table's lock, as it may hold wakers.
//!
//! # Rejected
//! - The address of the `ScheduledIo` as the token: saves the lookup, needs unsafe and a way to
//!   delay every free until no event can be in flight.
//! - Cloning the `Arc`s out under the lock: two contended counter updates for every event, to
//!   shorten a lock that is held some 30 ns per event.

use crate::ready::Ready;
use crate::scheduled_io::ScheduledIo;
use crate::sync::{Arc, Mutex};
use crate::wake_batch::WakeBatch;

/// All registered descriptors of a reactor: the `ScheduledIo` of each, and what is kept with it.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    table: Mutex<Table<T>>,
}

impl<T: AsRef<ScheduledIo>> Slots<T> {
    pub(crate) fn new() -> Self {
        Self {
            table: Mutex::new(Table {
                slots: Vec::new(),
                vacant: Vec::new(),
                occupied: 0,
                closed: false,
            }),
        }
    }

    /// Makes room for one more descriptor. The caller keeps a reference: a rejected one is let go of under
    /// the lock.
    pub(crate) fn insert(&self, io: Arc<T>) -> Result<Key, Rejected> {
        self.table.lock().insert(io)
    }

    /// Ends a registration; `None` if it had ended before.
    pub(crate) fn remove(&self, key: Key) -> Option<Arc<T>> {
        self.table.lock().remove(key)
    }

    /// Sets the readiness of each event's descriptor and collects whom to wake.
    pub(crate) fn dispatch(
        &self,
        events: impl Iterator<Item = (Key, Ready)>,
        batch: &mut WakeBatch,
    ) -> usize {
        let table = self.table.lock();
        let mut delivered = 0;
        for (key, ready) in events {
            if let Some(io) = table.get(key) {
                io.set_readiness(ready, batch);
                delivered += 1;
            }
        }
        delivered
    }

    /// Takes no more descriptors in, and returns those that are there; they stay registered.
    pub(crate) fn close(&self) -> Vec<Arc<T>> {
        let mut table = self.table.lock();
        table.closed = true;
        table
            .slots
            .iter()
            .filter_map(|slot| slot.io.clone())
            .collect()
    }

    /// How many descriptors are registered.
    pub(crate) fn len(&self) -> usize {
        self.table.lock().occupied
    }
}

/// Why a descriptor was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// The reactor has shut down.
    Closed,
    /// Every index is in use or retired.
    Full,
}

/// Names one registration, once and for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    generation: usize,
    index: usize,
}

impl Key {
    /// 4 billion slots of 4 billion generations; on 32 bits a million slots of 4096.
    const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };
    const INDEX_MASK: usize = (1 << Self::INDEX_BITS) - 1;
    const LAST_GENERATION: usize = usize::MAX >> Self::INDEX_BITS;

    /// The highest index is left out: tokens with it are the reactor's own.
    const INDEX_LIMIT: usize = Self::INDEX_MASK;

    pub(crate) const fn from_token(token: usize) -> Self {
        Self {
            generation: token >> Self::INDEX_BITS,
            index: token & Self::INDEX_MASK,
        }
    }

    pub(crate) const fn token(self) -> usize {
        self.generation << Self::INDEX_BITS | self.index
    }
}

#[derive(Debug)]
struct Table<T> {
    slots: Vec<Slot<T>>,
    /// Indices to use again, last vacated first.
    vacant: Vec<usize>,
    occupied: usize,
    closed: bool,
}

#[derive(Debug)]
struct Slot<T> {
    generation: usize,
    io: Option<Arc<T>>,
}

impl<T: AsRef<ScheduledIo>> Table<T> {
    fn insert(&mut self, io: Arc<T>) -> Result<Key, Rejected> {
        if self.closed {
            return Err(Rejected::Closed);
        }
        let index = match self.vacant.pop() {
            Some(index) => index,
            None => self.grow()?,
        };
        let slot = &mut self.slots[index];
        slot.io = Some(io);
        self.occupied += 1;
        let generation = slot.generation;
        Ok(Key { generation, index })
    }

    fn grow(&mut self) -> Result<usize, Rejected> {
        let index = self.slots.len();
        if index >= Key::INDEX_LIMIT {
            return Err(Rejected::Full);
        }
        self.slots.push(Slot {
            generation: 0,
            io: None,
        });
        Ok(index)
    }

    fn remove(&mut self, key: Key) -> Option<Arc<T>> {
        let slot = self.slots.get_mut(key.index)?;
        if slot.generation != key.generation {
            return None;
        }
        let io = slot.io.take()?;
        self.occupied -= 1;
        if slot.generation < Key::LAST_GENERATION {
            slot.generation += 1;
            self.vacant.push(key.index);
        }
        Some(io)
    }

    fn get(&self, key: Key) -> Option<&ScheduledIo> {
        let slot = self.slots.get(key.index)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.io.as_deref().map(T::as_ref)
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "slots_tests.rs"]
mod tests;
