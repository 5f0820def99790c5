//! Tests of the alarm that works without a timerfd; they run on every platform.

use std::time::Duration;

use mio::{Events, Poll, Token};

use super::{PlatformAlarm, wait_timeout};
use crate::alarm::Alarm;
use crate::clock::{Nanos, SystemClock, Timeline};
use crate::sync::Arc;

const WAKER: Token = Token(0);
const UNUSED: Token = Token(1);

fn alarm(poll: &Poll) -> Alarm {
    let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER).expect("a waker can be made"));
    let hardware = PlatformAlarm::new(poll.registry(), &waker, UNUSED).expect("it needs nothing");
    Alarm::new(Box::new(hardware))
}

#[test]
fn a_wait_lasts_until_the_armed_deadline_at_most() {
    let poll = Poll::new().expect("a poll can be made");
    let alarm = alarm(&poll);
    let timeline = Timeline::start(Arc::new(SystemClock));
    let timeout = |asked| wait_timeout(&alarm, || Nanos(1000), asked);
    assert_eq!(timeout(None), None);
    alarm.ring_by(Nanos(5000), &timeline);
    let (zero, short, exact, long) = (
        Duration::ZERO,
        Duration::from_nanos(10),
        Duration::from_nanos(4000),
        Duration::from_secs(1),
    );
    assert_eq!(timeout(None), Some(exact));
    assert_eq!(timeout(Some(zero)), Some(zero));
    assert_eq!(timeout(Some(short)), Some(short));
    assert_eq!(timeout(Some(long)), Some(exact));
    // Overdue: do not wait at all.
    assert_eq!(wait_timeout(&alarm, || Nanos(6000), None), Some(zero));
}

#[test]
fn an_earlier_deadline_wakes_the_thread_that_waits() {
    let mut poll = Poll::new().expect("a poll can be made");
    let alarm = alarm(&poll);
    let timeline = Timeline::start(Arc::new(SystemClock));
    let mut events = Events::with_capacity(4);
    let mut woken = |poll: &mut Poll| {
        poll.poll(&mut events, Some(Duration::ZERO))
            .expect("a poll does not fail");
        events.iter().any(|event| event.token() == WAKER)
    };
    alarm.ring_by(Nanos(5000), &timeline);
    assert!(woken(&mut poll));
    alarm.ring_by(Nanos(6000), &timeline);
    assert!(!woken(&mut poll));
    alarm.ring_by(Nanos(4000), &timeline);
    assert!(woken(&mut poll));
}
