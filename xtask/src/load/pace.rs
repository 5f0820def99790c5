//! The clock of an open loop: which connection sends the next request, and when.
//!
//! A timerfd says how many requests are due; epoll's own timeout is too coarse for that. A request
//! for which no connection is free is sent late and its latency counted from when it was due: a
//! server that stalls cannot hide what it kept waiting.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// Requests by the clock.
#[derive(Debug)]
pub(super) struct Pace {
    timer: OwnedFd,
    start: Instant,
    every: Duration,
    /// Requests that were due so far.
    due: u32,
    /// Those of them that were sent.
    sent: u32,
    /// Connections that may be free, the one that waits longest first.
    free: VecDeque<usize>,
}

impl Pace {
    /// One request every so often from now on; [`Pace::TOKEN`] says that one is due.
    pub(super) fn start(every: Duration, registry: &Registry) -> anyhow::Result<Pace> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, flags).context("cannot create a timer")?;
        let period = Timespec::try_from(every).context("too long a time between requests")?;
        let times = Itimerspec {
            it_interval: period,
            it_value: period,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)
            .context("cannot set a timer")?;
        let mut source = SourceFd(&timer.as_raw_fd());
        registry
            .register(&mut source, Pace::TOKEN, Interest::READABLE)
            .context("cannot watch a timer")?;
        Ok(Pace {
            timer,
            start: Instant::now(),
            every,
            due: 0,
            sent: 0,
            free: VecDeque::new(),
        })
    }

    /// The timer has run out, once or more often.
    pub(super) fn tick(&mut self) -> anyhow::Result<()> {
        let mut times = [0; 8];
        match rustix::io::read(&self.timer, &mut times) {
            Ok(_) => self.due += u64::from_ne_bytes(times) as u32,
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot read a timer"),
        }
        Ok(())
    }

    /// A connection has got its answer.
    pub(super) fn answered(&mut self, index: usize) {
        self.free.push_back(index);
    }

    /// The connection that is to send a request now, and since when that was due. `is_free` says
    /// whether one may still send.
    pub(super) fn next(&mut self, is_free: impl Fn(usize) -> bool) -> Option<(usize, Instant)> {
        if self.sent == self.due {
            return None;
        }
        let index = loop {
            let index = self.free.pop_front()?;
            if is_free(index) {
                break index;
            }
        };
        self.sent += 1;
        Some((index, self.start + self.every * self.sent))
    }

    /// No connection has it.
    pub(super) const TOKEN: Token = Token(usize::MAX);
}
