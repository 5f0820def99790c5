//! [`Timeout`]: a future and a deadline, whichever comes first.
//!
//! # Invariants
//!
//! - The inner future is polled first: one that is ready wins over a deadline that has passed.
//! - The deadline cannot be starved. An inner future that uses up the task's budget at every poll
//!   leaves none for the timer, so the timer is then polled without a limit.

use std::error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use heist_scheduler::budget;
use pin_project_lite::pin_project;

use super::{Instant, Sleep, sleep, sleep_until};

/// Gives `future` until `duration` has passed.
///
/// The time is looked at when `future` is pending. Sockets, timers and join handles are now and then, even if
/// they are always ready; a bare [channel](crate::sync) never is while it has messages, so that a loop over
/// one needs [`task::coop::cooperative`](crate::task::coop::cooperative) to be stopped in time.
///
/// # Errors
///
/// The future returned yields [`Elapsed`] when the time is up; `future` is dropped with it.
///
/// # Panics
///
/// When the calling thread is not inside a runtime.
///
/// # Cancel safety
///
/// Dropping the timeout drops `future`: as cancel safe as that is.
///
/// # Examples
///
/// ```
/// use heist::time::{Duration, timeout};
///
/// # heist::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let never = std::future::pending::<()>();
/// assert!(timeout(Duration::from_millis(1), never).await.is_err());
/// assert_eq!(timeout(Duration::ZERO, async { 5 }).await, Ok(5));
/// # });
/// ```
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        value: future.into_future(),
        delay: sleep(duration),
    }
}

/// Gives `future` until `deadline`.
///
/// # Errors
///
/// The future returned yields [`Elapsed`] when the time is up; `future` is dropped with it.
///
/// # Panics
///
/// When the calling thread is not inside a runtime.
///
/// # Cancel safety
///
/// Dropping the timeout drops `future`: as cancel safe as that is.
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        value: future.into_future(),
        delay: sleep_until(deadline),
    }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<T> {
        #[pin]
        value: T,
        #[pin]
        delay: Sleep,
    }
}

impl<T> Timeout<T> {
    /// Returns the inner future.
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// Returns the inner future.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// Returns the inner future and forgets the deadline.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let had_budget = budget::has_remaining();
        if let Poll::Ready(value) = this.value.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        let poll_delay = || this.delay.poll(cx);
        let elapsed = if had_budget && !budget::has_remaining() {
            budget::unconstrained(poll_delay)
        } else {
            poll_delay()
        };
        elapsed.map(|()| Err(Elapsed(())))
    }
}

/// The error of a [`Timeout`] whose time is up.
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}
