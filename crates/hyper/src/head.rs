//! One timer per connection that bounds how long a request head may take.
//!
//! hyper arms a fresh timer for each head and drops it when the head is there: on a busy keep-alive
//! connection that is a timer registered and removed per request. Here hyper is given a timer whose
//! sleeps only note their deadline in a [`HeadClock`]; the connection's own [`HeadWatch`] holds the
//! one real [`Sleep`], armed rarely.
//!
//! # Protocol
//!
//! 1. hyper starts to wait for a head: [`HeadTimer`]'s `sleep_until` stores the deadline.
//! 2. The head is complete: hyper drops its sleep, which clears the deadline.
//! 3. The connection is about to wait ([`HeadWatch::poll`]): with a deadline noted and no sleep
//!    armed, it arms one. An armed sleep is left alone, though its time may be an older, earlier one.
//! 4. The armed sleep fires: no deadline noted, it is disarmed; a later one, it is moved there; one
//!    that has passed, the head took too long.
//!
//! So a busy connection touches the reactor's timers once per timeout, not once per request, and a
//! deadline is never missed: the armed time is never later than the noted one.
//!
//! # Invariants
//!
//! One task owns the clock, the timer and the watch (they travel inside one connection), so the
//! atomics need no ordering; they are atomic only because hyper asks for `Send + Sync`.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use heist::time::{Instant, Sleep, sleep_until};

/// The deadline of the head that is being waited for, if one is.
#[derive(Debug)]
pub(crate) struct HeadClock {
    /// What `deadline_ns` counts from.
    start: Instant,
    /// Nanoseconds after `start`; [`NO_DEADLINE`] when no head is awaited.
    deadline_ns: AtomicU64,
}

const NO_DEADLINE: u64 = u64::MAX;

impl HeadClock {
    /// A clock on which the first head is due `timeout` from now.
    pub(crate) fn starting(timeout: Option<Duration>) -> Arc<Self> {
        let start = Instant::now();
        let clock = Self {
            start,
            deadline_ns: AtomicU64::new(NO_DEADLINE),
        };
        if let Some(deadline) = timeout.and_then(|timeout| start.checked_add(timeout)) {
            clock.expect_by(deadline);
        }
        Arc::new(clock)
    }

    /// Notes that a head is due at `deadline`.
    fn expect_by(&self, deadline: Instant) {
        let ns = deadline.saturating_duration_since(self.start).as_nanos();
        self.deadline_ns
            .store(u64::try_from(ns).unwrap_or(NO_DEADLINE), Relaxed);
    }

    /// Notes that the head is there.
    pub(crate) fn complete(&self) {
        self.deadline_ns.store(NO_DEADLINE, Relaxed);
    }

    fn deadline(&self) -> Option<Instant> {
        match self.deadline_ns.load(Relaxed) {
            NO_DEADLINE => None,
            ns => self.start.checked_add(Duration::from_nanos(ns)),
        }
    }
}

/// hyper's timer for HTTP/1 heads. It must be used for nothing else: its sleeps never fire.
#[derive(Clone, Debug)]
pub(crate) struct HeadTimer(pub(crate) Arc<HeadClock>);

impl hyper::rt::Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.0.expect_by(deadline.into());
        Box::pin(HeadSleep(Arc::clone(&self.0)))
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn reset(&self, _: &mut Pin<Box<dyn hyper::rt::Sleep>>, new_deadline: std::time::Instant) {
        self.0.expect_by(new_deadline.into());
    }
}

/// Stands for a noted deadline; [`HeadWatch`] ends the connection when it passes.
struct HeadSleep(Arc<HeadClock>);

impl hyper::rt::Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for HeadSleep {
    fn drop(&mut self) {
        self.0.complete();
    }
}

/// The real timer of one connection.
#[derive(Debug)]
pub(crate) struct HeadWatch {
    clock: Arc<HeadClock>,
    sleep: Option<Sleep>,
    armed: bool,
}

impl HeadWatch {
    pub(crate) fn new(clock: Arc<HeadClock>) -> Self {
        Self {
            clock,
            sleep: None,
            armed: false,
        }
    }

    /// Ready when the awaited head is overdue. To be called whenever the connection goes to wait.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if !self.armed {
                let Some(deadline) = self.clock.deadline() else {
                    return Poll::Pending;
                };
                self.arm(deadline);
            }
            let sleep = self.sleep.as_mut().expect("arming has made the sleep");
            let fired_for = sleep.deadline();
            if Pin::new(sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.armed = false;
            if self
                .clock
                .deadline()
                .is_some_and(|deadline| deadline <= fired_for)
            {
                return Poll::Ready(());
            }
        }
    }

    fn arm(&mut self, deadline: Instant) {
        match &mut self.sleep {
            Some(sleep) => Pin::new(sleep).reset(deadline),
            none => *none = Some(sleep_until(deadline)),
        }
        self.armed = true;
    }
}
