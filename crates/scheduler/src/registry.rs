//! Every live task of a runtime, for shutdown and enumeration.
//!
//! # Protocol
//! - Spawn: [`Registry::insert`] before the token is published. A closed shard refuses, and the
//!   task is cancelled instead of queued.
//! - Completion: [`Registry::remove`] before DONE, so that whatever a shard holds is not DONE and
//!   its cell is alive.
//! - Shutdown: [`Registry::close`] once per shard, then [`Registry::snapshot`]: since the flag and
//!   the slab share a lock, a task is either refused or in the snapshot.
//!
//! # Invariants
//! - An entry is a counted [`TaskRef`] taken at insertion; nobody else relies on that count.
//! - Nothing is dropped and nothing runs under a shard's lock but moves of `TaskRef`s.
//! - A thread spawns into its own shard, so two spawning workers share no lock.
//!
//! # Rejected
//! One list for all (a lock that every spawn and every completion on every core takes).

use slab::Slab;

use crate::sync::{CachePadded, Mutex};
use crate::task::{Task, TaskRef};

/// The live tasks, in shards.
#[derive(Debug)]
pub(crate) struct Registry {
    shards: Box<[CachePadded<Mutex<Shard>>]>,
}

#[derive(Debug)]
struct Shard {
    closed: bool,
    tasks: Slab<TaskRef>,
}

/// The runtime is shutting down: the task was not registered.
#[derive(Debug)]
pub(crate) struct Closed;

impl Registry {
    /// A registry for about `threads` threads that spawn at once.
    pub(crate) fn new(threads: usize) -> Self {
        let shard = || {
            CachePadded::new(Mutex::new(Shard {
                closed: false,
                tasks: Slab::new(),
            }))
        };
        Self {
            shards: (0..threads.next_power_of_two()).map(|_| shard()).collect(),
        }
    }

    /// Registers the task of `token` in the shard that `hint` names.
    #[inline]
    pub(crate) fn insert(&self, token: &Task, hint: usize) -> Result<(), Closed> {
        let index = hint & (self.shards.len() - 1);
        let entry = TaskRef::of(token);
        let mut shard = self.shards[index].lock();
        if shard.closed {
            drop(shard);
            drop(entry);
            return Err(Closed);
        }
        let slot = shard.tasks.insert(entry);
        drop(shard);
        token.set_registry_key(slot * self.shards.len() + index + 1);
        Ok(())
    }

    /// Forgets the task with this key; key 0 was never registered.
    #[inline]
    pub(crate) fn remove(&self, key: usize) {
        let Some(key) = key.checked_sub(1) else {
            return;
        };
        let (slot, index) = (key / self.shards.len(), key & (self.shards.len() - 1));
        let entry = self.shards[index].lock().tasks.remove(slot);
        drop(entry);
    }

    /// A reference to the task with this key, if there is one now.
    pub(crate) fn get(&self, key: usize) -> Option<TaskRef> {
        let key = key.checked_sub(1)?;
        let (slot, index) = (key / self.shards.len(), key & (self.shards.len() - 1));
        self.shards[index].lock().tasks.get(slot).cloned()
    }

    /// How many shards there are.
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Refuses all further tasks in one shard.
    pub(crate) fn close(&self, shard: usize) {
        self.shards[shard].lock().closed = true;
    }

    /// References to the tasks that are in one shard now.
    pub(crate) fn snapshot(&self, shard: usize) -> Vec<TaskRef> {
        let shard = self.shards[shard].lock();
        shard.tasks.iter().map(|(_, task)| task.clone()).collect()
    }

    /// How many tasks are alive.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().tasks.len())
            .sum()
    }
}
