//! The alarm where there is no timerfd: the wait's own timeout.
//!
//! The thread that waits does so no longer than until the armed deadline; whoever arms an earlier
//! one wakes it, so that it waits anew. The wake comes after `armed` has been set under the alarm's
//! lock, and the waiting thread takes that lock to read it, so the deadline it then waits for
//! includes every alarm that has woken it.

use std::io;
use std::time::Duration;

use mio::{Registry, Token};

use super::{Alarm, Hardware, Owed};
use crate::clock::{Nanos, Timeline};
use crate::sync::Arc;

/// Wakes the thread that waits, to make it look at its deadline again.
#[derive(Debug)]
pub(crate) struct PlatformAlarm {
    waker: Arc<mio::Waker>,
}

impl PlatformAlarm {
    pub(crate) fn new(
        _registry: &Registry,
        waker: &Arc<mio::Waker>,
        _token: Token,
    ) -> io::Result<Self> {
        let waker = Arc::clone(waker);
        Ok(Self { waker })
    }
}

impl Hardware for PlatformAlarm {
    fn set(&self, _delay: Duration) {
        self.waker
            .wake()
            .expect("a waker whose poll is alive can be woken");
    }
}

/// To be called before a thread blocks: the timeout to wait with, the caller's, or less if a deadline
/// comes before.
pub(crate) fn before_wait(
    alarm: &Alarm,
    owed: Option<Owed>,
    timeline: &Timeline,
    timeout: Option<Duration>,
) -> Option<Duration> {
    let armed = alarm.armed_now(owed);
    if armed == Nanos::NEVER {
        return timeout;
    }
    let until_armed = armed.since(timeline.now_nanos());
    Some(timeout.map_or(until_armed, |timeout| timeout.min(until_armed)))
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "portable_tests.rs"]
mod tests;
