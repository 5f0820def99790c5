//! The scheduler's driver seam over the reactor: a thin newtype, and the clock and budget seams.
//!
//! # A clock that stands
//! While the runtime's clock is stopped the driver asks, before it blocks, whether the scheduler
//! [stands still](heist_scheduler::Handle::is_still); if so nothing is to happen before the next timer, so
//! it moves the clock there and fires it. In order:
//! 1. Look at I/O without waiting: what has come goes first. This takes the driver's token, too.
//! 2. If somebody wants the worker (`wanted`), return.
//! 3. Still, and a timer waits: move the clock to it, fire it, return.
//! 4. Else block. Whoever becomes idle later ends that, by `went_idle`, and it is asked again.
//!
//! The race: somebody becomes idle between 3 and 4. Its `went_idle` comes after the token was taken in
//! step 1, or what it says was true in step 3 already; so step 4 returns at once. An `unpark` whose
//! token step 1 has taken has set `wanted` before; one that sets it after step 2 leaves its token.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use heist_reactor::{Control as _, Coop, Reactor};
use heist_scheduler::budget;
use heist_scheduler::driver::{Driver, Unpark};
use parking_lot::Mutex;

use super::clock::PausableClock;

/// The reactor as what an idle worker blocks on.
#[derive(Debug)]
pub(super) struct ReactorDriver {
    reactor: Reactor,
    unpark: Arc<ReactorUnpark>,
    /// Set once it is made; the driver is dropped by the scheduler's shutdown, which ends the circle.
    scheduler: Arc<OnceLock<heist_scheduler::Handle>>,
}

impl ReactorDriver {
    pub(super) fn new(reactor: Reactor, clock: Arc<PausableClock>) -> Self {
        let unpark = Arc::new(ReactorUnpark {
            reactor: reactor.handle().clone(),
            clock,
            wanted: Mutex::new(false),
        });
        Self {
            reactor,
            unpark,
            scheduler: Arc::default(),
        }
    }

    /// Where to put the scheduler that this driver is for.
    pub(super) fn scheduler(&self) -> Arc<OnceLock<heist_scheduler::Handle>> {
        self.scheduler.clone()
    }

    /// Returns whether anything happened.
    fn turn(&mut self, timeout: Option<Duration>) -> bool {
        match self.reactor.turn(timeout) {
            Ok(turn) => turn.events + turn.timers > 0,
            Err(error) => panic!("the runtime's event queue failed: {error}"),
        }
    }

    /// A wait while the clock stands.
    fn park_in_stopped_time(&mut self) {
        let happened = self.turn(Some(Duration::ZERO));
        if std::mem::take(&mut *self.unpark.wanted.lock()) || happened {
            return;
        }
        let still = self.scheduler.get().is_some_and(|it| it.is_still());
        let next = self.reactor.handle().next_deadline();
        match next.filter(|_| still) {
            Some(deadline) => {
                self.unpark.clock.advance_to(deadline);
                self.turn(Some(Duration::ZERO));
            }
            None => {
                self.turn(None);
            }
        }
    }
}

impl Driver for ReactorDriver {
    fn park(&mut self, timeout: Option<Duration>) {
        if timeout.is_none() && self.unpark.clock.is_paused() {
            self.park_in_stopped_time();
        } else {
            self.turn(timeout);
        }
    }

    fn unparker(&self) -> Arc<dyn Unpark> {
        self.unpark.clone()
    }
}

/// Makes the reactor's turn return.
#[derive(Debug)]
struct ReactorUnpark {
    reactor: heist_reactor::Handle,
    clock: Arc<PausableClock>,
    /// Somebody unparked the driver while the clock stood.
    wanted: Mutex<bool>,
}

impl Unpark for ReactorUnpark {
    fn unpark(&self) {
        if self.clock.is_paused() {
            *self.wanted.lock() = true;
        }
        self.reactor.unpark();
    }

    fn went_idle(&self) {
        if self.clock.is_paused() {
            self.reactor.unpark();
        }
    }
}

/// The scheduler's clock: what really passes, also while the runtime's clock stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SystemClock;

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
