//! The alarm on Linux: a timerfd in the reactor's own epoll.
//!
//! It is registered once, edge-triggered, and never read: setting it anew takes back what has not
//! been read and gives a new edge when it expires. Any thread may set it, without waking the one
//! that waits. Nothing is added to the I/O path: the wait stays `epoll_wait(-1)`.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::{Alarm, Hardware, Owed};
use crate::clock::Timeline;
use crate::sync::Arc;

/// A timerfd that an epoll instance watches.
#[derive(Debug)]
pub(crate) struct PlatformAlarm {
    timer: OwnedFd,
}

impl PlatformAlarm {
    pub(crate) fn new(
        registry: &Registry,
        _waker: &Arc<mio::Waker>,
        token: Token,
    ) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer })
    }
}

impl Hardware for PlatformAlarm {
    fn set(&self, delay: Duration) {
        const ZERO: Timespec = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // A zero value would disarm the timer.
        let delay = delay.max(Duration::from_nanos(1));
        let value = Timespec {
            tv_sec: delay.as_secs() as i64,
            tv_nsec: delay.subsec_nanos() as _,
        };
        let once = Itimerspec {
            it_interval: ZERO,
            it_value: value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)
            .expect("a timerfd accepts every delay of less than 584 years");
    }
}

/// To be called before a thread blocks: sets the timerfd if that is owed. The timeout is the caller's, as
/// the timerfd ends the wait for a timer.
pub(crate) fn before_wait(
    alarm: &Alarm,
    owed: Option<Owed>,
    timeline: &Timeline,
    timeout: Option<Duration>,
) -> Option<Duration> {
    if let Some(owed) = owed {
        alarm.pay(owed, timeline);
    }
    timeout
}
