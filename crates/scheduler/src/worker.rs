//! One worker: it runs its own tasks, fetches others', and sleeps when there are none.
//!
//! # Protocol
//! [`Worker::tick`] is the one step. In order:
//! 1. If the scheduler is stopping, say so.
//! 2. Run a task: the LIFO slot's, the queue's, an injected one, a stolen one.
//! 3. If the turn is over, end it: poll the driver without waiting (if nobody else holds that
//!    role) and fetch a share of the injected tasks, both *behind* the local ones.
//! 4. Nothing to run: report [`Tick::Idle`]. [`Worker::park`] then sleeps, by the protocol of
//!    [`crate::idle`] and [`crate::parker`].
//!
//! # Invariants
//! - User code runs only in `Task::run` and in wakers inside the driver, in both cases with the
//!   core in the context and no borrow of it.
//! - `searching` is `Some` exactly while the idle word counts this worker as searching.
//!
//! `turn` says how long the driver and the injected tasks wait, `search` where the next task comes
//! from.

mod search;
mod seat;
mod turn;

use std::rc::Rc;
use std::time::Instant;

use crate::budget;
use crate::context::{self, Context, Core, Place};
use crate::handle::Handle;
use crate::idle::{Searching, Sleep};
use crate::parker::Parked;
use crate::shared::{Remote, Shared};
use crate::sync::{Arc, deque};
use crate::task::{Arena, Task, quiet};
use search::Local;
pub(crate) use seat::{SEAT, Seat};
use turn::Turn;

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
}

impl Launch {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, queue: deque::Worker<Task>) -> Self {
        Self {
            shared,
            index,
            queue: Some(queue),
        }
    }

    /// The number of the worker, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Makes the calling thread serve as this worker.
    pub fn start(mut self) -> Worker {
        let queue = self.queue.take().expect("a launch starts once");
        Worker::new(self.shared.clone(), self.index, queue)
    }
}

impl Drop for Launch {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            drop(Worker::new(self.shared.clone(), self.index, queue));
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
/// Dropping it stops it: its tasks are left to the other workers, or cancelled if there is none or the
/// scheduler is stopping.
pub struct Worker {
    context: Rc<Context>,
    has_left: bool,
    /// This worker is none that the scheduler was built with.
    is_spare: bool,
    budget_per_poll: u32,
    searching: Option<Searching>,
    rng: u64,
    turn: Turn,
    slot_streak: u32,
    /// What the last poll left of its budget, for a task that follows from the slot.
    budget_left: u32,
    awake_since: Instant,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, queue: deque::Worker<Task>) -> Self {
        let rng = shared.seed.wrapping_add(index as u64) | 1;
        let (budget_left, awake_since) = (shared.budget_per_poll, shared.clock.now());
        let core = Core::new(&shared, queue);
        let is_spare = index >= shared.workers();
        let context = Rc::new(Context::new(Place::new(shared, index), core));
        context.begin_serving();
        Self {
            context,
            has_left: false,
            is_spare,
            budget_per_poll: budget_left,
            searching: None,
            rng,
            turn: Turn::first(awake_since),
            slot_streak: 0,
            budget_left,
            awake_since,
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

    /// Inlined into the loop of [`Worker::run`]: a call of its own is 20 instructions of each poll.
    #[inline(always)]
    fn step(&mut self) -> Tick {
        let is_retired = || self.remote().vitals.is_retired();
        if self.shared().is_stopping() || (self.is_spare && is_retired()) {
            return Tick::Stop;
        }
        let task = match self.next_local() {
            Local::Task(task) => task,
            Local::NoCore => return Tick::Stop,
            Local::Nothing => match self.next_foreign() {
                Some(task) => task,
                None => return Tick::Idle,
            },
        };
        self.run_task(task);
        Tick::Ran
    }

    fn with_queue<R>(&self, f: impl FnOnce(&deque::Worker<Task>) -> R) -> R {
        let core = self.context.core.borrow();
        f(&core
            .as_ref()
            .expect("a worker that steps has its core")
            .queue)
    }

    #[inline(always)]
    fn run_task(&mut self, task: Task) {
        if let Some(searching) = self.searching.take() {
            self.stop_searching(searching);
        }
        let remote = self.remote();
        remote.counters.polls.add(1);
        remote.vitals.polls(task.address());
        self.budget_left = budget::with_units(self.budget_left, || task.run());
        if self.turn.polled() {
            self.look();
        }
    }

    #[cold]
    fn stop_searching(&self, searching: Searching) {
        if self.shared().idle.stop_searching(searching) && self.shared().has_work() {
            self.shared().wake_one();
        }
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
        self.turn.pause();
        self.count_busy();
        context::call_hook(shared.on_park.get());
        shared.driver.went_idle();
        self.context.in_driver.set(true);
        let mut parked = Parked::InDriver; // Only there can a waker panic.
        quiet(|| parked = self.remote().parker.park(&shared.driver));
        self.context.in_driver.set(false);
        shared.nap.worker_is_awake();
        self.awake_since = shared.clock.now();
        context::call_hook(shared.on_unpark.get());
        self.searching = shared.idle.wake_self(index);
        if parked == Parked::InDriver {
            self.remote().counters.driver_parks.add(1);
            self.begin_turn(self.awake_since);
        }
    }

    /// Books the time since the worker woke up; it is about to sleep or to leave.
    fn count_busy(&self) {
        let busy = self.shared().clock.now().duration_since(self.awake_since);
        let busy = u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX);
        self.remote().counters.busy.add(busy);
    }

    /// Ends the service: by steps 3 and 4 of a shutdown (see [`crate::handle`]), as a spare worker
    /// that is not needed any more, or leaving everything to a successor.
    fn stop(&mut self) {
        if std::mem::replace(&mut self.has_left, true) {
            return;
        }
        if let Some(searching) = self.searching.take() {
            self.stop_searching(searching);
        }
        let core = self.context.core.borrow_mut().take();
        let Some(core) = core else {
            return self.shared().absentee_stopped();
        };
        self.count_busy();
        self.remote().vitals.end();
        let Core {
            queue,
            cache,
            yielded,
        } = core;
        yielded.into_iter().for_each(|task| queue.push(task));
        match self.shared().is_stopping() {
            true => self.cancel_share(&queue),
            false => self.hand_on(queue),
        }
        Arena::flush(self.shared(), cache);
        self.shared().worker_stopped();
    }

    fn cancel_share(&self, queue: &deque::Worker<Task>) {
        let (index, workers) = (self.context.index, self.shared().workers());
        // A look at every cell that there ever was. One that is missed is found by `Shared::finish`.
        if self.shared().counts().are_alive() {
            self.shared().cancel_tasks(index % workers, workers);
        }
        while let Some(task) = queue.pop() {
            task.cancel();
        }
        if let Some(task) = self.remote().slot.take() {
            task.cancel();
        }
    }

    /// Leaves all tasks to the others, or to whoever cleans up after the last; the core to the next spare
    /// worker of this number; and the driver to a sleeper: this worker may be the one that waited there
    /// while the others went to sleep.
    fn hand_on(&self, queue: deque::Worker<Task>) {
        let next = || self.remote().slot.take().or_else(|| queue.pop());
        while let Some(task) = next() {
            self.shared().inject(task, self.context.index);
        }
        if self.is_spare {
            *self.remote().core.lock() = Some(queue);
        }
        self.shared().wake_one();
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
