//! The clock that a runtime's timers and [`Instant`](crate::time::Instant)s go by: the system's, until
//! somebody stops it.
//!
//! # States
//! | state | the time is | left by |
//! |---|---|---|
//! | the system's | the system's | `pause` |
//! | standing | where it stands; moved on by `advance`, or by the driver when all is idle | `resume` |
//! | set off | the system's, and so much more or less | `pause` |
//!
//! A runtime that never stops its clock pays two loads of a flag for that, see [`PausableClock::now`].
//!
//! # Invariants
//! - The time never goes backwards, on any thread.
//! - Only timers and `Instant`s go by this clock. The scheduler's turns, the watchdog, keep-alives and
//!   the grace of a shutdown measure what really passes.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use heist_reactor::{Clock, Control};
use parking_lot::Mutex;

/// How far ahead of the time read a clock stops: more than lies between the two looks at the flag in
/// [`PausableClock::now`] once the first of them can be wrong, so that nobody has read a later time.
const AHEAD: Duration = Duration::from_micros(1);

/// The system's monotonic clock, which can be stopped.
#[derive(Debug)]
pub(super) struct PausableClock {
    /// Was ever stopped: the state says what time it is.
    touched: AtomicBool,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At `since` of the system's time it was `at`.
    Running {
        at: Instant,
        since: Instant,
    },
    Standing {
        at: Instant,
    },
}

impl State {
    fn now(self) -> Instant {
        match self {
            Self::Running { at, since } => at + since.elapsed(),
            Self::Standing { at } => at,
        }
    }
}

impl PausableClock {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            touched: AtomicBool::new(false),
            state: Mutex::new(State::Running {
                at: now,
                since: now,
            }),
        }
    }

    #[cold]
    fn now_by_state(&self) -> Instant {
        self.state.lock().now()
    }

    /// Moves the clock on to `instant`, unless it runs or is there already.
    pub(super) fn advance_to(&self, instant: Instant) {
        if let State::Standing { at } = &mut *self.state.lock() {
            *at = instant.max(*at);
        }
    }
}

impl Clock for PausableClock {
    fn now(&self) -> Instant {
        // Relaxed, and twice: a thread that is held up between the flag and the time would go on with
        // a time from after the stop. What the stop itself may miss by, `AHEAD` covers.
        if !self.touched.load(Relaxed) {
            let now = Instant::now();
            if !self.touched.load(Relaxed) {
                return now;
            }
        }
        self.now_by_state()
    }

    fn control(&self) -> Option<&dyn Control> {
        Some(self)
    }
}

impl Control for PausableClock {
    fn is_paused(&self) -> bool {
        self.touched.load(Relaxed) && matches!(*self.state.lock(), State::Standing { .. })
    }

    fn pause(&self) -> bool {
        let mut state = self.state.lock();
        if matches!(*state, State::Standing { .. }) {
            return false;
        }
        self.touched.store(true, Relaxed);
        *state = State::Standing {
            at: state.now() + AHEAD,
        };
        true
    }

    fn resume(&self) -> bool {
        let mut state = self.state.lock();
        let State::Standing { at } = *state else {
            return false;
        };
        *state = State::Running {
            at,
            since: Instant::now(),
        };
        true
    }

    fn advance(&self, duration: Duration) -> bool {
        match &mut *self.state.lock() {
            State::Standing { at } => {
                *at = at.checked_add(duration).unwrap_or(*at);
                true
            }
            State::Running { .. } => false,
        }
    }
}
