//! The scheduler's driver seam over the reactor: a thin newtype, and the clock and budget seams.

use std::sync::Arc;
use std::time::{Duration, Instant};

use heist_reactor::{Coop, Reactor};
use heist_scheduler::budget;
use heist_scheduler::driver::{Driver, Unpark};

/// The reactor as what an idle worker blocks on.
#[derive(Debug)]
pub(super) struct ReactorDriver(pub(super) Reactor);

impl Driver for ReactorDriver {
    fn park(&mut self, timeout: Option<Duration>) {
        if let Err(error) = self.0.turn(timeout) {
            panic!("the runtime's event queue failed: {error}");
        }
    }

    fn unparker(&self) -> Arc<dyn Unpark> {
        Arc::new(ReactorUnpark(self.0.handle().clone()))
    }
}

/// Makes the reactor's turn return.
#[derive(Debug)]
struct ReactorUnpark(heist_reactor::Handle);

impl Unpark for ReactorUnpark {
    fn unpark(&self) {
        self.0.unpark();
    }
}

/// The one clock of a runtime, in the form that each crate asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SystemClock;

impl heist_reactor::Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl heist_scheduler::clock::Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// Sockets and timers spend the scheduler's budget.
pub(super) const COOP: Coop = Coop {
    poll_budget: budget::poll_budget,
    spend: budget::spend,
};
