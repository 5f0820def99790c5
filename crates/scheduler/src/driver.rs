//! The driver seam: what an idle worker blocks on.
//!
//! # Contract
//! - A driver has one token. [`Unpark::unpark`] sets it; [`Driver::park`] consumes it and then
//!   returns at once, also when the token was set before `park` was called. Two `unpark` in a
//!   row may be seen as one.
//! - `park` may return at any time for no reason.
//! - A zero timeout only polls: it delivers what is ready and returns.
//! - `park` calls the wakers of what became ready on the calling thread. The worker therefore
//!   holds no lock that a waker could want and no borrow across it; the right to call `park` is a
//!   role that is only ever tried for, never waited for.
//! - `park` never runs tasks.
//! - `park` is called by one thread at a time, but not always by the same one.

use std::fmt::Debug;
use std::time::Duration;

use crate::sync::{Condvar, Mutex};

/// Blocks an idle worker until something happened.
pub trait Driver: Debug + Send + 'static {
    /// Waits for events, for the token, or for `timeout` (`None`: without limit; zero: not at
    /// all), and wakes the tasks that the events are for.
    fn park(&mut self, timeout: Option<Duration>);

    /// Returns what makes `park` return, from any thread.
    fn unparker(&self) -> std::sync::Arc<dyn Unpark>;
}

/// Makes a [`Driver::park`] return.
pub trait Unpark: Debug + Send + Sync + 'static {
    /// Sets the driver's token.
    fn unpark(&self);

    /// A worker, a root or a blocking thread has nothing to do any more, as
    /// [`Handle::is_still`](crate::Handle::is_still) shows by now. A driver whose clock is stopped
    /// asks that before it blocks, and has to be told when the answer may have changed.
    fn went_idle(&self) {}
}

/// A driver without events: for a scheduler that runs no I/O.
#[derive(Debug, Default)]
pub struct Idle {
    token: std::sync::Arc<Token>,
}

#[derive(Debug)]
struct Token {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Default for Token {
    fn default() -> Self {
        Self {
            set: Mutex::new(false),
            changed: Condvar::new(),
        }
    }
}

impl Driver for Idle {
    fn park(&mut self, timeout: Option<Duration>) {
        let mut set = self.token.set.lock();
        if !*set && timeout != Some(Duration::ZERO) {
            // A bounded wait may end early: the contract allows a return for no reason.
            set = self.token.changed.wait(set);
        }
        *set = false;
    }

    fn unparker(&self) -> std::sync::Arc<dyn Unpark> {
        self.token.clone()
    }
}

impl Unpark for Token {
    fn unpark(&self) {
        *self.set.lock() = true;
        self.changed.notify_one();
    }
}
