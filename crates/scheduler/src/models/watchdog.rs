//! The watchdog: what a stuck worker leaves undone is done by others, and nobody is left without the
//! driver.
//!
//! The stuck worker is played by this thread: the poll of its task looks in the watchdog's stead, and
//! does not return before somebody else has done what waits.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::shutdown::{join, start};
use heist_loom::{bounded, model};

use super::{Bell, Witness, thread};
use crate::block_on::block_on;
use crate::clock::Clock;
use crate::config::Config;
use crate::crew::{block_in_place, staff};
use crate::driver::{self, Driver, Unpark};
use crate::handle::Handle;
use crate::nap::Nap;
use crate::parker::{DriverSlot, Parker, Place};
use crate::sync::{Condvar, Mutex};
use crate::watchdog::Watchdog;
use crate::worker::{Launch, Tick};

/// Time stands still: what depends on it is not part of these scenes.
#[derive(Debug)]
struct Still(Instant);

impl Clock for Still {
    fn now(&self) -> Instant {
        self.0
    }
}

fn scheduler(workers: usize, driver: Box<dyn Driver>) -> (Handle, Vec<Launch>) {
    let mut config = Config::new(
        workers,
        Arc::new(|_, body| {
            thread(body);
            Ok(())
        }),
    );
    config.clock = Arc::new(Still(Instant::now()));
    config.max_spare_workers = 1;
    config.reporting.threshold = Duration::MAX;
    Handle::new(config, driver)
}

/// A driver of two events, each of which wakes one task.
#[derive(Clone, Debug)]
struct Events(loom::sync::Arc<(Mutex<Pending>, Condvar)>);

#[derive(Debug, Default)]
struct Pending {
    token: bool,
    happened: [bool; 2],
    wakers: [Option<Waker>; 2],
}

impl Pending {
    fn take_woken(&mut self) -> Vec<Waker> {
        let pairs = self.wakers.iter_mut().zip(self.happened);
        let woken = pairs.filter_map(|(waker, happened)| waker.take_if(|_| happened));
        woken.collect()
    }
}

impl Events {
    fn new() -> Self {
        Self(loom::sync::Arc::new((Mutex::default(), Condvar::new())))
    }

    fn happen(&self, event: usize) {
        self.0.0.lock().happened[event] = true;
        self.0.1.notify_one();
    }

    /// Ready when some worker has been told of the event.
    fn wait(&self, event: usize) -> impl Future<Output = ()> + Send + use<> {
        let (events, mut first) = (self.clone(), true);
        poll_fn(move |cx| {
            let mut pending = events.0.0.lock();
            if pending.happened[event] || !std::mem::take(&mut first) {
                return Poll::Ready(());
            }
            pending.wakers[event] = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl Driver for Events {
    fn park(&mut self, timeout: Option<Duration>) {
        let (pending, changed) = &*self.0;
        let mut guard = pending.lock();
        let woken = loop {
            let woken = guard.take_woken();
            if timeout.is_some() || guard.token || !woken.is_empty() {
                break woken;
            }
            guard = changed.wait(guard);
        };
        guard.token = false;
        drop(guard);
        woken.into_iter().for_each(Waker::wake);
    }

    fn unparker(&self) -> Arc<dyn Unpark> {
        Arc::new(self.clone())
    }
}

impl Unpark for Events {
    fn unpark(&self) {
        self.0.0.lock().token = true;
        self.0.1.notify_one();
    }
}

fn idle_driver() -> Box<dyn Driver> {
    Box::new(driver::Idle::default())
}

/// What a stuck poll does: the watchdog looks, until somebody else has done what waits.
fn stuck_until(handle: &Handle, done: impl Fn() -> bool) {
    let mut watchdog = Watchdog::new(handle);
    while !done() {
        let _ = watchdog.look();
        loom::thread::yield_now();
    }
}

/// A watchdog that goes to sleep while a worker wakes up sees it, or is woken by it.
#[test]
fn a_worker_that_wakes_up_is_seen_or_wakes_the_watchdog() {
    model(|| {
        let driver = loom::sync::Arc::new(DriverSlot::new(Box::new(driver::Idle::default())));
        let parker = loom::sync::Arc::new(Parker::new());
        let nap = loom::sync::Arc::new(Nap::new());
        let worker = {
            let (driver, parker, nap) = (driver.clone(), parker.clone(), nap.clone());
            thread(move || {
                let _ = parker.park(&driver);
                nap.worker_is_awake();
            })
        };
        let watchdog = {
            let (parker, nap) = (parker.clone(), nap.clone());
            thread(move || nap.sleep(|| parker.place() == Place::Awake))
        };
        parker.unpark(&driver);
        worker.join().expect("joins");
        watchdog.join().expect("joins");
    });
}

/// This thread is one worker, another thread the other one, until one of them shuts down.
fn run_both(handle: &Handle, launches: Vec<Launch>) {
    let [first, second] = launches.try_into().expect("two workers");
    let other = start(vec![second]);
    first.start().run();
    join(other);
    assert!(handle.wait_stopped(None));
    assert_eq!(handle.live_tasks(), 0);
}

/// An event is delivered although the worker that came back from the driver is stuck in a poll.
#[test]
fn a_sleeper_takes_the_driver_over_from_a_stuck_worker() {
    // Too long a way for two preemptions: with one it has tens of thousands of permutations.
    bounded(1, || {
        let events = Events::new();
        let (handle, launches) = scheduler(2, Box::new(events.clone()));
        let second = handle.spawn(events.wait(1), None);
        let (inner, first, happening) = (handle.clone(), events.wait(0), events.clone());
        let stuck = async move {
            first.await;
            events.happen(1);
            stuck_until(&inner, || second.is_finished());
            inner.shut_down();
        };
        drop(handle.spawn(stuck, None));
        happening.happen(0);
        run_both(&handle, launches);
    });
}

/// The task in a stuck worker's slot is run by the other worker.
#[test]
fn a_sleeper_takes_the_slot_of_a_stuck_worker() {
    // With two preemptions it takes minutes.
    bounded(1, || {
        let (handle, launches) = scheduler(2, idle_driver());
        let inner = handle.clone();
        let stuck = async move {
            let behind = inner.spawn(async { Witness::new() }, None);
            stuck_until(&inner, || behind.is_finished());
            inner.shut_down();
        };
        drop(handle.spawn(stuck, None));
        run_both(&handle, launches);
    });
}

/// With the only worker stuck, a spare one runs what waits, and is gone after the shutdown.
#[test]
fn a_spare_worker_goes_on_when_the_only_one_is_stuck() {
    model(|| {
        let (handle, launches) = scheduler(1, idle_driver());
        let inner = handle.clone();
        let stuck = async move {
            let behind = inner.spawn(async { Witness::new() }, None);
            stuck_until(&inner, || behind.is_finished());
        };
        let stuck = handle.spawn(stuck, None);
        let [launch] = launches.try_into().expect("one worker");
        let mut worker = launch.start();
        assert_eq!(worker.tick(), Tick::Ran);
        assert!(stuck.is_finished());
        handle.shut_down();
        drop(worker);
        assert!(handle.wait_stopped(None));
        assert_eq!(handle.live_tasks(), 0);
    });
}

/// Nothing is left undone by a spare worker that leaves, whether it was in the driver or had tasks.
#[test]
fn a_spare_worker_that_leaves_hands_on_its_tasks_and_the_driver() {
    // With two preemptions it takes minutes, for half a million permutations.
    bounded(1, || {
        let events = Events::new();
        let (handle, launches) = scheduler(1, Box::new(events.clone()));
        let waits = handle.spawn(events.wait(0), None);
        staff(&handle.shared, 1);
        let workers = start(launches);
        while !handle.shared.remotes[1].vitals.is_serving() {
            loom::thread::yield_now();
        }
        handle.shared.remotes[1].vitals.retire();
        handle.shared.unpark(1);
        events.happen(0);
        block_on(waits).expect("somebody delivers the event");
        handle.shut_down();
        join(workers);
        assert!(handle.wait_stopped(None));
    });
}

/// A task that blocks in place is waited for, and the tasks behind it run, on one core.
#[test]
fn block_in_place_leaves_the_core_to_one_thread() {
    model(|| {
        let (handle, launches) = scheduler(1, idle_driver());
        let inner = handle.clone();
        let blocks = async move {
            let done = Bell::new();
            let ring = done.waker();
            let behind = inner.spawn(
                async move {
                    ring.wake();
                    Witness::new()
                },
                None,
            );
            block_in_place(|| done.wait());
            behind.await.expect("it ran")
        };
        let task = handle.spawn(blocks, None);
        let workers = start(launches);
        drop(block_on(task).expect("ends"));
        handle.shut_down();
        join(workers);
        assert!(handle.wait_stopped(None));
        assert_eq!(handle.live_tasks(), 0);
    });
}

/// At a shutdown the tasks behind a stuck one are cancelled while it is stuck.
#[test]
fn the_watchdog_cancels_what_a_stuck_worker_cannot() {
    model(|| {
        let (handle, launches) = scheduler(1, idle_driver());
        let (inner, watchdog) = (handle.clone(), Watchdog::new(&handle));
        let stuck = async move {
            let witness = Witness::new();
            let behind = inner.spawn(
                async move {
                    std::future::pending::<()>().await;
                    drop(witness);
                },
                None,
            );
            inner.shut_down();
            let watchdog = thread(move || watchdog.clean_up());
            while !behind.is_finished() {
                loom::thread::yield_now();
            }
            watchdog
        };
        let stuck = handle.spawn(stuck, None);
        let [launch] = launches.try_into().expect("one worker");
        let mut worker = launch.start();
        assert_eq!(worker.tick(), Tick::Ran);
        assert_eq!(worker.tick(), Tick::Stop);
        drop(worker);
        assert!(handle.wait_stopped(None));
        assert_eq!(handle.live_tasks(), 0);
        let watchdog = block_on(stuck).expect("it ended");
        watchdog.join().expect("joins");
    });
}

/// A shutdown is not complete while the watchdog still holds what it has taken out of a queue.
#[test]
fn nothing_lives_once_the_watchdog_has_cleaned_up() {
    model(|| {
        let (handle, launches) = scheduler(1, idle_driver());
        let (inner, watchdog) = (handle.clone(), Watchdog::new(&handle));
        let spawns = async move { drop(inner.spawn(std::future::pending::<()>(), None)) };
        drop(handle.spawn(spawns, None));
        let [launch] = launches.try_into().expect("one worker");
        let mut worker = launch.start();
        assert_eq!(worker.tick(), Tick::Ran);
        handle.shut_down();
        let watchdog = thread(move || watchdog.clean_up());
        drop(worker);
        assert!(handle.wait_stopped(None));
        assert_eq!(handle.live_tasks(), 0);
        watchdog.join().expect("joins");
    });
}

/// A spare worker whose thread comes after the last worker has gone leaves it at that.
#[test]
fn a_spare_worker_that_comes_too_late_does_not_serve() {
    model(|| {
        let (handle, launches) = scheduler(1, idle_driver());
        staff(&handle.shared, 1);
        handle.shut_down();
        drop(launches);
        assert!(handle.wait_stopped(None));
        // The counts are still as they were when the crew's thread has gone, too.
        assert!(handle.wait_stopped(None));
    });
}

/// A driver that tells when it is dropped.
#[derive(Debug)]
struct Ends(driver::Idle, Option<Waker>);

impl Driver for Ends {
    fn park(&mut self, timeout: Option<Duration>) {
        self.0.park(timeout);
    }

    fn unparker(&self) -> Arc<dyn Unpark> {
        self.0.unparker()
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.1.take().into_iter().for_each(Waker::wake);
    }
}

/// A shutdown at any moment of `block_in_place` ends the driver, though the blocking thread waits for
/// just that, and leaves no task.
#[test]
fn a_shutdown_does_not_wait_for_block_in_place_to_end_the_driver() {
    bounded(1, || {
        let end = Bell::new();
        let driver = Ends(driver::Idle::default(), Some(end.waker()));
        let (handle, launches) = scheduler(1, Box::new(driver));
        let inner = handle.clone();
        let blocks = async move {
            let behind = inner.spawn(async { Witness::new() }, None);
            let stops = thread(move || inner.shut_down());
            block_in_place(|| end.wait());
            drop(behind);
            stops.join().expect("joins");
        };
        let task = handle.spawn(blocks, None);
        let [launch] = launches.try_into().expect("one worker");
        launch.start().run();
        assert!(handle.wait_stopped(None));
        assert!(task.is_finished());
        assert_eq!(handle.live_tasks(), 0);
        assert_eq!(handle.injector_depth(), 0);
    });
}
