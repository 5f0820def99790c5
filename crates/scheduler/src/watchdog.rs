//! The watchdog: it sees workers stay in one poll, and has others do what they leave undone.
//!
//! A worker that blocks or spins in a poll leaves three things undone: the tasks in its queue and
//! slot, and the driver, if it came from there. An idle worker would do them, but sleeps; a busy one
//! would, but does not know. With no other worker there is nobody. The watchdog mends all that from
//! a thread of its own, so that the workers pay for it with two plain stores per poll.
//!
//! # Protocol
//! [`Watchdog::look`] is the one step. In order:
//! 1. Each worker: parked, in a new poll, or in the same poll as at the last look: then it is
//!    *stuck*. Where tasks wait behind a poll and a worker sleeps, a few more glances tell whether it
//!    *lingers* there; so does one in a poll of some microseconds, or pushed aside by this very thread.
//!    The slot of either may be robbed ([`crate::vitals`]).
//! 2. If somebody is stuck or lingers and something waits (a queue, a slot, the injector, or a driver
//!    that nobody is in): wake a sleeper, which robs and then waits in the driver. If all are awake and
//!    stuck, start a spare worker. Workers that are awake and not stuck look after the stuck ones
//!    once a turn.
//! 3. Report polls that have become slow, and those that are over.
//! 4. Ask the spare workers to leave that have not been needed for a while ([`spares`]).
//! 5. Say when to look again: [`AWAKE`], or up to [`LEEWAY`] later; ever later while all workers are
//!    parked, and in the end not before one wakes up ([`crate::nap`]). A sleeper that had to be woken for
//!    a stuck worker pays for the next [`ALERT`] looks: these come on time, and after [`BEHIND_A_POLL`]
//!    where tasks wait behind a poll and a worker sleeps. One that was woken for a lingering worker pays
//!    for the next look, which tells whether that is stuck; if not, nothing more for [`DOUBT`]. Not so if
//!    tasks were stolen since the last look, but by the one that was woken then: the others help
//!    themselves.
//!
//! # Invariants
//! - Nothing depends on a look being right. "Stuck" may be said of a worker that the system does not
//!   let run, which costs a wakeup and some looks on time; a stuck worker that is overlooked is seen at
//!   the next look.
//! - What step 2 asks for it asks for again at each look until it has happened.
//! - A worker that handed over its core ([`crate::block_in_place`]) is not stuck: its successor is
//!   watched.
//!
//! # Rejected
//! - A timed park of one idle worker in the watchdog's stead: it sees as much, but is not there when
//!   all workers are stuck, and every wakeup from the driver would have to arm it.
//! - Handing the driver to another worker before running what it delivered: one wakeup more for
//!   each event.
//! - A time stamp per poll: precise to the microsecond, and a clock read on the hot path.

mod reports;
mod seen;
mod spares;

use std::fmt;
use std::time::{Duration, Instant};

use crate::handle::Handle;
use crate::parker::Place;
use crate::shared::{Remote, Shared};
use crate::sync::Arc;
use reports::Reports;
use seen::Seen;
use spares::Spares;

/// Between two looks on the alert, while tasks wait behind a poll and a worker sleeps that could take them.
pub(crate) const BEHIND_A_POLL: Duration = Duration::from_micros(200);

/// Glances at a worker that may linger in a poll: 5 to 15 µs, in which trivial polls come to their end.
/// Under loom nothing changes meanwhile.
const GLANCES: u32 = if cfg!(heist_loom) { 1 } else { 256 };

/// So many workers are glanced at in one look. The first that lingers is enough: one sleeper is woken.
const SUSPECTS: u32 = 4;

/// For so long no further look comes on time on suspicion, unless the one that did finds it proven.
const DOUBT: Duration = Duration::from_millis(100);

/// Between two looks while any worker is awake.
pub(crate) const AWAKE: Duration = Duration::from_millis(1);

/// So much later a look may come that is not urgent. A processor that is busy is interrupted by its
/// tick, every 1 to 4 ms: a look in its wake costs a switch, one between two ticks an interrupt of its
/// own (on a virtual machine some 30 µs, and a worker pushed aside: up to a sixth of a server's time).
pub(crate) const LEEWAY: Duration = Duration::from_millis(4);

/// So many looks are on the alert after a sleeper had to be woken for what a stuck worker left undone:
/// slow polls seldom come alone. A number of looks and not a time, so that where workers look stuck only
/// because the machine is busy, looks cost little more than the wakeups do.
const ALERT: u32 = 128;

/// Between two looks at most, while all workers are parked.
pub(crate) const QUIET: Duration = Duration::from_millis(16);

/// How long the workers have at a shutdown before their tasks are cancelled in their stead.
const CLEAN_UP_AFTER: Duration = Duration::from_millis(10);

/// So many looks at parked workers, and the watchdog sleeps.
const QUIET_LOOKS: u32 = 12;

/// Watches the workers of one scheduler.
pub struct Watchdog {
    shared: Arc<Shared>,
    seen: Box<[Seen]>,
    reports: Reports,
    spares: Spares,
    /// Looks on the alert that are left.
    alert: u32,
    /// Before that suspicion alone makes no look come on time.
    trusts_again: Option<Instant>,
    /// How often workers had stolen at the last look, and will have when the one has that it woke.
    known_steals: u64,
    quiet_looks: u32,
}

/// When a watchdog is to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Look {
    /// After this time.
    After {
        /// Not before that.
        pause: Duration,
        /// So much later at most, so that the system may put the wakeup together with another one.
        leeway: Duration,
    },
    /// When a worker has woken up.
    WhenAwake,
    /// Never: the scheduler stops.
    Never,
}

/// What a look finds.
#[derive(Clone, Copy, Debug, Default)]
struct Sight {
    awake: usize,
    stuck: usize,
    /// A worker lingers in a poll, and tasks wait behind it.
    lingering: bool,
    /// One that did at an earlier look does still: it is stuck.
    proven: bool,
    /// Of the stuck ones, those that the scheduler was built with.
    regular_stuck: usize,
    /// Something waits in the queue or slot of a worker that is awake.
    behind: bool,
    /// Somebody waits in the driver.
    in_driver: bool,
    /// The others help themselves: a worker has stolen.
    steals: bool,
}

impl Watchdog {
    /// A watchdog for the scheduler of `handle`; one is enough.
    pub fn new(handle: &Handle) -> Self {
        let shared = handle.shared.clone();
        shared.watch.begin();
        Self {
            seen: shared.remotes.iter().map(|_| Seen::default()).collect(),
            reports: Reports::new(&shared),
            spares: Spares::default(),
            shared,
            alert: 0,
            trusts_again: None,
            known_steals: 0,
            quiet_looks: 0,
        }
    }

    /// Watches until the scheduler stops. `set_leeway` tells the system how much later than asked for
    /// this thread's timed waits may end; it is called when that changes.
    pub fn run(mut self, mut set_leeway: impl FnMut(Duration)) {
        let mut known = None;
        loop {
            match self.look() {
                Look::Never => return self.clean_up(),
                Look::After { pause, leeway } => {
                    if known.replace(leeway) != Some(leeway) {
                        set_leeway(leeway);
                    }
                    let now = self.shared.clock.now();
                    self.shared.nap.pause(now + pause);
                }
                Look::WhenAwake => {
                    let workers = self.shared.staffed();
                    let anyone_awake = || workers.iter().any(|remote| remote.is_awake());
                    self.shared.nap.sleep(anyone_awake);
                }
            }
        }
    }

    /// Looks once, and does what is to be done.
    pub fn look(&mut self) -> Look {
        if self.shared.is_stopping() {
            return Look::Never;
        }
        let now = self.shared.clock.now();
        let sight = self.sight(now);
        self.shared.watch.set_stuck(sight.stuck);
        self.relieve(sight, now);
        self.spares.dismiss(&self.shared, now);
        self.pace(sight)
    }

    /// The last duty: at a shutdown each worker cancels its share of the tasks, which a stuck one
    /// cannot. What is left after a while is cancelled here, on this thread.
    pub(crate) fn clean_up(self) {
        let shared = self.shared;
        let deadline = shared.clock.now() + CLEAN_UP_AFTER;
        if !shared.wait_for_workers(Some(deadline)) && shared.worker_started() {
            shared.cancel_all();
            shared.worker_stopped();
        }
    }

    /// Steps 1 and 3.
    fn sight(&mut self, now: Instant) -> Sight {
        let mut sight = Sight::default();
        let mut suspects = match self.shared.idle.may_claim() {
            true => SUSPECTS,
            false => 0,
        };
        let mut steals = 0;
        let workers = self.shared.staffed().iter().zip(&mut self.seen);
        for (index, (remote, seen)) in workers.enumerate() {
            let place = remote.parker.place();
            sight.in_driver |= place == Place::InDriver;
            steals += remote.counters.steals.get();
            let poll = remote.is_awake().then(|| remote.counters.polls.get());
            self.reports.over(seen.look(poll, now));
            let Some(poll) = poll else { continue };
            sight.awake += 1;
            let behind = !remote.stealer.is_empty() || !remote.slot.is_empty();
            sight.behind |= behind;
            let is_stuck = seen.is_stuck();
            let is_suspect = behind && !is_stuck && !sight.lingering && suspects > 0;
            suspects -= u32::from(is_suspect);
            let is_in_the_way = is_suspect && lingers(remote, poll);
            if is_stuck || is_in_the_way {
                remote.vitals.set_stuck(poll);
            }
            sight.lingering |= is_in_the_way;
            seen.relieved |= is_in_the_way;
            if is_stuck {
                sight.proven |= std::mem::take(&mut seen.relieved);
                sight.stuck += 1;
                sight.regular_stuck += usize::from(index < self.shared.workers());
                self.reports.slow(&self.shared, index, seen, now);
            }
        }
        sight.steals = steals > std::mem::replace(&mut self.known_steals, steals);
        sight
    }

    /// Step 2.
    fn relieve(&mut self, sight: Sight, now: Instant) {
        if sight.regular_stuck == self.shared.workers() {
            self.spares.are_needed(now);
        }
        let waits = sight.behind || !sight.in_driver || !self.shared.injector.is_empty();
        if sight.proven {
            self.alert = ALERT;
            self.trusts_again = None;
        }
        let is_in_need = sight.stuck > 0 || sight.lingering;
        if !is_in_need || !waits {
            return;
        }
        if self.shared.idle.sleeping() > 0 {
            if let Some(worker) = self.shared.idle.claim() {
                self.shared.watch.handovers.add(1);
                self.known_steals += 1;
                if !sight.steals {
                    self.raise_alert(sight, now);
                }
                self.shared.unpark(worker);
            }
        } else if sight.stuck == sight.awake {
            self.spares.add(&self.shared, now);
        }
    }

    /// A sleeper had to be woken.
    fn raise_alert(&mut self, sight: Sight, now: Instant) {
        if sight.stuck > 0 {
            self.alert = ALERT;
        } else if self.trusts_again.is_none_or(|again| now >= again) {
            self.alert = self.alert.max(1);
            self.trusts_again = Some(now + DOUBT);
        }
    }

    /// Step 5.
    fn pace(&mut self, sight: Sight) -> Look {
        if sight.awake > 0 {
            self.quiet_looks = 0;
            let on_alert = !sight.steals && self.alert > 0;
            self.alert = self.alert.saturating_sub(1);
            let could_be_taken = sight.behind && self.shared.idle.sleeping() > 0;
            return Look::After {
                pause: match on_alert && could_be_taken {
                    true => BEHIND_A_POLL,
                    false => AWAKE,
                },
                leeway: match on_alert {
                    true => Duration::ZERO,
                    false => LEEWAY,
                },
            };
        }
        self.quiet_looks += 1;
        if self.quiet_looks >= QUIET_LOOKS && self.spares.are_gone() {
            self.quiet_looks = 0;
            return Look::WhenAwake;
        }
        Look::After {
            pause: (AWAKE * (1 << self.quiet_looks.min(8))).min(QUIET),
            leeway: LEEWAY,
        }
    }
}

/// Whether the worker stays in this poll for as long as some glances take.
fn lingers(remote: &Remote, poll: u64) -> bool {
    let mut glances = 0..GLANCES;
    glances.all(|_| {
        std::hint::spin_loop();
        remote.counters.polls.get() == poll
    })
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog")
            .field("spares", &self.spares)
            .field("quiet_looks", &self.quiet_looks)
            .finish_non_exhaustive()
    }
}
