//! Running one future on the calling thread.
//!
//! The thread polls the future itself and sleeps between its wakes; the workers drive I/O, timers
//! and spawned tasks. The future gets a fresh budget for each poll, as a task does.
//!
//! # Protocol
//! Wake: `notified = true` under the lock, then notify. Wait: under the lock, until `notified`,
//! which it clears. The lock makes "check, then sleep" one step, so no wake is lost between.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use crate::budget;
use crate::context;
use crate::sync::{Condvar, Mutex, const_thread_local};

const_thread_local! {
    static IN_BLOCK_ON: Cell<bool> = Cell::new(false);
}

/// Runs `future` to its end on this thread.
///
/// # Panics
/// If called from a worker or from inside another `block_on`: it would block tasks that the
/// future may wait for. Use `.await` there, or move the call to `spawn_blocking`.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let _entered = Entered::new();
    let signal = std::sync::Arc::new(Signal {
        notified: Mutex::new(false),
        changed: Condvar::new(),
    });
    let waker = Waker::from(signal.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        let polled = budget::constrained(|| future.as_mut().poll(&mut cx));
        match polled {
            Poll::Ready(output) => return output,
            Poll::Pending => signal.wait(),
        }
    }
}

/// Evidence that this thread is in its only `block_on`.
struct Entered(());

impl Entered {
    #[track_caller]
    fn new() -> Self {
        assert!(
            !context::is_worker(),
            "`block_on` called on a worker thread of a runtime: it would stop the tasks of that \
             worker; use `.await`, or call it inside `spawn_blocking`"
        );
        assert!(
            !IN_BLOCK_ON.with(|inside| inside.replace(true)),
            "`block_on` called inside `block_on`: use `.await`, or call it inside `spawn_blocking`"
        );
        Self(())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        IN_BLOCK_ON.with(|inside| inside.set(false));
    }
}

/// Wakes the thread that polls.
#[derive(Debug)]
struct Signal {
    notified: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    fn wait(&self) {
        let mut notified = self.notified.lock();
        while !*notified {
            notified = self.changed.wait(notified);
        }
        *notified = false;
    }
}

impl Wake for Signal {
    fn wake(self: std::sync::Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        *self.notified.lock() = true;
        self.changed.notify_one();
    }
}
