//! Running one future, the *root*, on the calling thread.
//!
//! The thread polls the root itself, with a fresh budget each time, as a task has. Between its polls
//! it sleeps, while the workers drive I/O, timers and spawned tasks; or, if the scheduler has no
//! threads of its own ([`crate::Config::seat`]), it takes the *seat*: it serves as the worker.
//!
//! # Protocol
//! Wake: `notified = true` under the lock, then notify and, for a thread in the seat, unpark its worker.
//! Wait: under the lock, until `notified`, which it clears. The lock makes "check, then sleep" one
//! step, so no wake is lost between. In the seat the worker's own token does the same.
//!
//! The seat is a worker's core at rest (see [`crate::crew`]). Who leaves it puts the core back and wakes
//! all roots; each tries to take it before it waits.
//!
//! # Invariants
//! A root with `Signal::waiting` set is not counted as busy in [`Roots`], any other is; the flag changes
//! under the signal's lock, together with the count.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use crate::budget;
use crate::entered::Entered;
use crate::handle::Handle;
use crate::roots::Roots;
use crate::shared::Shared;
use crate::sync::{Arc, Condvar, Mutex};
use crate::worker::{SEAT, Seat};

/// Runs `future` to its end on this thread, which belongs to no scheduler.
///
/// # Panics
/// If called from a worker or from inside another `block_on`: it would block tasks that the
/// future may wait for. Use `.await` there, or move the call to `spawn_blocking`.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let _entered = Entered::new();
    run(future, None)
}

impl Handle {
    /// Runs `future` to its end on this thread, as part of this scheduler.
    ///
    /// # Panics
    /// If called from a worker or from inside another `block_on`, see [`block_on`]; or if a task
    /// panicked and [`crate::Config::stop_on_panic`] is set.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _entered = Entered::new();
        run(future, Some(&self.shared))
    }
}

fn run<F: Future>(future: F, shared: Option<&Arc<Shared>>) -> F::Output {
    let root = Root::new(shared);
    let waker = Waker::from(root.signal.clone());
    let _listed = shared.map(|shared| Listed::new(&shared.roots, &waker));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut seat = shared.and_then(Seat::take);
    loop {
        let polled = budget::constrained(|| future.as_mut().poll(&mut cx));
        if let Poll::Ready(output) = polled {
            return output;
        }
        root.wait(&mut seat);
        if let Some(why) = shared.and_then(|shared| shared.roots.failure()) {
            panic!("{why}, and this runtime is to shut down then");
        }
    }
}

/// The calling thread's root. From here to the drop it is busy or waiting.
struct Root<'a> {
    signal: std::sync::Arc<Signal>,
    shared: Option<&'a Arc<Shared>>,
}

impl<'a> Root<'a> {
    fn new(shared: Option<&'a Arc<Shared>>) -> Self {
        if let Some(shared) = shared {
            shared.roots.begin();
        }
        let signal = std::sync::Arc::new(Signal {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            shared: shared.cloned(),
        });
        Self { signal, shared }
    }

    /// Waits for a wake; in the seat, where it is to be had, by serving as the worker.
    fn wait(&self, seat: &mut Option<Seat>) {
        // Tasks have a round between two polls also of a root that is always woken.
        seat.take_if(|seat| !seat.serve_round());
        while !self.signal.take_or_wait() {
            let Some(shared) = self.shared else {
                self.signal.sleep();
                continue;
            };
            shared.driver.went_idle();
            if seat.is_none() {
                *seat = Seat::take(shared);
            }
            if seat.is_none() {
                self.signal.sleep();
            }
            // Gone when the scheduler has stopped.
            seat.take_if(|seat| !seat.serve_until(|| self.signal.is_notified()));
        }
    }
}

impl Drop for Root<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            if !std::mem::replace(&mut self.signal.state.lock().waiting, false) {
                shared.roots.end();
            }
            shared.driver.went_idle();
        }
    }
}

/// A root that is told of failures, and of a seat that is free.
struct Listed<'a> {
    roots: &'a Roots,
    key: usize,
}

impl<'a> Listed<'a> {
    fn new(roots: &'a Roots, waker: &Waker) -> Self {
        let key = roots.enter(waker.clone());
        Self { roots, key }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.roots.leave(self.key);
    }
}

/// Wakes the thread that polls.
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
    shared: Option<Arc<Shared>>,
}

#[derive(Default)]
struct State {
    notified: bool,
    waiting: bool,
}

impl Signal {
    /// Consumes a wake, or else begins to wait.
    fn take_or_wait(&self) -> bool {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.notified) {
            return true;
        }
        if !std::mem::replace(&mut state.waiting, true) {
            self.shared.iter().for_each(|shared| shared.roots.end());
        }
        false
    }

    fn is_notified(&self) -> bool {
        self.state.lock().notified
    }

    fn sleep(&self) {
        let mut state = self.state.lock();
        while !state.notified {
            state = self.changed.wait(state);
        }
    }
}

impl Wake for Signal {
    fn wake(self: std::sync::Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        let mut state = self.state.lock();
        state.notified = true;
        if std::mem::take(&mut state.waiting) {
            self.shared.iter().for_each(|shared| shared.roots.begin());
        }
        drop(state);
        self.changed.notify_one();
        if let Some(shared) = self.shared.as_ref().filter(|shared| shared.has_seat) {
            shared.unpark(SEAT);
        }
    }
}
