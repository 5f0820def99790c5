//! What a thread knows of the scheduler it serves: where a woken task goes.
//!
//! # Protocol
//! A worker thread sets [`Context`] while it ticks. A task woken there goes to that worker's own
//! LIFO slot or queue; one woken anywhere else goes to the injector. The worker's [`Core`] stands
//! in the context whenever user code may run, and is borrowed only between, so that no wake finds
//! it borrowed. A context without a core (the worker is stopping) injects.
//!
//! # Invariants
//! - A task that was last run from the slot goes to the queue the next time: two tasks that wake
//!   each other alternate with the others of the worker, and a task that awaits many others is
//!   polled once for several of them.
//! - A peer is woken only for more than the one task that runs next, and if the queue holds more work
//!   than a wakeup is worth ([`WORTH_A_WAKEUP`]): its length times what polls take here of late. A push
//!   onto this thread's own queue needs no fence to be safe, since its owner is awake and will run it; a
//!   wakeup that is missed or not worth it costs parallelism, until the turn ends or, behind a long
//!   poll, until the watchdog looks. So without a watchdog every task is worth one, and so it is until
//!   polls have been measured.
//! - While this thread is in the driver nobody is woken: the worker announces the batch once.
//! - A worker that is alone (the seat) uses no slot: its tasks run in the order in which they were
//!   spawned and woken, on which tests rely; see [`crate::worker`]'s seat.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::ptr;
use std::rc::Rc;

use crate::blocking::OneShot;
use crate::config::ThreadHook;
use crate::shared::{Remote, Shared, SharedRemote};
use crate::sync::{Arc, const_thread_local, deque, next_thread_number};
use crate::task::{
    self, Arena, Block, Cache, Home, JoinError, JoinHandle, Meta, NotHere, Post, Resident,
    Schedule, Serving, Task, quiet,
};

/// One worker's own data, which only the thread that serves as this worker touches.
pub(crate) struct Core {
    pub(crate) queue: deque::Worker<Task>,
    /// Cells for tasks that this worker spawns.
    pub(crate) cache: Cache<Shared>,
    /// In the seat, tasks that have yielded: they run when all that is ready has run.
    pub(crate) yielded: Vec<Task>,
}

impl Core {
    pub(crate) fn new(shared: &Arc<Shared>, queue: deque::Worker<Task>) -> Self {
        Self {
            queue,
            cache: shared.arena.cache(shared),
            yielded: Vec::new(),
        }
    }
}

/// The worker that a thread is serving as.
pub(crate) type Context = Post<Place, Core>;

/// Which worker it is, and what of it is not in the [`Core`].
pub(crate) struct Place {
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: usize,
    pub(crate) remote: SharedRemote,
    /// Where injected tasks are on their way to the queue; empty at all other times.
    pub(crate) fetched: RefCell<VecDeque<Task>>,
    pub(crate) in_driver: Cell<bool>,
    /// Tasks run in the order in which they became ready: none goes to the slot.
    pub(crate) in_order: bool,
    /// How long a poll takes of late, in nanoseconds.
    pub(crate) poll_cost: Cell<u32>,
}

/// Work that is worth a wakeup, in nanoseconds: a wakeup costs both sides together about 3 µs.
/// So much a poll is taken to cost before any was measured.
pub(crate) const WORTH_A_WAKEUP: u32 = 20_000;

/// What a thread knows of schedulers.
struct Thread {
    /// The worker that it serves as.
    worker: Serving<Place, Core>,
    /// The scheduler that it serves or has entered.
    current: RefCell<Option<Arc<Shared>>>,
    /// Where that is, or null: for comparison only.
    current_address: Cell<*const Shared>,
    /// Its sticky shard in injectors.
    number: Cell<usize>,
}

impl Thread {
    const fn new() -> Self {
        Self {
            worker: Serving::nothing(),
            current: RefCell::new(None),
            current_address: Cell::new(ptr::null()),
            number: Cell::new(usize::MAX),
        }
    }
}

const_thread_local! {
    static THREAD: Thread = Thread::new();
}

fn thread_number() -> usize {
    let assign = |thread: &Thread| {
        if thread.number.get() == usize::MAX {
            thread.number.set(next_thread_number());
        }
        thread.number.get()
    };
    THREAD.try_with(assign).unwrap_or(0)
}

/// The scheduler that this thread serves or has entered.
pub(crate) fn current() -> Option<Arc<Shared>> {
    let current = THREAD.try_with(|thread| thread.current.borrow().clone());
    current.ok().flatten()
}

/// Makes this the current scheduler of the thread; returns the one before.
pub(crate) fn set_current(shared: Option<Arc<Shared>>) -> Option<Arc<Shared>> {
    let previous = THREAD.try_with(|thread| {
        let address = shared.as_ref().map_or(ptr::null(), Arc::as_ptr);
        thread.current_address.set(address);
        thread.current.replace(shared)
    });
    previous.ok().flatten()
}

/// Makes this thread serve as a worker until the guard is dropped.
pub(crate) fn set_worker(context: Rc<Context>) -> WorkerGuard {
    WorkerGuard(THREAD.with(|thread| thread.worker.replace(Some(context))))
}

/// Restores the previous worker of this thread.
#[must_use]
pub(crate) struct WorkerGuard(Option<Rc<Context>>);

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        let previous = self.0.take();
        THREAD.with(|thread| thread.worker.replace(previous));
    }
}

/// Makes this thread no worker, if it was one between two events of the driver.
pub(crate) fn leave_worker() -> Option<Rc<Context>> {
    let leave = |thread: &Thread| {
        let context = thread.worker.get()?;
        (!context.in_driver.get()).then(|| thread.worker.replace(None))?
    };
    THREAD.try_with(leave).ok().flatten()
}

/// Ends what [`leave_worker`] began.
pub(crate) fn rejoin_worker(context: Rc<Context>) {
    THREAD.with(|thread| thread.worker.replace(Some(context)));
}

/// Runs a hook, which may panic, on no worker: what it wakes is injected, since this worker may not
/// look at its queue again before it sleeps.
pub(crate) fn call_hook(hook: Option<&ThreadHook>) {
    if let Some(hook) = hook {
        let left = leave_worker();
        quiet(|| hook());
        left.into_iter().for_each(rejoin_worker);
    }
}

/// Whether this thread is serving as a worker, of any scheduler.
pub fn is_worker() -> bool {
    THREAD
        .try_with(|thread| thread.worker.get().is_some())
        .unwrap_or(false)
}

/// The number of the worker that this thread is serving as.
pub fn worker_index() -> Option<usize> {
    let index = THREAD.try_with(|thread| thread.worker.get().map(|context| context.index));
    index.ok().flatten()
}

/// Calls `f` with the place and core of the worker that the thread serves as, if it is one of the
/// scheduler that `is_it` names and has its core. No user code may run in `f`.
#[inline(always)]
fn with_core<R>(
    is_it: impl FnOnce(&Thread, &Arc<Shared>) -> bool,
    f: impl FnOnce(&Place, &mut Core) -> R,
) -> Option<R> {
    let found = THREAD.try_with(|thread| {
        let is_it = |place: &Place| is_it(thread, &place.shared);
        thread.worker.with_core(is_it, f)
    });
    found.ok().flatten()
}

/// Spawns a task on this thread's own worker, if it is one of `shared`, or, without it, of the current
/// scheduler. Gives the future back if it is not, or is stopping.
#[inline(always)]
pub(crate) fn spawn_as_worker<F>(
    shared: Option<&Arc<Shared>>,
    future: F,
    meta: Meta,
) -> Result<JoinHandle<F::Output>, (F, Meta)>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut parts = Some((future, meta));
    let spawned = with_core(
        |thread, own| match shared {
            Some(shared) => Arc::ptr_eq(own, shared),
            None => ptr::eq(Arc::as_ptr(own), thread.current_address.get()),
        },
        |place, core| {
            let shared = &place.shared;
            let (future, meta) = parts.take_if(|_| !shared.is_stopping())?;
            let class = task::class_of::<F, Resident<Shared>>();
            let block = core.cache.take(&shared.arena, class);
            let (task, handle) = task::new_in(block, shared, future, meta);
            place.remote().counters.spawned.add(1);
            place.schedule(core, task);
            Some(handle)
        },
    );
    match spawned {
        Some(Some(handle)) => {
            debug_assert!(parts.is_none());
            mem::forget(parts); // Saves each spawn the question whether there is something to drop.
            Ok(handle)
        }
        _ => Err(parts.expect("only a task takes them")),
    }
}

/// Spawns a task from a thread that is none of its scheduler's workers, or while that stops.
pub(crate) fn spawn_from_outside<F>(
    shared: &Arc<Shared>,
    future: F,
    meta: Meta,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if shared.is_stopping() {
        // In a cell of its own: nobody is to find it among the tasks that are alive.
        let (task, handle) = task::new(future, OneShot, meta);
        task.cancel();
        return handle;
    }
    let block = Arena::take(shared, task::class_of::<F, Resident<Shared>>());
    let (task, handle) = task::new_in(block, shared, future, meta);
    shared.inject(task, thread_number());
    handle
}

impl Place {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Self {
            remote: shared.remotes[index].clone(),
            in_order: shared.has_seat,
            shared,
            index,
            fetched: RefCell::default(),
            in_driver: Cell::new(false),
            poll_cost: Cell::new(WORTH_A_WAKEUP),
        }
    }

    /// The calling thread has this worker's core.
    pub(crate) fn begin_serving(&self) {
        let probe = self.shared.reporting.thread_probe.as_ref();
        let time = probe.map(|probe| probe());
        self.remote().vitals.begin(time);
        self.shared.watch.staff(self.index);
        self.shared.nap.worker_is_awake();
    }

    #[inline]
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Queues a task that was woken or spawned on this thread.
    #[inline(always)]
    fn schedule(&self, core: &mut Core, task: Task) {
        if self.in_order || self.in_driver.get() {
            return core.queue.push(task);
        }
        if task.take_ran_from_slot() {
            core.queue.push(task);
        } else if let Some(displaced) = self.remote().slot.put(task) {
            core.queue.push(displaced);
        }
        self.share(core);
    }

    /// Queues a task behind all others of this worker.
    #[inline(always)]
    fn schedule_yielded(&self, core: &mut Core, task: Task) {
        if self.in_order {
            return core.yielded.push(task);
        }
        task.take_ran_from_slot();
        core.queue.push(task);
        self.share(core);
    }

    /// Whether so many tasks are worth a wakeup.
    #[inline]
    pub(crate) fn is_worth_a_wakeup(&self, tasks: usize) -> bool {
        tasks as u64 * u64::from(self.poll_cost.get()) >= u64::from(WORTH_A_WAKEUP)
    }

    /// Wakes a peer, if one sleeps and none searches, for what is queued here if that is worth it and is
    /// more than the one task that runs next.
    #[inline]
    fn share(&self, core: &Core) {
        if self.shared.idle.may_claim() {
            self.share_with_sleeper(core.queue.len());
        }
    }

    #[cold]
    fn share_with_sleeper(&self, queued: usize) {
        let is_more = queued > 1 || !self.remote().slot.is_empty();
        if is_more && self.is_worth_a_wakeup(queued) {
            self.shared.wake_one();
        }
    }
}

/// Queues a task by `locally` if this thread is a worker of its scheduler, else in the injector, by way
/// of the thread's sticky shard.
#[inline(always)]
fn queue(home: Resident<Shared>, task: Task, locally: impl FnOnce(&Place, &mut Core, Task)) {
    let mut task = Some(task);
    with_core(
        |_, own| home.is(own),
        |place, core| {
            let task = task.take().expect("it is queued once");
            locally(place, core, task);
        },
    );
    if let Some(task) = task {
        inject(home, task);
    }
}

#[cold]
fn inject(home: Resident<Shared>, task: Task) {
    // While the token is here the task's cell is lent, and `home` is alive.
    let shared = home.owner();
    shared.inject(task, thread_number());
}

impl Schedule for Resident<Shared> {
    type Target = Self;

    fn target(&self) -> Self {
        *self
    }

    fn schedule(home: Self, task: Task) {
        queue(home, task, Place::schedule);
    }

    fn schedule_yielded(home: Self, task: Task) {
        queue(home, task, Place::schedule_yielded);
    }

    fn panicked(&self, error: &JoinError) {
        self.owner().task_panicked(error);
    }

    #[inline]
    fn ends(&self, cancelled: bool) -> Result<(), NotHere> {
        // The counters are those of whoever has the core: it is the right to write them.
        let counted = with_core(
            |_, own| self.is(own),
            |place, _| {
                let counters = &place.remote().counters;
                counters.finished.add(1);
                counters.cancelled.add(u64::from(cancelled));
            },
        );
        counted.ok_or(NotHere)
    }

    fn ends_elsewhere(&self, cancelled: bool) {
        self.owner().count_end(cancelled);
    }
}

impl Home for Resident<Shared> {
    #[inline]
    fn take_back(self, block: Block) {
        let mut block = Some(block);
        with_core(
            |_, own| self.is(own),
            |_, core| {
                let taken = block.take().expect("it is taken back once");
                block = core.cache.try_put(taken).err();
            },
        );
        if let Some(block) = block {
            take_back_slowly(self, block);
        }
    }
}

/// With an exchange between this worker's cache and the arena, or from a thread that is none of its
/// workers, or has no core.
#[cold]
fn take_back_slowly(home: Resident<Shared>, block: Block) {
    let mut block = Some(block);
    with_core(
        |_, own| home.is(own),
        |place, core| {
            let block = block.take().expect("it is taken back once");
            core.cache.put(&place.shared.arena, block);
        },
    );
    if let Some(block) = block {
        // While the block is here the cell is lent, and this scheduler is alive. If it is not any
        // longer, its hooks are dropped: foreign code.
        quiet(|| Arena::put(&home.owner(), block));
    }
}
