//! [`Sleep`]: the reactor's timer under tokio's signatures.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Instant;

/// Waits until `duration` has passed.
///
/// # Panics
///
/// When the calling thread is not inside a runtime.
///
/// # Cancel safety
///
/// Cancel safe: dropping the future disarms the timer. A new `sleep` starts from zero; to go on
/// waiting for the same instant, keep the future and poll it by reference.
///
/// # Examples
///
/// ```
/// use heist::time::{Duration, sleep};
///
/// # heist::runtime::Runtime::new().expect("a runtime").block_on(async {
/// sleep(Duration::from_millis(10)).await;
/// # });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep {
        timer: heist_reactor::Sleep::after(duration),
    }
}

/// Waits until `deadline`. Done at once if that has passed.
///
/// # Panics
///
/// When the calling thread is not inside a runtime.
///
/// # Cancel safety
///
/// Cancel safe: dropping the future disarms the timer.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep {
        timer: heist_reactor::Sleep::until(deadline.into_std()),
    }
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It can be moved between tasks and shared by reference; [`reset`](Sleep::reset) gives it another
/// deadline without allocating.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Sleep {
    timer: heist_reactor::Sleep,
}

impl Sleep {
    /// Returns the instant this sleeps until.
    pub fn deadline(&self) -> Instant {
        self.timer.deadline().into()
    }

    /// Tells whether the deadline has passed.
    pub fn is_elapsed(&self) -> bool {
        self.timer.is_elapsed()
    }

    /// Moves the deadline, earlier or later, also after it has passed. Never allocates.
    ///
    /// The task that waits is woken for the new deadline; there is no need to poll again first.
    ///
    /// # Examples
    ///
    /// ```
    /// use heist::time::{Duration, Instant, sleep};
    ///
    /// # heist::runtime::Runtime::new().expect("a runtime").block_on(async {
    /// let idle = sleep(Duration::from_secs(3600));
    /// heist::pin!(idle);
    /// idle.as_mut().reset(Instant::now() + Duration::from_millis(1));
    /// idle.await;
    /// # });
    /// ```
    pub fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.timer.reset(deadline.into_std());
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.timer).poll(cx)
    }
}
