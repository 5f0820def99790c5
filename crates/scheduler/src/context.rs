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
//! - A peer is woken only if this worker has more than the one task it will run next. A push into
//!   an empty worker wakes nobody: the wakeup would cost more than the task.
//! - While this thread is in the driver nobody is woken: the worker announces the batch once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::config::ThreadHook;
use crate::shared::{Remote, Shared};
use crate::sync::{Arc, const_thread_local, deque, next_thread_number, plain};
use crate::task::{JoinError, Schedule, Task, quiet};

/// One worker's own data, which only the thread that serves as this worker touches.
pub(crate) struct Core {
    pub(crate) queue: deque::Worker<Task>,
}

/// The worker that a thread is serving as.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: usize,
    pub(crate) core: RefCell<Option<Core>>,
    pub(crate) in_driver: Cell<bool>,
}

const_thread_local! {
    static WORKER: RefCell<Option<Rc<Context>>> = RefCell::new(None);
}

const_thread_local! {
    /// The sticky shard of this thread in injectors and registries.
    static THREAD_INDEX: Cell<usize> = Cell::new(usize::MAX);
}

fn thread_index() -> usize {
    let assign = |cell: &Cell<usize>| {
        if cell.get() == usize::MAX {
            cell.set(next_thread_number());
        }
        cell.get()
    };
    THREAD_INDEX.try_with(assign).unwrap_or(0)
}

/// Makes this thread serve as a worker until the guard is dropped.
pub(crate) fn set_worker(context: Rc<Context>) -> WorkerGuard {
    WorkerGuard(WORKER.with(|worker| worker.replace(Some(context))))
}

/// Restores the previous worker of this thread.
#[must_use]
pub(crate) struct WorkerGuard(Option<Rc<Context>>);

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        let previous = self.0.take();
        WORKER.with(|worker| worker.replace(previous));
    }
}

/// Makes this thread no worker, if it was one between two events of the driver.
pub(crate) fn leave_worker() -> Option<Rc<Context>> {
    let leave = |worker: &RefCell<Option<Rc<Context>>>| {
        worker
            .borrow_mut()
            .take_if(|context| !context.in_driver.get())
    };
    WORKER.try_with(leave).ok().flatten()
}

/// Ends what [`leave_worker`] began.
pub(crate) fn rejoin_worker(context: Rc<Context>) {
    WORKER.with(|worker| worker.replace(Some(context)));
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
    WORKER
        .try_with(|worker| worker.borrow().is_some())
        .unwrap_or(false)
}

/// Where a woken task goes, independent of the task's own cell.
pub(crate) enum Target {
    /// To the worker that this thread serves as.
    Local(Rc<Context>),
    /// To the injector, by way of the thread's sticky shard.
    Remote(Arc<Shared>),
}

impl Target {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        let local = WORKER.try_with(|worker| {
            worker
                .borrow()
                .as_ref()
                .filter(|context| Arc::ptr_eq(&context.shared, shared))
                .cloned()
        });
        match local {
            Ok(Some(context)) => Self::Local(context),
            _ => Self::Remote(shared.clone()),
        }
    }

    /// The scheduler that the task goes to.
    pub(crate) fn shared(&self) -> &Shared {
        match self {
            Self::Local(context) => &context.shared,
            Self::Remote(shared) => shared,
        }
    }

    /// Which shard of the registry a task spawned here belongs to.
    pub(crate) fn shard_hint(&self) -> usize {
        match self {
            Self::Local(context) => context.index,
            Self::Remote(_) => thread_index(),
        }
    }
}

impl Context {
    /// The calling thread has this worker's core.
    pub(crate) fn begin_serving(&self) {
        let probe = self.shared.reporting.thread_probe.as_ref();
        let time = probe.map(|probe| probe());
        self.remote().vitals.begin(time);
        self.shared.watch.staff(self.index);
        self.shared.nap.worker_is_awake();
    }

    pub(crate) fn remote(&self) -> &Remote {
        &self.shared.remotes[self.index]
    }

    /// Queues a task that was woken or spawned on this thread.
    fn schedule(&self, task: Task) {
        let core = self.core.borrow();
        let Some(core) = &*core else {
            return self.shared.inject(task, self.index);
        };
        if self.in_driver.get() {
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
    fn schedule_yielded(&self, task: Task) {
        let core = self.core.borrow();
        let Some(core) = &*core else {
            return self.shared.inject(task, self.index);
        };
        task.take_ran_from_slot();
        core.queue.push(task);
        self.share(core);
    }

    /// Wakes a peer if there is more here than the one task that runs next.
    fn share(&self, core: &Core) {
        let queued = core.queue.len();
        if queued > 1 || (queued == 1 && !self.remote().slot.is_empty()) {
            self.shared.wake_one();
        }
    }
}

impl Schedule for Arc<Shared> {
    type Target = Target;

    fn target(&self) -> Target {
        Target::of(self)
    }

    fn schedule(target: Target, task: Task) {
        match target {
            Target::Local(context) => context.schedule(task),
            Target::Remote(shared) => shared.inject(task, thread_index()),
        }
    }

    fn schedule_yielded(target: Target, task: Task) {
        match target {
            Target::Local(context) => context.schedule_yielded(task),
            Target::Remote(shared) => shared.inject(task, thread_index()),
        }
    }

    fn panicked(&self, error: &JoinError) {
        self.task_panicked(error);
    }

    fn release(&self, key: usize, cancelled: bool) {
        if cancelled {
            self.cancelled.fetch_add(1, plain::Ordering::Relaxed);
        }
        self.registry.remove(key);
    }
}
