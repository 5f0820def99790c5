//! [`Reactor`]: the one epoll instance, and the turn that moves everything forward.
//!
//! # Protocol of a turn
//! (1) Wait for events, no longer than the timeout (at first awake, if one is expected in no time, see
//! `busy_wait.rs`, or a timer is due then). (2) Give each
//! to its descriptor: in chunks, look up and collect wakers under the table's lock, unlock, wake. (3) If
//! the alarm rang or its deadline has come, fire due timers, likewise in chunks.
//!
//! # Invariants
//! - Wakers run on the thread that turns, and no lock of the reactor is held then.
//! - A turn is bounded: at most `max_events` events and as many timers; the rest makes the next
//!   turn return at once. (Not due timers that a clock that stands has left: then whoever moves it
//!   turns until none is due.)
//! - Nothing is ever re-armed: every source is registered once, edge-triggered.
//! - With no event and no timer, a turn without timeout sleeps for good.
//!
//! # Rejected
//! - An own thread for the reactor: each event would cost a wakeup of another thread.
//! - Reading the alarm's timerfd: setting it anew does as well, for no call.

use std::fmt;
use std::io;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::alarm::{self, NEAR, Owed, PlatformAlarm};
use crate::busy_wait::{Awake, BusyWait, look, wait};
use crate::clock::{self, Clock, Stopwatch, SystemClock, Timeline};
use crate::coop::Coop;
use crate::handle::{Counters, Handle, Shared};
use crate::ready::Ready;
use crate::slots::{Key, Slots};
use crate::sync::plain::Ordering;
use crate::sync::{Arc, CachePadded};
use crate::timer::Timers;
use crate::wake_batch::WakeBatch;

/// See [`Config::max_events`]. With 1024 connections the slowest hundredth waits 0.75 (HTTP) to 0.86 times
/// (echo) as long as with batches of 1024, and 256 where a turn only polls, at as many requests: who takes
/// few events at a time need not be robbed of them, and polls their tasks while what they touch is cached.
/// Half of it makes the tail shorter still, but with 64 connections an HTTP request takes 2.25 system calls
/// instead of 2.0.
pub const DEFAULT_MAX_EVENTS: usize = 256;

/// A turn that only polls takes one event in so many of those, unless told otherwise.
const POLLED_SHARE: usize = 4;

/// How many events are looked up before the table's lock is let go.
const CHUNK: usize = 64;

/// See [`Config::max_busy_wait`].
pub const DEFAULT_MAX_BUSY_WAIT: Duration = Duration::from_micros(100);

/// Tokens of the reactor's own sources; no slot ever has their index.
const UNPARK: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX >> 1);

/// Settings of a [`Reactor`].
///
/// # Examples
///
/// ```
/// use heist_reactor::{Config, Reactor};
///
/// # fn main() -> std::io::Result<()> {
/// let config = Config {
///     max_events: 256,
///     ..Config::default()
/// };
/// let reactor = Reactor::new(config)?;
/// # drop(reactor);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the time comes from; [`SystemClock`] by default.
    pub clock: Arc<dyn Clock>,
    /// The cooperative budget that operations take part in; [`Coop::UNLIMITED`] by default.
    pub coop: Coop,
    /// How many locks the timers are spread over, rounded up to a power of two, 1024 at most; 0,
    /// the default, picks a number that suits the machine.
    pub timer_shards: usize,
    /// How many events one turn takes at most, and how many timers it fires at most;
    /// [`DEFAULT_MAX_EVENTS`] by default, 0 counts as 1.
    pub max_events: usize,
    /// How many events a turn takes at most that only polls; 0, the default, stands for a quarter of
    /// `max_events`, so that a busy worker comes back to its tasks sooner, and leaves the rest to others.
    pub max_polled_events: usize,
    /// How long a turn that waits looks for events at most before it blocks; [`DEFAULT_MAX_BUSY_WAIT`] by
    /// default, zero: not at all, not even for timers that are due within 20 µs. It does so if the last
    /// wait was short, for up to three times the processor time that it costs this thread to block, which
    /// it measures, and twice that after a wait that blocked.
    pub max_busy_wait: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            coop: Coop::UNLIMITED,
            timer_shards: 0,
            max_events: DEFAULT_MAX_EVENTS,
            max_polled_events: 0,
            max_busy_wait: DEFAULT_MAX_BUSY_WAIT,
        }
    }
}

/// What one call of [`Reactor::turn`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// I/O events delivered to registered sources.
    pub events: usize,
    /// Timers fired.
    pub timers: usize,
}

/// Delivers I/O events and expired timers to the wakers that wait for them.
///
/// One thread at a time turns it; dropping it [shuts it down](Handle::shutdown).
///
/// # Examples
///
/// ```
/// use heist_reactor::{Config, Reactor};
/// use std::time::Duration;
///
/// # fn main() -> std::io::Result<()> {
/// let mut reactor = Reactor::new(Config::default())?;
/// reactor.handle().unpark();
/// let turn = reactor.turn(Some(Duration::from_secs(60)))?; // does not wait
/// assert_eq!((turn.events, turn.timers), (0, 0));
/// # Ok(())
/// # }
/// ```
pub struct Reactor {
    poll: Poll,
    /// The room for a turn that waits, and for one that only polls.
    idle_events: Events,
    busy_events: Events,
    max_timers: usize,
    /// Counts sweeps, so that each starts with another shard.
    sweeps: usize,
    busy_wait: BusyWait,
    /// What is to be paid before a turn blocks.
    owed: Option<Owed>,
    batch: WakeBatch,
    handle: Handle,
}

impl Reactor {
    /// Creates a reactor.
    ///
    /// # Errors
    ///
    /// If the process or the system is out of descriptors or memory.
    pub fn new(config: Config) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Arc::new(mio::Waker::new(&registry, UNPARK)?);
        let hardware = PlatformAlarm::new(&registry, &waker, ALARM)?;
        let timers = Timers::new(
            shards(config.timer_shards),
            Timeline::start(config.clock),
            config.coop,
            Box::new(hardware),
        );
        let max_events = config.max_events.max(1);
        let max_polled_events = match config.max_polled_events {
            0 => max_events.div_ceil(POLLED_SHARE),
            asked => asked,
        };
        Ok(Self {
            poll,
            idle_events: Events::with_capacity(max_events),
            busy_events: Events::with_capacity(max_polled_events),
            max_timers: max_events,
            sweeps: 0,
            busy_wait: BusyWait::new(config.max_busy_wait),
            owed: None,
            batch: WakeBatch::new(),
            handle: Handle {
                shared: Arc::new(Shared {
                    registry,
                    waker,
                    timers,
                    slots: CachePadded::new(Slots::new()),
                    counters: CachePadded::default(),
                }),
            },
        })
    }

    /// Returns the handle that other threads, sources and timers use.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Waits until something happens, then wakes everyone it concerns, on this thread.
    ///
    /// Returns when I/O is ready, a timer has expired, [`Handle::unpark`] was called, the timeout
    /// is over (`None`: never; zero: only looks; otherwise rounded up to the platform's unit, a
    /// millisecond on Linux), or, now and then, for no reason, as when a signal arrives. For a timer that
    /// is due within 20 µs, or for events where the last ones came soon, it may
    /// [wait awake](Config::max_busy_wait) at first, instead of blocking.
    ///
    /// # Errors
    ///
    /// If the operating system's wait fails, which a valid reactor does not run into.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<Turn> {
        let mut busy_waits = 0;
        if timeout == Some(Duration::ZERO) {
            wait(&mut self.poll, &mut self.busy_events, timeout)?;
        } else {
            match self.wait_awake(timeout)? {
                Awake::InVain(took) => self.block(timeout, took)?,
                Awake::Found => {}
                Awake::Paid => busy_waits = 1,
            }
        }
        let shared = &*self.handle.shared;
        let events = match timeout {
            Some(Duration::ZERO) => &self.busy_events,
            _ => &self.idle_events,
        };
        let mut turn = Turn::default();
        let mut alarm_rang = false;
        let mut io_events = events
            .iter()
            .inspect(|event| alarm_rang |= event.token() == ALARM)
            .filter_map(io_event)
            .peekable();
        while io_events.peek().is_some() {
            let chunk = io_events.by_ref().take(CHUNK);
            turn.events += shared.slots.dispatch(chunk, &mut self.batch);
            self.batch.wake_all();
        }
        drop(io_events);
        if alarm_rang || shared.timers.is_due() {
            self.sweeps = self.sweeps.wrapping_add(1);
            (turn.timers, self.owed) =
                shared
                    .timers
                    .fire(self.sweeps, self.max_timers, &mut self.batch);
        }
        shared.counters.count(turn, busy_waits);
        Ok(turn)
    }

    /// Looks for events for a moment, if they or a timer are likely to come so soon. Then the turn goes on;
    /// with [`Awake::InVain`] the wait is still to be made.
    #[inline]
    fn wait_awake(&mut self, timeout: Option<Duration>) -> io::Result<Awake> {
        let limit = self.busy_wait.limit();
        if limit.is_none() && self.owed.is_none() {
            return Ok(Awake::NOT_TRIED);
        }
        let timers = &self.handle.shared.timers;
        let timeline = timers.timeline();
        if !timeline.runs() {
            return Ok(Awake::NOT_TRIED);
        }
        let (poll, events) = (&mut self.poll, &mut self.idle_events);
        let delay = timers.alarm().armed().since(timeline.now_nanos());
        // If a timer or the timeout ends the wait within the limit, it is known to be too long.
        let end = timeout.map_or(delay, |timeout| timeout.min(delay));
        if self.owed.is_some() && delay <= self.busy_wait.near(NEAR).min(end) {
            let (found, took) = look(poll, events, timers, delay, std::hint::spin_loop)?;
            return Ok(Awake::new(found, !took.is_zero(), took));
        }
        let Some(limit) = limit.filter(|limit| *limit < end) else {
            return Ok(Awake::NOT_TRIED);
        };
        let (found, took) = look(poll, events, timers, limit, clock::yield_processor)?;
        let paid = self.busy_wait.tried(limit, found, took);
        Ok(Awake::new(found, paid, took))
    }

    /// Waits for events, however long it takes, after `looked`, which was so long, in vain.
    #[inline]
    fn block(&mut self, timeout: Option<Duration>, looked: Duration) -> io::Result<()> {
        let timeout = timeout.map(|timeout| timeout.saturating_sub(looked));
        let timers = &self.handle.shared.timers;
        let (alarm, timeline) = (timers.alarm(), timers.timeline());
        let timeout = alarm::before_wait(alarm, self.owed.take(), timeline, timeout);
        if self.busy_wait.is_off() {
            return wait(&mut self.poll, &mut self.idle_events, timeout);
        }
        let used_before = self
            .busy_wait
            .measures()
            .then(clock::processor_time)
            .flatten();
        let began = Stopwatch::start();
        wait(&mut self.poll, &mut self.idle_events, timeout)?;
        let took = began.elapsed();
        let cost = used_before.and_then(|before| clock::processor_time()?.checked_sub(before));
        self.busy_wait.waited(looked + took, cost);
        Ok(())
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("metrics", &self.handle.metrics())
            .finish_non_exhaustive()
    }
}

impl Counters {
    /// Counts a turn. Only one thread turns at a time, so no count is lost without an atomic add.
    fn count(&self, turn: Turn, busy_waits: usize) {
        for (counter, count) in [
            (&self.turns, 1),
            (&self.events, turn.events),
            (&self.timers_fired, turn.timers),
            (&self.busy_waits, busy_waits),
        ] {
            let before = counter.load(Ordering::Relaxed);
            counter.store(before + count as u64, Ordering::Relaxed);
        }
    }
}

/// The slot an event is for and what it reports; `None` for the reactor's own sources.
fn io_event(event: &Event) -> Option<(Key, Ready)> {
    let token = event.token();
    if token == UNPARK || token == ALARM {
        return None;
    }
    let mut ready = Ready::EMPTY;
    for (reported, state) in [
        (event.is_readable(), Ready::READABLE),
        (event.is_writable(), Ready::WRITABLE),
        (event.is_read_closed(), Ready::READ_CLOSED),
        (event.is_write_closed(), Ready::WRITE_CLOSED),
        (event.is_error(), Ready::ERROR),
        (event.is_priority(), Ready::PRIORITY),
    ] {
        if reported {
            ready |= state;
        }
    }
    Some((Key::from_token(token.0), ready))
}

/// The number of timer shards to use: as asked, or one for each processor, up to 32. A sweep locks
/// each, so more of them make expiry dearer while they spare ever fewer meetings.
fn shards(asked: usize) -> usize {
    match asked {
        0 => thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(32),
        asked => asked.min(1024),
    }
}
