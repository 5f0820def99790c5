//! Where a worker's next task comes from: its slot, its queue, the injector, other workers.
//!
//! # Invariants
//! - The LIFO slot goes first, at most [`MAX_SLOT_STREAK`] times in a row and on one budget; then
//!   its task goes behind the queue.
//! - Other workers are robbed of half their queue, starting with a random one.
//! - A slot is robbed only while its owner stays in a poll, by the watchdog's word. While one is stuck
//!   workers that are busy rob it, too, once a turn.

use super::Worker;
use crate::context::Core;
use crate::shared::Remote;
use crate::sync::{deque, spin_hint};
use crate::task::Task;

/// Times in a row that the LIFO slot goes before the queue.
const MAX_SLOT_STREAK: u32 = 3;
/// Tasks taken in one steal: half of the victim's, up to this.
const STEAL_LIMIT: usize = 256;
/// Tasks fetched from the injector at once.
const INJECTOR_LIMIT: usize = 128;

/// What a worker finds at home.
pub(super) enum Local {
    Task(Task),
    Nothing,
    /// A successor has taken the worker over.
    NoCore,
}

impl Worker {
    /// The slot's task, or the queue's.
    #[inline(always)]
    pub(super) fn next_local(&mut self) -> Local {
        let context = &*self.context;
        let core = context.core.borrow();
        let Some(Core { queue, .. }) = &*core else {
            return Local::NoCore;
        };
        let slot = &context.remote().slot;
        if !slot.is_empty() {
            if self.slot_streak < MAX_SLOT_STREAK && self.budget_left > 0 {
                if let Some(task) = slot.take() {
                    self.slot_streak += 1;
                    task.mark_run_from_slot();
                    return Local::Task(task);
                }
            } else if let Some(task) = slot.take() {
                queue.push(task);
            }
        }
        self.slot_streak = 0;
        self.budget_left = self.budget_per_poll;
        match queue.pop() {
            Some(task) => Local::Task(task),
            None => Local::Nothing,
        }
    }

    /// A task that was injected, or another worker's.
    #[cold]
    pub(super) fn next_foreign(&mut self) -> Option<Task> {
        self.take_injected().or_else(|| self.steal())
    }

    /// A share of the injected tasks; the first of them is returned, the others queued.
    pub(super) fn next_injected(&mut self) -> Option<Task> {
        let injector = &self.shared().injector;
        let waiting = injector.len();
        if waiting == 0 {
            return None;
        }
        let share = (waiting / self.shared().workers() + 1).min(INJECTOR_LIMIT);
        let mut count = 1;
        let first = self.with_queue(|queue| {
            let mut batch = self.context.fetched.borrow_mut();
            injector.pop_batch(self.context.index, share, &mut batch, |task| {
                count += 1;
                queue.push(task);
            })
        })?;
        self.remote().counters.injected.add(count);
        Some(first)
    }

    /// As [`Worker::next_injected`], and sees to it that somebody looks for the others.
    ///
    /// They were announced when they came, but whoever was woken for them may have looked while they
    /// were in neither queue, and sleep again. A worker that searches announces what it found when
    /// it stops.
    fn take_injected(&mut self) -> Option<Task> {
        let first = self.next_injected()?;
        if self.searching.is_none() && self.with_queue(deque::Worker::len) > 0 {
            self.shared().wake_one();
        }
        Some(first)
    }

    /// Half of another worker's queue, or, at the very last, the task in its slot.
    fn steal(&mut self) -> Option<Task> {
        if self.searching.is_none() {
            self.searching = Some(self.shared().idle.start_searching()?);
        }
        let start = self.random();
        let workers = self.shared().staffed();
        let victims = (0..workers.len())
            .map(|offset| (start + offset) % workers.len())
            .filter(|&victim| victim != self.context.index)
            .map(|victim| &**workers[victim]);
        self.remote().counters.steal_attempts.add(1);
        let stolen = victims
            .clone()
            .find_map(|victim| self.rob_queue(victim))
            .or_else(|| victims.clone().find_map(|victim| self.rob_slot(victim)));
        match stolen {
            Some(task) => {
                self.remote().counters.steals.add(1);
                Some(task)
            }
            None => self.next_injected(),
        }
    }

    fn rob_queue(&self, victim: &Remote) -> Option<Task> {
        let stealer = &victim.stealer;
        if stealer.is_empty() {
            return None;
        }
        self.with_queue(|queue| {
            let before = queue.len();
            loop {
                match stealer.steal_batch_with_limit_and_pop(queue, STEAL_LIMIT) {
                    deque::Steal::Success(task) => {
                        let count = queue.len().saturating_sub(before) + 1;
                        self.remote().counters.stolen_tasks.add(count as u64);
                        return Some(task);
                    }
                    deque::Steal::Empty => return None,
                    deque::Steal::Retry => spin_hint(),
                }
            }
        })
    }

    /// Takes the slot's task of a worker that is stuck in a poll: a worker in short ones runs it
    /// sooner, and on a warm cache.
    fn rob_slot(&self, victim: &Remote) -> Option<Task> {
        if victim.slot.is_empty() || !victim.is_stuck() {
            return None;
        }
        let task = victim.slot.take()?;
        self.remote().counters.stolen_tasks.add(1);
        Some(task)
    }

    /// Takes what waits behind stuck polls, also when this worker has enough of its own.
    pub(super) fn relieve_stuck(&self) {
        for (index, victim) in self.shared().staffed().iter().enumerate() {
            if index != self.context.index && victim.is_stuck() {
                let stolen = [self.rob_slot(victim), self.rob_queue(victim)];
                let stolen = stolen.into_iter().flatten();
                self.with_queue(|queue| stolen.for_each(|task| queue.push(task)));
            }
        }
    }

    /// A number from the worker's own sequence (xorshift64*, Vigna 2016).
    fn random(&mut self) -> usize {
        self.rng ^= self.rng >> 12;
        self.rng ^= self.rng << 25;
        self.rng ^= self.rng >> 27;
        (self.rng.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize
    }
}
