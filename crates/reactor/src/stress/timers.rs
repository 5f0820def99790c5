//! Sleeps that begin, are reset and are dropped beside the sweeps.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use heist_shuttle::explore;
use shuttle::future::block_on;
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread::{self, JoinHandle};

use super::below;
use crate::alarm::Hardware;
use crate::clock::{Clock, Timeline};
use crate::coop::Coop;
use crate::sleep::Sleep;
use crate::timer::Timers;
use crate::wake_batch::WakeBatch;

const SLEEPERS: usize = 4;
const SLEEPS: usize = 3;
const SHARDS: usize = 2;

/// The time, and what the alarm is set to. The event loop moves the one to the other.
struct Kernel {
    origin: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    now: u64,
    set: Option<u64>,
    over: bool,
}

impl Kernel {
    fn nanos(&self) -> u64 {
        self.state.lock().expect("no panic with it").now
    }

    /// Waits for the alarm, having moved the clock there, or until the end: false.
    fn wait(&self) -> bool {
        let mut state = self.state.lock().expect("no panic with it");
        loop {
            if let Some(at) = state.set.take() {
                state.now = state.now.max(at);
                return true;
            }
            if state.over {
                return false;
            }
            state = self.changed.wait(state).expect("no panic with it");
        }
    }

    fn end(&self) {
        self.state.lock().expect("no panic with it").over = true;
        self.changed.notify_one();
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kernel")
    }
}

impl Clock for Kernel {
    fn now(&self) -> Instant {
        self.origin + Duration::from_nanos(self.nanos())
    }
}

/// The alarm's end of it.
#[derive(Debug)]
struct Bell(Arc<Kernel>);

impl Hardware for Bell {
    fn set(&self, delay: Duration) {
        let mut state = self.0.state.lock().expect("no panic with it");
        let delay = u64::try_from(delay.as_nanos()).expect("a scene is short");
        state.set = Some(state.now + delay);
        drop(state);
        self.0.changed.notify_one();
    }
}

struct Stage {
    kernel: Arc<Kernel>,
    timers: Arc<Timers>,
}

impl Stage {
    fn new() -> Arc<Self> {
        let kernel = Arc::new(Kernel {
            origin: Instant::now(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let timeline = Timeline::start(Arc::clone(&kernel) as Arc<dyn Clock>);
        let bell = Box::new(Bell(Arc::clone(&kernel)));
        let timers = Arc::new(Timers::new(SHARDS, timeline, Coop::UNLIMITED, bell));
        Arc::new(Self { kernel, timers })
    }

    fn at(&self, nanos: u64) -> Instant {
        self.kernel.origin + Duration::from_nanos(nanos)
    }

    /// A sleep that ends so much later, in any shard.
    fn sleep(&self, nanos: u64) -> Sleep {
        Sleep::with_timer(self.at(nanos), self.timers.timer_in(below(SHARDS)))
    }

    /// Sweeps whenever the alarm rings, as an idle reactor does, a few timers at a time.
    fn event_loop(self: &Arc<Self>) -> JoinHandle<()> {
        let stage = Arc::clone(self);
        thread::spawn(move || {
            let mut batch = WakeBatch::new();
            while stage.kernel.wait() {
                let (_, owed) = stage.timers.fire(below(SHARDS), 1 + below(4), &mut batch);
                batch.wake_all();
                if let Some(owed) = owed {
                    stage.timers.alarm().pay(owed, stage.timers.timeline());
                }
            }
        })
    }
}

/// Some time ahead.
fn ahead(stage: &Stage) -> u64 {
    stage.kernel.nanos() + 1 + below(50) as u64
}

/// One sleep: waited for to the end, reset in between, or dropped in the middle.
async fn sleep_once(stage: &Stage) {
    let mut deadline = ahead(stage);
    let mut sleep = pin!(stage.sleep(deadline));
    let begun = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await;
    match below(4) {
        0 => return,
        1 => {
            deadline = ahead(stage);
            let at = stage.at(deadline);
            sleep.as_mut().reset(at);
        }
        _ if begun.is_ready() => return,
        _ => {}
    }
    sleep.await;
    assert!(stage.kernel.nanos() >= deadline, "it ended early");
}

#[test]
fn every_sleep_ends_and_none_before_its_deadline() {
    explore(|| {
        let stage = Stage::new();
        let event_loop = stage.event_loop();
        let sleepers = (0..SLEEPERS).map(|_| {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                for _ in 0..SLEEPS {
                    block_on(sleep_once(&stage));
                }
            })
        });
        for sleeper in sleepers.collect::<Vec<_>>() {
            sleeper.join().expect("a panic of the scene");
        }
        stage.kernel.end();
        event_loop.join().expect("a panic of the scene");
        assert_eq!(stage.timers.len(), 0);
    });
}
