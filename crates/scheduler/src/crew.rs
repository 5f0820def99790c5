//! Workers beyond those that a runtime is built with: spare ones, and successors.
//!
//! A *spare* worker is one more, with a number of its own, which the watchdog starts while all
//! others are stuck. A *successor* is another thread for the same worker: [`block_in_place`] hands
//! it the core, and with it queue and number, before it blocks.
//!
//! # Protocol
//! `Remote::core` holds the owner's end of a worker's queue while no thread serves as that worker:
//! it is what a spare worker leaves behind, and what a blocking thread puts there.
//! 1. [`staff`] asks the crew, a pool of threads, to serve as a worker.
//! 2. The thread takes the core and counts itself as running, in one step under the core's lock. No
//!    core there: somebody else is the worker, nothing to do.
//! 3. A blocking thread that comes back takes the core too. If it is still there the thread goes on
//!    as the worker; else it finishes its poll without one (what it wakes is injected) and leaves.
//!
//! # Invariants
//! - Whoever holds the core is the worker: parker, slot and counters have one owner at any time.
//! - A thread that has a core is counted as running, one that gave it away as away, until it leaves:
//!   a shutdown waits for both, but drops the driver when nobody runs. So `block_on` in
//!   [`block_in_place`] ends with the runtime.
//! - If the system gives no thread the core stays where it is: the tasks in its queue can be stolen.

use std::rc::Rc;

use crate::blocking::{Job, OneShot, Refused};
use crate::budget;
use crate::context::{self, Context, Core};
use crate::entered;
use crate::shared::Shared;
use crate::sync::{Arc, deque};
use crate::task::{self, Arena, Meta, Task};
use crate::worker::Worker;

/// Has a thread of the crew serve as worker `index`, if that worker's core is free by then.
pub(crate) fn staff(shared: &Arc<Shared>, index: usize) {
    let crewed = shared.clone();
    let (job, handle) = task::new(
        Job::new(move || serve(&crewed, index)),
        OneShot,
        Meta::new(None),
    );
    drop(handle);
    match shared.crew.submit(job) {
        Ok(()) => {}
        Err(Refused::ShutDown(job)) => Task::cancel(job),
        Err(Refused::NoThread(error)) => {
            eprintln!("heist: the system gives no thread for another worker: {error}");
        }
    }
}

fn serve(shared: &Arc<Shared>, index: usize) {
    let queue = {
        let mut core = shared.remotes[index].core.lock();
        match core.take() {
            Some(queue) if shared.worker_started() => queue,
            nothing_to_do => return *core = nothing_to_do,
        }
    };
    Worker::new(shared.clone(), index, queue).run();
}

/// Runs `f`, which may block, on this thread, after handing this worker's other tasks to another
/// thread.
///
/// The handover costs a wakeup, or the start of a thread; [`crate::Handle::spawn_blocking`] leaves
/// the task itself free to go on meanwhile, and is the better choice where `f` can be moved. Outside
/// a worker `f` is simply called. `block_on` may be called inside, also in the root of another one.
///
/// # Panics
/// If `f` does; the worker is taken back first. And on a scheduler without threads, where nobody could
/// take over.
#[track_caller]
pub fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    let left = context::leave_worker();
    let (left, seated) = match left {
        Some(context) if context.shared.has_seat => (None, Some(context)),
        left => (left, None),
    };
    if let Some(context) = seated {
        context::rejoin_worker(context);
        panic!(
            "`block_in_place` called on a current-thread runtime, where no other thread can take the \
             tasks over: use `spawn_blocking`, or the multi-thread runtime"
        );
    }
    let _absent = left.map(Absent::new);
    entered::apart(|| budget::unconstrained(f))
}

/// A thread that is no worker while it blocks.
struct Absent(Rc<Context>);

impl Absent {
    fn new(context: Rc<Context>) -> Self {
        let core = context.core.borrow_mut().take();
        let absent = Self(context); // Comes back also if the user's function for thread names panics.
        if let Some(Core { queue, cache, .. }) = core {
            let (shared, index) = (&absent.0.shared, absent.0.index);
            Arena::flush(shared, cache);
            *absent.0.remote().core.lock() = Some(queue);
            shared.worker_is_away();
            staff(shared, index);
        }
        absent
    }
}

impl Absent {
    fn take_back(&self) -> Option<deque::Worker<Task>> {
        let mut core = self.0.remote().core.lock();
        core.take_if(|_| self.0.shared.worker_returned())
    }
}

impl Drop for Absent {
    fn drop(&mut self) {
        if let Some(queue) = self.take_back() {
            self.0.begin_serving();
            *self.0.core.borrow_mut() = Some(Core::new(&self.0.shared, queue));
        }
        context::rejoin_worker(self.0.clone());
    }
}
