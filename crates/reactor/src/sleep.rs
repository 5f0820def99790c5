//! [`Sleep`]: the future that is ready at an instant.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::handle::Handle;
use crate::timer::{ShutDown, Timer};

/// Waits until a deadline has come by the reactor's clock; never ends before it.
///
/// It enters the reactor when it is first polled before its deadline, so creating and dropping one
/// that is not waited for costs next to nothing. Dropping it cancels it, on any thread.
///
/// # Cancel safety
///
/// Dropping a `Sleep` loses nothing: the deadline is an instant, not a duration that starts anew.
///
/// # Examples
///
/// ```
/// use heist_reactor::{Config, Reactor, Sleep};
/// use std::future::Future;
/// use std::pin::pin;
/// use std::task::{Context, Waker};
/// use std::time::Duration;
///
/// # fn main() -> std::io::Result<()> {
/// let mut reactor = Reactor::new(Config::default())?;
/// let mut sleep = pin!(Sleep::after_with_handle(Duration::from_millis(1), reactor.handle()));
/// let mut cx = Context::from_waker(Waker::noop());
/// while sleep.as_mut().poll(&mut cx).is_pending() {
///     reactor.turn(None)?;
/// }
/// assert!(sleep.is_elapsed());
/// # Ok(())
/// # }
/// ```
#[must_use = "futures do nothing unless polled or awaited"]
pub struct Sleep {
    deadline: Instant,
    timer: Timer,
}

// No foreign code runs under the reactor's locks, so a panic leaves nothing half done.
impl std::panic::UnwindSafe for Sleep {}
impl std::panic::RefUnwindSafe for Sleep {}

impl Sleep {
    /// Waits until `deadline`, on the reactor this thread has entered.
    ///
    /// # Panics
    ///
    /// If the thread has entered no reactor.
    #[track_caller]
    pub fn until(deadline: Instant) -> Self {
        Self::with_timer(deadline, Handle::with_current(Handle::timer))
    }

    /// Waits until `duration` from now, on the reactor this thread has entered. A duration too
    /// long for an [`Instant`], as `Duration::MAX`, counts as some 30 years.
    ///
    /// # Panics
    ///
    /// If the thread has entered no reactor.
    #[track_caller]
    pub fn after(duration: Duration) -> Self {
        Self::on(Handle::with_current(Handle::timer), duration)
    }

    /// Waits until `deadline`, on the reactor of `handle`.
    pub fn until_with_handle(deadline: Instant, handle: &Handle) -> Self {
        Self::with_timer(deadline, handle.timer())
    }

    /// Waits until `duration` from now, on the reactor of `handle`. A duration too long for an
    /// [`Instant`] counts as some 30 years.
    pub fn after_with_handle(duration: Duration, handle: &Handle) -> Self {
        Self::on(handle.timer(), duration)
    }

    /// Returns the instant this waits for.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the deadline has come.
    pub fn is_elapsed(&self) -> bool {
        self.timer.timeline().now() >= self.deadline
    }

    /// Waits for another deadline instead, whether or not the old one has come. Allocates nothing.
    ///
    /// A task that waits already is woken at the new deadline; it need not poll again before.
    /// After the old deadline has come it does need to.
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.timer.reset(deadline);
    }

    /// Waits until `deadline` by means of an idle timer.
    pub(crate) fn with_timer(deadline: Instant, timer: Timer) -> Self {
        Self { deadline, timer }
    }

    #[inline]
    fn on(timer: Timer, duration: Duration) -> Self {
        let deadline = timer.timeline().after(duration);
        Self::with_timer(deadline, timer)
    }
}

impl Future for Sleep {
    type Output = ();

    /// # Panics
    ///
    /// If the reactor has shut down and the deadline has not come: nobody would ever wake the
    /// caller.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { deadline, timer } = self.get_mut();
        let coop = timer.coop();
        ready!((coop.poll_budget)(cx));
        if timer.timeline().now() >= *deadline {
            timer.cancel();
            (coop.spend)();
            return Poll::Ready(());
        }
        match timer.arm(*deadline, cx.waker()) {
            Ok(()) => Poll::Pending,
            Err(ShutDown) => shut_down(),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cold]
fn shut_down() -> ! {
    panic!(
        "the Heist runtime this timer belongs to has shut down: keep the runtime alive for as long \
         as its timers are awaited"
    )
}
