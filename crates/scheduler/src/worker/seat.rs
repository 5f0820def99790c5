//! The seat: the one worker of a scheduler without threads, served by whichever thread is in
//! `block_on` ([`mod@crate::block_on`]).
//!
//! # Invariants
//! - The core rests in `Remote::core` while nobody has the seat, and taking it counts as starting a
//!   worker, under the core's lock; see [`crate::crew`] and `Shared::worker_started`.
//! - Where one thread alone may serve ([`crate::Config::only_thread`]), no other takes it: its root waits, as
//!   beside workers with threads of their own.
//! - Leaving keeps every task: those that have yielded go behind the queue's.
//! - Nothing is in [`Core::yielded`] when the thread goes to sleep.
//! - While it has the seat the thread is a worker also when it polls its root: what that spawns goes
//!   to the queue directly.
//!
//! # Order
//! Tests are written for a runtime that does one thing at a time, and rely on its order, which is
//! tokio's: a root that is pending is polled again, if it was woken, after a *round*: all that is ready,
//! and what becomes ready meanwhile, first come first served, but no more than [`ROUND`] polls. Who
//! yields is polled again in the next round, the last of them first. So when a root has yielded once, all
//! that it spawned have been polled, and what these woke too.

use super::{Tick, Worker};
use crate::context::{self, Core, WorkerGuard};
use crate::shared::Shared;
use crate::sync::Arc;
use crate::task::Arena;

/// Polls in a round at most, as in tokio's `event_interval`: so long a root waits for its turn.
const ROUND: usize = if cfg!(heist_loom) { 1 } else { 61 };

/// The number of the worker that sits there.
pub(crate) const SEAT: usize = 0;

/// The right of the calling thread to serve as the only worker.
pub(crate) struct Seat {
    /// `None` after the scheduler has stopped.
    worker: Option<Worker>,
    _entered: WorkerGuard,
}

impl Seat {
    /// Takes the seat, if there is one for this thread and it is free.
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        if !shared.has_seat || shared.only_thread.get().is_some_and(|is_it| !is_it()) {
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

    /// Has a round, then looks at the driver: a thread that comes and goes has no turn long enough for
    /// that. False if the scheduler has stopped.
    pub(crate) fn serve_round(&mut self) -> bool {
        self.with_worker(|worker| {
            let goes_on = worker.round() != Tick::Stop;
            if goes_on {
                worker.end_turn();
            }
            goes_on
        })
    }

    /// Serves, round by round, until there is `news`; false if the scheduler has stopped.
    pub(crate) fn serve_until(&mut self, news: impl Fn() -> bool) -> bool {
        self.with_worker(|worker| {
            while !news() {
                match worker.round() {
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
    /// Polls what is ready, up to [`ROUND`] times; [`Tick::Idle`] if nothing was.
    fn round(&mut self) -> Tick {
        let mut round = Tick::Idle;
        for _ in 0..ROUND {
            match self.step() {
                Tick::Ran => round = Tick::Ran,
                Tick::Idle => break,
                Tick::Stop => return Tick::Stop,
            }
        }
        if let Some(core) = &mut *self.context.core.borrow_mut() {
            let Core { queue, yielded, .. } = core;
            // The last one first has no merit but that tests have seen it.
            yielded.drain(..).rev().for_each(|task| queue.push(task));
        }
        round
    }

    fn leave_seat(mut self) {
        self.has_left = true;
        if let Some(searching) = self.searching.take() {
            self.stop_searching(searching);
        }
        let core = self.context.core.borrow_mut().take();
        if let Some(Core {
            queue,
            cache,
            yielded,
        }) = core
        {
            yielded.into_iter().for_each(|task| queue.push(task));
            self.count_busy();
            let remote = self.remote();
            remote.vitals.end();
            *remote.core.lock() = Some(queue);
            Arena::flush(self.shared(), cache);
        }
        self.shared().worker_stopped();
        self.shared().roots.wake_all();
    }
}
