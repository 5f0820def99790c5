//! Wakes: where a task waits, and everyone who may wake it.
//!
//! A task that waits hangs some clones of its waker on the board as a *bell* and sleeps until the
//! bell is rung: by another task, by a thread from outside, or by the driver, to which such a
//! thread hands a bell as a kernel hands over an event. Every bell is rung some time, so a task that
//! sleeps for ever has lost a wakeup.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::program::{below, chance};
use crate::driver::{Driver, Unpark};
use crate::sync::{Condvar, Mutex};

/// What a waiting task left behind.
#[derive(Debug)]
struct Bell {
    rung: Arc<AtomicBool>,
    wakers: Vec<Waker>,
}

impl Bell {
    /// Wakes with each of the wakers, by value or by reference.
    fn ring(self) {
        self.rung.store(true, Ordering::Relaxed);
        for waker in self.wakers {
            if chance(1, 2) {
                waker.wake();
            } else {
                waker.wake_by_ref();
            }
        }
    }
}

/// The bells of one scene.
#[derive(Clone, Debug, Default)]
pub(super) struct Board(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// A bell was hung, or the board closed.
    arrival: Condvar,
    /// An event is there for the driver, or its token.
    event: Condvar,
}

#[derive(Debug, Default)]
struct State {
    hung: Vec<Bell>,
    /// Handed to the driver.
    events: Vec<Bell>,
    token: bool,
    closed: bool,
}

impl State {
    fn take_any(&mut self) -> Option<Bell> {
        let count = self.hung.len();
        (count > 0).then(|| self.hung.swap_remove(below(count)))
    }
}

impl Board {
    /// Sleeps until somebody rings.
    pub(super) async fn wait(&self) {
        let rung = Arc::new(AtomicBool::new(false));
        let mut hung = false;
        poll_fn(|cx| {
            if !hung {
                hung = true;
                let bell = Bell {
                    rung: rung.clone(),
                    wakers: vec![cx.waker().clone(); 1 + below(3)],
                };
                self.0.state.lock().hung.push(bell);
                self.0.arrival.notify_one();
            }
            // Woken for another reason: the bell still hangs, with wakers that work.
            if rung.load(Ordering::Relaxed) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Rings one bell, if any hangs.
    pub(super) fn ring_one(&self) {
        let bell = self.0.state.lock().take_any();
        if let Some(bell) = bell {
            bell.ring();
        }
    }

    /// A thread from outside: rings every bell that is hung, itself or through the driver, until
    /// the board is closed.
    pub(super) fn serve(&self) {
        loop {
            let mut state = self.0.state.lock();
            while state.hung.is_empty() && !state.closed {
                state = self.0.arrival.wait(state);
            }
            let Some(bell) = state.take_any() else { return };
            if chance(1, 2) {
                state.events.push(bell);
                drop(state);
                self.0.event.notify_one();
            } else {
                drop(state);
                bell.ring();
            }
        }
    }

    /// Lets those who [serve](Self::serve) leave, and drops what nobody rings any more.
    pub(super) fn close(&self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        let left = (
            std::mem::take(&mut state.hung),
            std::mem::take(&mut state.events),
        );
        drop(state);
        self.0.arrival.notify_all();
        drop(left);
    }

    /// The driver whose events these bells are.
    pub(super) fn driver(&self) -> Box<dyn Driver> {
        Box::new(self.clone())
    }
}

impl Driver for Board {
    fn park(&mut self, timeout: Option<Duration>) {
        let mut state = self.0.state.lock();
        while timeout.is_none() && !state.token && state.events.is_empty() {
            state = self.0.event.wait(state);
            if chance(1, 4) {
                break; // For no reason: the contract allows it.
            }
        }
        state.token = false;
        let mut events = std::mem::take(&mut state.events);
        // Not always all of them, as `epoll_wait` does not.
        let left = events.split_off(below(events.len() + 1));
        state.events = left;
        drop(state);
        events.into_iter().for_each(Bell::ring);
    }

    fn unparker(&self) -> Arc<dyn Unpark> {
        self.0.clone()
    }
}

impl Unpark for Shared {
    fn unpark(&self) {
        self.state.lock().token = true;
        self.event.notify_one();
    }
}
