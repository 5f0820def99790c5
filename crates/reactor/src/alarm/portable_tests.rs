//! Tests of the alarm that works without a timerfd; they run on every platform.

use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::{PlatformAlarm, before_wait};
use crate::alarm::Alarm;
use crate::clock::{Clock, Nanos, SystemClock, Timeline};
use crate::sync::{Arc, Mutex};

const WAKER: Token = Token(0);
const UNUSED: Token = Token(1);

fn alarm(poll: &Poll) -> Alarm {
    let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER).expect("a waker can be made"));
    let hardware = PlatformAlarm::new(poll.registry(), &waker, UNUSED).expect("it needs nothing");
    Alarm::new(Box::new(hardware))
}

/// A clock that only the test moves.
#[derive(Debug)]
struct Virtual(Mutex<Instant>);

impl Clock for Virtual {
    fn now(&self) -> Instant {
        *self.0.lock()
    }
}

#[test]
fn a_wait_lasts_until_the_armed_deadline_at_most() {
    let poll = Poll::new().expect("a poll can be made");
    let alarm = alarm(&poll);
    let clock = Arc::new(Virtual(Mutex::new(Instant::now())));
    let timeline = Timeline::start(Arc::<Virtual>::clone(&clock));
    let move_on = |nanos| *clock.0.lock() += Duration::from_nanos(nanos);
    let timeout = |asked| before_wait(&alarm, None, &timeline, asked);
    move_on(1000);
    assert_eq!(timeout(None), None);
    alarm.ring_by(Nanos(5000), &timeline);
    let (zero, short, exact, long) = (
        Duration::ZERO,
        Duration::from_nanos(10),
        Duration::from_nanos(4000),
        Duration::from_secs(1),
    );
    assert_eq!(timeout(None), Some(exact));
    assert_eq!(timeout(Some(short)), Some(short));
    assert_eq!(timeout(Some(long)), Some(exact));
    let owed = alarm.start_sweep().finish(Nanos(3000));
    assert!(owed.is_some());
    let left = before_wait(&alarm, owed, &timeline, None);
    assert_eq!(left, Some(Duration::from_nanos(2000)));
    // Overdue: do not wait at all.
    move_on(5000);
    assert_eq!(timeout(None), Some(zero));
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
