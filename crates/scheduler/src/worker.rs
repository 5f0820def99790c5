//! One worker: it runs its own tasks, fetches others', and sleeps when there are none.
//!
//! # Protocol
//! [`Worker::tick`] is the one step. In order:
//! 1. If the scheduler is stopping, say so.
//! 2. If the turn is over, end it: poll the driver without waiting (if nobody else holds that
//!    role) and fetch a share of the injected tasks, both *behind* the local ones.
//! 3. Run a task: the LIFO slot's, the queue's, an injected one, a stolen one.
//! 4. Nothing: report [`Tick::Idle`]. [`Worker::park`] then sleeps, by the protocol of
//!    [`crate::idle`] and [`crate::parker`].
//!
//! # Turns
//! A turn is what was queued when it began, at least [`MIN_TURN`] polls, at most [`TURN_TIME`]. So a
//! batch of tasks that the driver woke runs to its end before the driver is asked again (polling
//! it every N polls makes long tails: the oldest of the batch wait for many turns of the newest),
//! and neither long polls nor a flood of local tasks keep I/O, timers or injected tasks waiting
//! for more than a turn. The clock is read every [`CLOCK_EVERY`] polls, and every poll if the last
//! turn showed that polls are long.
//!
//! # Invariants
//! - User code runs only in `Task::run` and in wakers inside the driver, in both cases with the
//!   core in the context and no borrow of it.
//! - `searching` is `Some` exactly while the idle word counts this worker as searching.
//! - The LIFO slot runs at most [`MAX_SLOT_STREAK`] times in a row, on one budget.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::budget;
use crate::context::{self, Context, Core};
use crate::handle::Handle;
use crate::idle::{Searching, Sleep};
use crate::parker::Parked;
use crate::shared::{Remote, Shared};
use crate::sync::{Arc, deque, spin_hint};
use crate::task::Task;

/// Polls in a turn at least: what a poll of the driver (a system call) is worth.
const MIN_TURN: u32 = 64;
/// How long a turn may last before the driver is polled.
const TURN_TIME: Duration = Duration::from_millis(1);
/// Polls between two looks at the clock, unless polls are long.
const CLOCK_EVERY: u32 = 16;
/// Times in a row that the LIFO slot goes before the queue.
const MAX_SLOT_STREAK: u32 = 3;
/// Tasks taken in one steal: half of the victim's, up to this.
const STEAL_LIMIT: usize = 256;
/// Tasks fetched from the injector at once.
const INJECTOR_LIMIT: usize = 128;
/// Spins between two looks at a victim's poll count before its slot is robbed.
const SLOT_PATIENCE: u32 = 64;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Tick {
    /// It polled a task.
    Ran,
    /// It found nothing: the worker may [`Worker::park`].
    Idle,
    /// The scheduler is stopping: drop the worker.
    Stop,
}

/// A worker that has not been given its thread yet.
///
/// Dropping it instead of starting it counts the worker as stopped.
pub struct Launch {
    shared: Arc<Shared>,
    index: usize,
    queue: Option<deque::Worker<Task>>,
    seed: u64,
}

impl Launch {
    pub(crate) fn new(
        shared: Arc<Shared>,
        index: usize,
        queue: deque::Worker<Task>,
        seed: u64,
    ) -> Self {
        Self {
            shared,
            index,
            queue: Some(queue),
            seed: seed.wrapping_add(index as u64),
        }
    }

    /// The number of the worker, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Makes the calling thread serve as this worker.
    pub fn start(mut self) -> Worker {
        let queue = self.queue.take().expect("a launch starts once");
        Worker::new(self.shared.clone(), self.index, queue, self.seed)
    }
}

impl Drop for Launch {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            drop(Worker::new(self.shared.clone(), self.index, queue, 1));
        }
    }
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Launch")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// A worker on its thread.
///
/// Dropping it stops it: its share of the tasks is cancelled, as in a shutdown.
pub struct Worker {
    context: Rc<Context>,
    searching: Option<Searching>,
    rng: u64,
    turn: Turn,
    slot_streak: u32,
    /// What the last poll left of its budget, for a task that follows from the slot.
    budget_left: u32,
}

/// How much of the current turn is left.
#[derive(Debug)]
struct Turn {
    polls_left: u32,
    polls: u32,
    until_clock: u32,
    clock_every: u32,
    began: Instant,
}

impl Worker {
    fn new(shared: Arc<Shared>, index: usize, queue: deque::Worker<Task>, seed: u64) -> Self {
        let began = shared.clock.now();
        Self {
            context: Rc::new(Context {
                shared,
                index,
                core: std::cell::RefCell::new(Some(Core { queue })),
                in_driver: std::cell::Cell::new(false),
            }),
            searching: None,
            rng: seed | 1,
            turn: Turn {
                polls_left: MIN_TURN,
                polls: 0,
                until_clock: CLOCK_EVERY,
                clock_every: CLOCK_EVERY,
                began,
            },
            slot_streak: 0,
            budget_left: budget::PER_POLL,
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.context.shared
    }

    fn remote(&self) -> &Remote {
        self.context.remote()
    }

    /// Serves until the scheduler stops.
    pub fn run(mut self) {
        let handle = Handle {
            shared: self.shared().clone(),
        };
        let _current = handle.enter();
        let _worker = context::set_worker(self.context.clone());
        loop {
            match self.step() {
                Tick::Ran => {}
                Tick::Idle => self.sleep(),
                Tick::Stop => break,
            }
        }
        self.stop();
    }

    /// Does one step: polls at most one task.
    pub fn tick(&mut self) -> Tick {
        let _worker = context::set_worker(self.context.clone());
        self.step()
    }

    /// After [`Tick::Idle`]: sleeps until there is something to do. May return for no reason.
    pub fn park(&mut self) {
        let _worker = context::set_worker(self.context.clone());
        self.sleep();
    }

    fn step(&mut self) -> Tick {
        if self.shared().is_stopping() {
            return Tick::Stop;
        }
        if self.turn.polls_left == 0 {
            self.end_turn();
        }
        let next = self.next_local().or_else(|| self.next_injected());
        match next.or_else(|| self.steal()) {
            Some(task) => {
                self.run_task(task);
                Tick::Ran
            }
            None => Tick::Idle,
        }
    }

    fn with_queue<R>(&self, f: impl FnOnce(&deque::Worker<Task>) -> R) -> R {
        let core = self.context.core.borrow();
        f(&core
            .as_ref()
            .expect("a worker that steps has its core")
            .queue)
    }

    /// The slot's task, or the queue's.
    fn next_local(&mut self) -> Option<Task> {
        let slot = &self.context.remote().slot;
        if !slot.is_empty() {
            if self.slot_streak < MAX_SLOT_STREAK && self.budget_left > 0 {
                if let Some(task) = slot.take() {
                    self.slot_streak += 1;
                    task.mark_run_from_slot();
                    return Some(task);
                }
            } else if let Some(task) = slot.take() {
                self.with_queue(|queue| queue.push(task));
            }
        }
        self.slot_streak = 0;
        self.budget_left = budget::PER_POLL;
        self.with_queue(deque::Worker::pop)
    }

    /// A share of the injected tasks; the first of them is returned, the others queued.
    fn next_injected(&mut self) -> Option<Task> {
        let injector = &self.shared().injector;
        let waiting = injector.len();
        if waiting == 0 {
            return None;
        }
        let share = (waiting / self.shared().remotes.len() + 1).min(INJECTOR_LIMIT);
        let mut count = 1;
        let first = self.with_queue(|queue| {
            injector.pop_batch(self.context.index, share, |task| {
                count += 1;
                queue.push(task);
            })
        })?;
        self.remote().counters.injected.add(count);
        Some(first)
    }

    /// Half of another worker's queue, or, at the very last, the task in its slot.
    fn steal(&mut self) -> Option<Task> {
        if self.searching.is_none() {
            self.searching = Some(self.shared().idle.start_searching()?);
        }
        let start = self.random();
        let workers = self.shared().remotes.len();
        let victims = (0..workers)
            .map(|offset| (start + offset) % workers)
            .filter(|&victim| victim != self.context.index);
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

    fn rob_queue(&self, victim: usize) -> Option<Task> {
        let stealer = &self.shared().remotes[victim].stealer;
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

    /// Takes the slot's task of a worker that seems to be in a long poll: a worker in short ones
    /// runs it sooner, and on a warm cache.
    fn rob_slot(&self, victim: usize) -> Option<Task> {
        let victim = &self.shared().remotes[victim];
        if victim.slot.is_empty() {
            return None;
        }
        let polls = victim.counters.polls.get();
        for _ in 0..SLOT_PATIENCE {
            spin_hint();
        }
        if victim.counters.polls.get() != polls {
            return None;
        }
        let task = victim.slot.take()?;
        self.remote().counters.stolen_tasks.add(1);
        Some(task)
    }

    fn run_task(&mut self, task: Task) {
        if let Some(searching) = self.searching.take() {
            self.stop_searching(searching);
        }
        self.remote().counters.polls.add(1);
        self.budget_left = budget::with_units(self.budget_left, || task.run());
        self.turn.polls += 1;
        self.turn.polls_left -= 1;
        self.turn.until_clock -= 1;
        if self.turn.until_clock == 0 {
            self.look_at_the_clock();
        }
    }

    #[cold]
    fn stop_searching(&self, searching: Searching) {
        if self.shared().idle.stop_searching(searching) && self.shared().has_work() {
            self.shared().wake_one();
        }
    }

    fn look_at_the_clock(&mut self) {
        self.turn.until_clock = self.turn.clock_every;
        if self.shared().clock.now().duration_since(self.turn.began) >= TURN_TIME {
            self.turn.polls_left = 0;
        }
    }

    /// Polls the driver, fetches injected tasks, and measures out the next turn.
    fn end_turn(&mut self) {
        self.poll_driver();
        if let Some(task) = self.next_injected() {
            self.with_queue(|queue| queue.push(task));
        }
        let queued = self.with_queue(deque::Worker::len);
        if queued > 1 {
            self.shared().wake_one();
        }
        let now = self.shared().clock.now();
        let spent = now.duration_since(self.turn.began);
        let long_polls = spent >= TURN_TIME && self.turn.polls <= CLOCK_EVERY;
        let clock_every = if long_polls { 1 } else { CLOCK_EVERY };
        self.turn = Turn {
            polls_left: u32::try_from(queued).unwrap_or(u32::MAX).max(MIN_TURN),
            polls: 0,
            until_clock: clock_every,
            clock_every,
            began: now,
        };
    }

    fn poll_driver(&self) {
        let Some(mut role) = self.shared().driver.try_role() else {
            return; // Someone waits in it: events wake that worker.
        };
        self.remote().counters.driver_polls.add(1);
        self.context.in_driver.set(true);
        let driver = role.as_mut().expect("`try_role` found a driver");
        // A waker may panic; the worker must not.
        let _ = catch_unwind(AssertUnwindSafe(|| driver.park(Some(Duration::ZERO))));
        self.context.in_driver.set(false);
    }

    fn sleep(&mut self) {
        let shared = self.shared().clone();
        let index = self.context.index;
        let again = shared.idle.sleep(index, self.searching.take());
        if again == Sleep::LookAgain && shared.has_work() {
            self.searching = shared.idle.wake_self(index);
            if self.searching.is_none() {
                self.searching = Some(shared.idle.search_anyway());
            }
            return;
        }
        self.remote().counters.parks.add(1);
        shared.on_park.call();
        self.context.in_driver.set(true);
        let park = AssertUnwindSafe(|| self.remote().parker.park(&shared.driver));
        let parked = catch_unwind(park).unwrap_or(Parked::InDriver);
        self.context.in_driver.set(false);
        shared.on_unpark.call();
        self.searching = shared.idle.wake_self(index);
        if parked == Parked::InDriver {
            self.remote().counters.driver_parks.add(1);
            self.begin_turn();
        }
    }

    /// After a sleep: a batch that the driver woke is announced once, and is a turn of its own.
    fn begin_turn(&mut self) {
        let queued = self.with_queue(deque::Worker::len);
        if queued > 1 {
            self.shared().wake_one();
        }
        self.turn.polls_left = u32::try_from(queued).unwrap_or(u32::MAX).max(MIN_TURN);
    }

    /// Steps 3 and 4 of a shutdown; see [`crate::handle`].
    fn stop(&mut self) {
        let Some(core) = self.context.core.borrow_mut().take() else {
            return;
        };
        if let Some(searching) = self.searching.take() {
            self.stop_searching(searching);
        }
        let shared = self.shared().clone();
        shared.cancel_tasks(self.context.index, shared.remotes.len());
        while let Some(task) = core.queue.pop() {
            task.cancel();
        }
        if let Some(task) = self.remote().slot.take() {
            task.cancel();
        }
        drop(core);
        shared.worker_stopped();
    }

    /// A number from the worker's own sequence (xorshift64*, Vigna 2016).
    fn random(&mut self) -> usize {
        self.rng ^= self.rng >> 12;
        self.rng ^= self.rng << 25;
        self.rng ^= self.rng >> 27;
        (self.rng.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("index", &self.context.index)
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
