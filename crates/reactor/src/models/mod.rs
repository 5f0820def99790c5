//! Loom models: every interleaving of small scenes, played by production code.
//!
//! Each model is named for its claim. A lost wakeup shows as a deadlock, which loom reports; every
//! other claim is asserted. Run them with `cargo xtask loom`.

mod alarm;
mod scheduled_io;
mod slots;
mod timer;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use heist_loom::model;
use loom::sync::Notify;

use crate::alarm::{Hardware, Owed};
use crate::clock::{Clock, Timeline};
use crate::coop::Coop;
use crate::timer::Timers;
use crate::wake_batch::WakeBatch;

/// A waker that ends a wait and counts its calls.
#[derive(Default)]
struct Bell {
    notify: Notify,
    /// Not part of the scene: read once all threads have been joined.
    rung: AtomicUsize,
}

impl Bell {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            notify: Notify::new(),
            rung: AtomicUsize::new(0),
        })
    }

    fn times_rung(&self) -> usize {
        self.rung.load(Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::Relaxed);
        self.notify.notify();
    }
}

/// Polls until ready, and waits for the waker in between: for ever, if it is never called.
fn wait_until_ready<R>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> R {
    let bell = Bell::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = poll(&mut cx) {
            return result;
        }
        bell.notify.wait();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    wait_until_ready(|cx| future.as_mut().poll(cx))
}

/// A clock that stands still until it is moved, and the alarm that belongs to it.
struct Stage {
    clock: Arc<StageClock>,
    alarm: Arc<StageAlarm>,
    timers: Arc<Timers>,
}

impl Stage {
    /// Time starts at 0; instants are given as nanoseconds after that.
    fn new(shards: usize) -> Self {
        let clock = Arc::new(StageClock {
            origin: Instant::now(),
            nanos: heist_loom::atomic::AtomicU64::new(0),
        });
        let alarm = StageAlarm::new(Arc::clone(&clock));
        let timeline = Timeline::start(Arc::clone(&clock) as Arc<dyn Clock>);
        let hardware = Box::new(Arc::clone(&alarm));
        let timers = Arc::new(Timers::new(shards, timeline, Coop::UNLIMITED, hardware));
        Self {
            clock,
            alarm,
            timers,
        }
    }

    fn at(&self, nanos: u64) -> Instant {
        self.clock.origin + Duration::from_nanos(nanos)
    }

    /// One sweep, as a turn does it, and what comes before the next one blocks; how many timers fired.
    fn sweep(&self) -> usize {
        let (fired, owed) = self.timers.fire(0, usize::MAX, &mut WakeBatch::new());
        self.pay(owed);
        fired
    }

    /// The first half of it.
    fn fire(&self) -> Option<Owed> {
        let (_, owed) = self.timers.fire(0, usize::MAX, &mut WakeBatch::new());
        assert!(owed.is_some(), "there are later timers");
        owed
    }

    /// The second.
    fn pay(&self, owed: Option<Owed>) {
        if let Some(owed) = owed {
            self.timers.alarm().pay(owed, self.timers.timeline());
        }
    }

    /// Turns as an idle reactor does, until unparked: waits for the alarm, then sweeps.
    fn turn_until_unparked(&self) {
        while self.alarm.wait() {
            self.sweep();
        }
    }
}

struct StageClock {
    origin: Instant,
    nanos: heist_loom::atomic::AtomicU64,
}

impl StageClock {
    /// The clock is the model's kernel: what it says is the same for everyone at once.
    fn move_to(&self, nanos: u64) {
        self.nanos.fetch_max(nanos, Ordering::AcqRel);
    }
}

impl Clock for StageClock {
    fn now(&self) -> Instant {
        self.origin + Duration::from_nanos(self.nanos.load(Ordering::Acquire))
    }
}

impl fmt::Debug for StageClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StageClock")
    }
}

/// Remembers what it was last set to. It rings when the scene's event loop waits for it: time then
/// jumps to the deadline, as there is nothing else to wait for.
struct StageAlarm {
    clock: Arc<StageClock>,
    state: loom::sync::Mutex<AlarmState>,
    notify: Notify,
}

#[derive(Default)]
struct AlarmState {
    /// The instant it is set to, until it has rung.
    set: Option<u64>,
    unparked: bool,
}

impl StageAlarm {
    fn new(clock: Arc<StageClock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            state: loom::sync::Mutex::default(),
            notify: Notify::new(),
        })
    }

    fn state(&self) -> loom::sync::MutexGuard<'_, AlarmState> {
        self.state.lock().expect("a model that panics ends at once")
    }

    /// The instant it is set to.
    fn is_set_to(&self) -> Option<u64> {
        self.state().set
    }

    fn unpark(&self) {
        self.state().unparked = true;
        self.notify.notify();
    }

    /// Waits until the alarm rings, having moved the clock there, or until unparked: false.
    fn wait(&self) -> bool {
        loop {
            let mut state = self.state();
            if state.unparked {
                return false;
            }
            let set = state.set.take();
            drop(state);
            match set {
                Some(at) => {
                    self.clock.move_to(at);
                    return true;
                }
                None => self.notify.wait(),
            }
        }
    }
}

impl Hardware for Arc<StageAlarm> {
    fn set(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_nanos()).expect("a scene is short");
        let now = self.clock.nanos.load(Ordering::Acquire);
        self.state().set = Some(now + delay);
        self.notify.notify();
    }
}

impl fmt::Debug for StageAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StageAlarm")
    }
}
