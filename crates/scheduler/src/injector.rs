//! The queue for tasks that come from outside the workers.
//!
//! Threads that are no worker (or belong to another runtime) push here; workers fetch in batches.
//! It has several shards, and a pushing thread always uses the same one: threads that push at the
//! same time rarely share a lock, and the tasks of one thread keep their order.
//!
//! # Invariants
//! - `len` of a shard changes only under its lock; it is read without it to skip empty shards. A
//!   reader that must not miss a push stands behind the fences of [`crate::idle`].
//! - After [`Injector::close`] nothing enters: the pusher gets its task back and cancels it.
//!
//! # Rejected
//! `crossbeam_deque::Injector`: 24 ns a task on one thread, 38 on two that share it; a lock and a
//! ring per shard 19 and 11.

use std::collections::VecDeque;

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::{CachePadded, Mutex};

/// Sharded FIFO queues.
#[derive(Debug)]
pub(crate) struct Injector<T> {
    shards: Box<[CachePadded<Shard<T>>]>,
}

#[derive(Debug)]
struct Shard<T> {
    len: AtomicUsize,
    queue: Mutex<Queue<T>>,
}

#[derive(Debug)]
struct Queue<T> {
    closed: bool,
    tasks: VecDeque<T>,
}

impl<T> Injector<T> {
    /// An injector for `workers` workers.
    pub(crate) fn new(workers: usize) -> Self {
        let shard = || {
            CachePadded::new(Shard {
                len: AtomicUsize::new(0),
                queue: Mutex::new(Queue {
                    closed: false,
                    tasks: VecDeque::new(),
                }),
            })
        };
        Self {
            shards: (0..workers.next_power_of_two()).map(|_| shard()).collect(),
        }
    }

    /// Queues a task; gives it back if the injector is closed.
    pub(crate) fn push(&self, task: T, thread: usize) -> Result<(), T> {
        let shard = &self.shards[thread & (self.shards.len() - 1)];
        let mut queue = shard.queue.lock();
        if queue.closed {
            return Err(task);
        }
        queue.tasks.push_back(task);
        shard.len.store(queue.tasks.len(), Relaxed);
        Ok(())
    }

    /// Takes up to `max` tasks, from the first shard that has any, starting at `start`.
    ///
    /// The first one is returned, the others are given to `rest`, under no lock. `batch` is empty before
    /// and after: it is there for its memory, which goes round, so that nobody allocates under the lock.
    pub(crate) fn pop_batch(
        &self,
        start: usize,
        max: usize,
        batch: &mut VecDeque<T>,
        rest: impl FnMut(T),
    ) -> Option<T> {
        for offset in 0..self.shards.len() {
            let shard = &self.shards[(start + offset) & (self.shards.len() - 1)];
            if shard.len.load(Relaxed) == 0 {
                continue;
            }
            let mut queue = shard.queue.lock();
            let count = queue.tasks.len().min(max);
            if count == queue.tasks.len() {
                std::mem::swap(&mut queue.tasks, batch);
            } else {
                batch.extend(queue.tasks.drain(..count));
            }
            shard.len.store(queue.tasks.len(), Relaxed);
            drop(queue);
            if let Some(first) = batch.pop_front() {
                batch.drain(..).for_each(rest);
                return Some(first);
            }
        }
        None
    }

    /// Whether nothing is queued; sees every push that the caller's fence orders before.
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.len.load(Relaxed) == 0)
    }

    /// How many tasks are queued.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.len.load(Relaxed))
            .sum()
    }

    /// Refuses all further tasks and returns those that were queued.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut left = Vec::new();
        for shard in &self.shards {
            let mut queue = shard.queue.lock();
            queue.closed = true;
            left.extend(queue.tasks.drain(..));
            shard.len.store(0, Relaxed);
        }
        left
    }
}
