//! The seat: the one worker of a scheduler without threads, served by whichever thread is in
//! `block_on` ([`mod@crate::block_on`]).
//!
//! # Invariants
//! - The core rests in `Remote::core` while nobody has the seat, and taking it counts as starting a
//!   worker, under the core's lock; see [`crate::crew`] and `Shared::worker_started`.
//! - Leaving keeps every task: the slot's goes behind the queue's.
//! - While it has the seat the thread is a worker also when it polls its root: what that spawns goes
//!   to the queue directly.

use super::{Tick, Worker};
use crate::context::{self, Core, WorkerGuard};
use crate::shared::Shared;
use crate::sync::Arc;
use crate::task::Arena;

/// The number of the worker that sits there.
pub(crate) const SEAT: usize = 0;

/// The right of the calling thread to serve as the only worker.
pub(crate) struct Seat {
    /// `None` after the scheduler has stopped.
    worker: Option<Worker>,
    _entered: WorkerGuard,
}

impl Seat {
    /// Takes the seat, if there is one and it is free.
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        if !shared.has_seat {
            return None;
        }
        let queue = {
            let mut core = shared.remotes[SEAT].core.lock();
            core.take_if(|_| shared.worker_started())?
        };
        let worker = Worker::new(shared.clone(), SEAT, queue);
        Some(Self {
            _entered: context::set_worker(worker.context.clone()),
            worker: Some(worker),
        })
    }

    /// Polls a task, or looks at the driver; false if the scheduler has stopped.
    pub(crate) fn serve_one(&mut self) -> bool {
        self.with_worker(|worker| {
            let tick = worker.step();
            if tick == Tick::Idle {
                worker.end_turn();
            }
            tick != Tick::Stop
        })
    }

    /// Serves until there is `news`; false if the scheduler has stopped.
    pub(crate) fn serve_until(&mut self, news: impl Fn() -> bool) -> bool {
        self.with_worker(|worker| {
            while !news() {
                match worker.step() {
                    Tick::Ran => {}
                    Tick::Idle => worker.sleep(),
                    Tick::Stop => return false,
                }
            }
            true
        })
    }

    fn with_worker(&mut self, f: impl FnOnce(&mut Worker) -> bool) -> bool {
        let goes_on = self.worker.as_mut().is_some_and(f);
        if !goes_on {
            self.worker = None; // Dropped as a worker that stops, which cancels the tasks.
        }
        goes_on
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.leave_seat();
        }
    }
}

impl Worker {
    fn leave_seat(mut self) {
        self.has_left = true;
        if let Some(searching) = self.searching.take() {
            self.stop_searching(searching);
        }
        let core = self.context.core.borrow_mut().take();
        if let Some(Core { queue, cache }) = core {
            let remote = self.remote();
            remote
                .slot
                .take()
                .into_iter()
                .for_each(|task| queue.push(task));
            remote.vitals.end();
            *remote.core.lock() = Some(queue);
            Arena::flush(self.shared(), cache);
        }
        self.shared().worker_stopped();
        self.shared().roots.wake_all();
    }
}
