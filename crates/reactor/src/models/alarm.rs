//! The next deadline: those who arm timers against the thread that sweeps.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use super::{Bell, Stage, model};
use crate::alarm::Owed;
use crate::timer::Timer;

/// A timer armed in a shard, and the bell it rings.
fn arm(stage: &Stage, shard: usize, nanos: u64) -> (Timer, Arc<Bell>) {
    let bell = Bell::new();
    let mut timer = stage.timers.timer_in(shard);
    timer
        .arm(stage.at(nanos), &Waker::from(Arc::clone(&bell)))
        .expect("the reactor has not shut down");
    (timer, bell)
}

/// The alarm is set for a timer that is armed while a sweep fires others of its shard.
#[test]
fn a_timer_armed_during_a_sweep_is_not_forgotten() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (_due, bell) = arm(&stage, 0, 10);
        stage.clock.move_to(10);
        let other = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || arm(&stage, 0, 20))
        };
        assert_eq!(stage.sweep(), 1);
        let _later = other.join().expect("joins");
        assert_eq!(bell.times_rung(), 1);
        assert_eq!(stage.alarm.is_set_to(), Some(20));
    });
}

/// The alarm is set for a timer armed in a shard that the sweep has been through already.
#[test]
fn a_timer_armed_in_a_shard_the_sweep_has_left_is_not_forgotten() {
    model(|| {
        let stage = Arc::new(Stage::new(2));
        let (_due, _bell) = arm(&stage, 1, 10);
        let (_last, _bell) = arm(&stage, 1, 30);
        stage.clock.move_to(10);
        let other = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || arm(&stage, 0, 20))
        };
        assert_eq!(stage.sweep(), 1);
        let _later = other.join().expect("joins");
        assert_eq!(stage.alarm.is_set_to(), Some(20));
    });
}

/// Of two timers armed at once, in shards of their own, the earlier one has the alarm.
#[test]
fn the_alarm_is_set_to_the_earlier_of_two_timers() {
    model(|| {
        let stage = Arc::new(Stage::new(2));
        let other = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || arm(&stage, 1, 20))
        };
        let _later = arm(&stage, 0, 30);
        let _earlier = other.join().expect("joins");
        assert_eq!(stage.alarm.is_set_to(), Some(20));
    });
}

/// The alarm is set for a timer that is moved to an earlier deadline during a sweep.
#[test]
fn a_reset_to_an_earlier_deadline_during_a_sweep_is_not_forgotten() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (_due, _bell) = arm(&stage, 0, 10);
        let (mut timer, _bell) = arm(&stage, 0, 40);
        stage.clock.move_to(10);
        let other = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                timer.reset(stage.at(20));
                timer
            })
        };
        assert_eq!(stage.sweep(), 1);
        let _timer = other.join().expect("joins");
        assert_eq!(stage.alarm.is_set_to(), Some(20));
    });
}

/// A sweep at 10 that owes the alarm the setting to 40, and the timers of both.
fn owing(stage: &Stage) -> (Option<Owed>, [(Timer, Arc<Bell>); 2]) {
    let timers = [10, 40].map(|nanos| arm(stage, 0, nanos));
    stage.clock.move_to(10);
    (stage.fire(), timers)
}

/// A thread that owes the alarm a setting leaves alone what another one has set meanwhile, by a later
/// reading of the clock.
#[test]
fn what_is_owed_is_not_paid_over_an_earlier_timer() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (owed, _timers) = owing(&stage);
        let other = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                stage.clock.move_to(15);
                arm(&stage, 0, 20)
            })
        };
        stage.pay(owed);
        let _earlier = other.join().expect("joins");
        assert_eq!(stage.alarm.is_set_to(), Some(20));
    });
}

/// Neither does it what was set anew after a change of the clock.
#[test]
fn what_is_owed_is_not_paid_over_a_changed_clock() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let (owed, _timers) = owing(&stage);
        let other = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || {
                stage.clock.move_to(30);
                stage.timers.set_alarm_anew();
            })
        };
        stage.pay(owed);
        other.join().expect("joins");
        assert_eq!(stage.alarm.is_set_to(), Some(40));
    });
}

/// A deadline that was set by an old reading of the clock is set anew by the sweep that follows its change.
#[test]
fn an_old_reading_of_the_clock_does_not_stay() {
    model(|| {
        let stage = Arc::new(Stage::new(1));
        let other = {
            let stage = Arc::clone(&stage);
            thread::spawn(move || arm(&stage, 0, 40))
        };
        stage.clock.move_to(30);
        stage.timers.set_alarm_anew();
        let _later = other.join().expect("joins");
        assert_eq!(stage.alarm.is_set_to(), Some(40));
    });
}
