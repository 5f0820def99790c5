//! What an accept loop does when the process or the system has run out of something.
//!
//! When descriptors or memory are exhausted, `accept` fails and the connection stays in the
//! kernel's queue. Returning the error ends most accept loops; retrying at once burns a core. So a
//! listener pauses: [`FIRST_PAUSE`], doubling up to [`LONGEST_PAUSE`] until an accept succeeds.
//!
//! # Invariants
//!
//! - The pause belongs to the listener, not to one caller: every waiter respects it, and after it
//!   one attempt decides for all.
//! - The listener's readiness is *not* cleared by such a failure. Readiness is edge-triggered: the
//!   connections already queued will cause no further event, so the attempt after the pause must
//!   not wait for one.
//! - No call under the lock but reading and writing plain values: wakers are touched outside.

use std::io;
use std::time::{Duration, Instant};

use heist_reactor::Sleep;
use parking_lot::Mutex;

use crate::system::{is_exhausted, is_of_one_connection};

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The pause that repeated failures end at.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What an error of `accept` means for the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// This one connection is gone; the next may be fine. Try again at once.
    Connection,
    /// Descriptors or memory are exhausted; the connection still waits. Pause, then try again.
    Exhausted,
    /// Anything else (`WouldBlock` among it) is for the caller.
    Other,
}

impl Failure {
    pub(crate) fn of(error: &io::Error) -> Self {
        if is_exhausted(error) {
            Failure::Exhausted
        } else if is_of_one_connection(error) {
            Failure::Connection
        } else {
            Failure::Other
        }
    }
}

/// The pause of one listener.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    pause: Mutex<Option<Pause>>,
    /// The timer of `poll_accept`, which has no future of its own to keep one in.
    poll_timer: Mutex<Option<Sleep>>,
}

// No foreign code runs under these locks, so a panic leaves nothing half done.
impl std::panic::UnwindSafe for Backoff {}
impl std::panic::RefUnwindSafe for Backoff {}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    length: Duration,
}

impl Backoff {
    /// Returns when the current pause ends, or `None` when an attempt is due.
    pub(crate) fn pause(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        let pause = (*self.pause.lock())?;
        (now() < pause.until).then_some(pause.until)
    }

    /// An attempt failed for want of resources: pauses, twice as long as the last time.
    pub(crate) fn failed(&self, now: Instant) {
        let mut pause = self.pause.lock();
        let length = match *pause {
            // Another attempt got through before the pause began: it is the same shortage.
            Some(last) if now < last.until => return,
            Some(last) => (last.length * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        *pause = Some(Pause {
            until: now + length,
            length,
        });
    }

    /// An attempt succeeded: the shortage is over.
    pub(crate) fn succeeded(&self) {
        *self.pause.lock() = None;
    }

    /// Takes the timer that `poll_accept` left behind.
    pub(crate) fn take_poll_timer(&self) -> Option<Sleep> {
        self.poll_timer.lock().take()
    }

    /// Leaves a timer for the next `poll_accept`, which carries this caller's waker until then.
    pub(crate) fn leave_poll_timer(&self, timer: Sleep) {
        let last = self.poll_timer.lock().replace(timer);
        // Dropping a timer drops its waker: never under the lock.
        drop(last);
    }
}

#[cfg(test)]
mod tests;
