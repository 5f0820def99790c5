//! Stopping the runtime's clock, and moving it on.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use heist_reactor::{Control, Handle};

use super::Instant;

/// Stops the clock of the current runtime: timers and [`Instant::now`] stand still.
///
/// From then on the time passes in two ways only: by [`advance`], and by itself when all of the runtime is
/// idle, which is when every worker sleeps, every `block_on` waits, nothing is queued and no blocking job
/// runs. Then the clock goes to the next timer's deadline, exactly, and no further: a test that sleeps
/// for a day takes no time, and each timer fires in its order. This holds on any number of workers.
///
/// Not seen are threads that are no part of the runtime, and I/O under way, also between two sockets of
/// this machine: the clock does not wait for them. What has arrived goes first.
///
/// What does not depend on this clock: `std::time`, the watchdog, how long idle threads stay, and the
/// grace of a shutdown.
///
/// # Panics
/// If the clock stands already, or the calling thread is not inside a runtime.
///
/// # Examples
/// ```
/// use heist::time::{self, Duration, Instant};
///
/// # #[heist::main] async fn main() {
/// time::pause();
/// let start = Instant::now();
/// time::sleep(Duration::from_secs(3600)).await;
/// assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// time::resume();
/// # }
/// ```
#[track_caller]
pub fn pause() {
    let reactor = reactor();
    assert!(control(&reactor).pause(), "the clock stands still already");
    // Whoever is in the driver went there to wait for the system's time.
    reactor.unpark();
}

/// Lets the clock of the current runtime run again, from where it stands.
///
/// # Panics
/// If the clock runs, or the calling thread is not inside a runtime.
#[track_caller]
pub fn resume() {
    let reactor = reactor();
    assert!(control(&reactor).resume(), "{}", RUNS);
    reactor.clock_changed();
}

/// Moves the clock of the current runtime on by `duration`, and waits until the timers that are due have
/// fired.
///
/// Their tasks are woken then, but may not have run yet. The clock goes there in one step: a task that
/// sleeps twice for half of the time sleeps on.
///
/// # Panics
/// If the clock runs, or the calling thread is not inside a runtime.
///
/// # Cancel safety
/// The clock moves at the first poll, and stays there.
pub async fn advance(duration: Duration) {
    let reactor = reactor();
    assert!(control(&reactor).advance(duration), "{}", RUNS);
    reactor.clock_changed();
    let now = Instant::now().into_std();
    while reactor.next_deadline().is_some_and(|next| next <= now) {
        yield_now().await;
    }
    yield_now().await;
}

/// Lets others run, the driver among them.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

const RUNS: &str =
    "the clock runs: call `time::pause` first, or build the runtime with `start_paused`";

#[track_caller]
fn reactor() -> Handle {
    match Handle::try_current() {
        Some(reactor) => reactor,
        None => {
            panic!("no runtime on this thread, so no clock: call it from a task or in `block_on`")
        }
    }
}

fn control(reactor: &Handle) -> &dyn Control {
    reactor
        .clock_control()
        .expect("the clocks of this crate can be stopped")
}
