//! Firing against cancelling, resetting, polling again, and shutdown.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::thread;

use super::{Bell, Stage, block_on, model, wait_until_ready};
use crate::sleep::Sleep;
use crate::wake_batch::WakeBatch;

fn sleep_until(stage: &Stage, shard: usize, nanos: u64) -> Sleep {
    Sleep::with_timer(stage.at(nanos), stage.timers.timer_in(shard))
}

fn poll_once(sleep: &mut Sleep, bell: &Arc<Bell>) -> Poll<()> {
    let waker = Waker::from(Arc::clone(bell));
    Pin::new(sleep).poll(&mut Context::from_waker(&waker))
}

/// A sleep begun while the reactor idles is noticed by it, and ends.
#[test]
fn a_sleep_ends_when_its_deadline_comes() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let sleeper = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                block_on(sleep_until(&stage, 0, 20));
                stage.alarm.unpark();
            })
        };
        stage.turn_until_unparked();
        sleeper.join().expect("joins");
    });
}

/// A sleep begun while another one fires gets its turn.
#[test]
fn a_sleep_begun_while_another_fires_ends_too() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (mut first, bell) = (sleep_until(&stage, 0, 10), Bell::new());
        assert!(poll_once(&mut first, &bell).is_pending());
        let sleeper = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                block_on(sleep_until(&stage, 0, 20));
                stage.alarm.unpark();
            })
        };
        stage.turn_until_unparked();
        sleeper.join().expect("joins");
        assert_eq!(bell.times_rung(), 1);
    });
}

/// The waker of a sleep's last poll is the one that is woken.
#[test]
fn a_sleep_polled_with_another_waker_wakes_that_one() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let mut sleep = sleep_until(&stage, 0, 10);
        assert!(poll_once(&mut sleep, &Bell::new()).is_pending());
        let sleeper = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                block_on(sleep);
                stage.alarm.unpark();
            })
        };
        stage.turn_until_unparked();
        sleeper.join().expect("joins");
    });
}

/// A sleep dropped while it fires leaves neither a waker nor an entry.
#[test]
fn a_sleep_cancelled_while_it_fires_leaves_nothing_behind() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (mut sleep, bell) = (sleep_until(&stage, 0, 10), Bell::new());
        assert!(poll_once(&mut sleep, &bell).is_pending());
        stage.clock.move_to(10);
        let owner = thread::spawn(move || drop(sleep));
        let fired = stage.sweep();
        owner.join().expect("joins");
        assert_eq!(bell.times_rung(), fired);
        assert_eq!(Arc::strong_count(&bell), 1, "nobody keeps the waker");
        assert_eq!(stage.timers.len(), 0);
    });
}

/// A sleep dropped while it fires does not take the entry of the next one along.
#[test]
fn a_sleep_cancelled_while_it_fires_does_not_free_its_successor() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (mut sleep, bell) = (sleep_until(&stage, 0, 10), Bell::new());
        assert!(poll_once(&mut sleep, &bell).is_pending());
        stage.clock.move_to(10);
        let owner = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                drop(sleep);
                let (mut next, bell) = (sleep_until(&stage, 0, 30), Bell::new());
                assert!(poll_once(&mut next, &bell).is_pending());
                (next, bell)
            })
        };
        stage.sweep();
        let (mut next, next_bell) = owner.join().expect("joins");
        assert_eq!(next_bell.times_rung(), 0);
        stage.clock.move_to(30);
        assert_eq!(stage.sweep(), 1);
        assert_eq!(next_bell.times_rung(), 1);
        assert!(poll_once(&mut next, &next_bell).is_ready());
    });
}

/// A sleep moved to a later deadline while it fires is woken there, and at most once before.
#[test]
fn a_sleep_reset_while_it_fires_ends_at_its_new_deadline() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (mut sleep, bell) = (sleep_until(&stage, 0, 10), Bell::new());
        assert!(poll_once(&mut sleep, &bell).is_pending());
        stage.clock.move_to(10);
        let owner = {
            let (stage, bell) = (Arc::clone(&stage), Arc::clone(&bell));
            thread::spawn(move || {
                sleep.reset(stage.at(30));
                // The old deadline has come, so the owner polls again.
                assert!(poll_once(&mut sleep, &bell).is_pending());
                sleep
            })
        };
        let early = stage.sweep();
        let mut sleep = owner.join().expect("joins");
        assert_eq!(bell.times_rung(), early);
        stage.clock.move_to(30);
        assert_eq!(stage.sweep(), 1);
        assert_eq!(bell.times_rung(), early + 1);
        assert!(poll_once(&mut sleep, &bell).is_ready());
    });
}

/// A timer armed during the shutdown is refused, or woken and told.
#[test]
fn shutdown_wakes_a_timer_that_is_about_to_be_armed() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let owner = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                let mut timer = stage.timers.timer_in(0);
                wait_until_ready(|cx| match timer.arm(stage.at(20), cx.waker()) {
                    Ok(()) => Poll::Pending,
                    Err(_) => Poll::Ready(()),
                });
            })
        };
        stage.timers.shut_down(&mut WakeBatch::new());
        owner.join().expect("joins");
        assert_eq!(stage.timers.len(), 0);
    });
}

/// A timer whose waker is replaced during the shutdown is woken through the new one, or told.
#[test]
fn shutdown_wakes_a_timer_whose_waker_is_being_replaced() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let bell = Bell::new();
        let mut timer = stage.timers.timer_in(0);
        timer
            .arm(stage.at(20), &Waker::from(bell))
            .expect("the reactor has not shut down");
        let owner = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                wait_until_ready(|cx| match timer.arm(stage.at(20), cx.waker()) {
                    Ok(()) => Poll::Pending,
                    Err(_) => Poll::Ready(()),
                });
            })
        };
        stage.timers.shut_down(&mut WakeBatch::new());
        owner.join().expect("joins");
    });
}
