//! Sleeps against the real clock, and against one that the test moves.

use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Bell, Note, block_on, deadline, poll_once, poll_with, reactor, turn_until};
use heist_reactor::{Clock, Config, Handle, Reactor, Sleep};

const HOUR: Duration = Duration::from_secs(3600);

fn after(reactor: &Reactor, duration: Duration) -> Sleep {
    Sleep::after_with_handle(duration, reactor.handle())
}

fn poll(sleep: &mut Sleep, bell: &Arc<Bell>) -> Poll<()> {
    poll_with(bell, |cx| Pin::new(sleep).poll(cx))
}

fn armed(reactor: &Reactor) -> usize {
    reactor.handle().metrics().timers_armed
}

#[test]
fn a_sleep_goes_wherever_its_owner_goes() {
    fn check<T: Future<Output = ()> + Send + Sync + Unpin + Debug + 'static>() {}
    check::<Sleep>();
}

#[test]
fn no_sleep_ends_before_its_deadline() {
    let _deadline = deadline();
    let mut reactor = reactor();
    for micros in [0, 1, 10, 99, 100, 300, 999, 1000, 1001, 2500, 10_000] {
        let sleep = after(&reactor, Duration::from_micros(micros));
        let until = sleep.deadline();
        block_on(&mut reactor, sleep);
        assert!(Instant::now() >= until, "{micros} µs");
    }
}

#[test]
fn sleeps_end_in_the_order_of_their_deadlines() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let log = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let mut sleeps = Vec::new();
    for name in [5_u64, 1, 4, 2, 3] {
        let until = start + Duration::from_millis(10 * name);
        let mut sleep = Sleep::until_with_handle(until, reactor.handle());
        let log = Arc::clone(&log);
        let waker = Waker::from(Arc::new(Note { name, log }));
        if Pin::new(&mut sleep)
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            return; // the machine has been away for longer than the test sleeps
        }
        sleeps.push(sleep);
    }
    let fired = || log.lock().expect("never held at a panic").clone();
    turn_until(&mut reactor, || fired().len() == 5);
    assert_eq!(fired(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_sleep_of_nothing_is_over_at_once() {
    let _deadline = deadline();
    let reactor = reactor();
    let mut sleep = after(&reactor, Duration::ZERO);
    assert!(poll_once(|cx| Pin::new(&mut sleep).poll(cx)).is_ready());
    let past = Instant::now()
        .checked_sub(HOUR)
        .unwrap_or_else(Instant::now);
    let mut sleep = Sleep::until_with_handle(past, reactor.handle());
    assert!(poll_once(|cx| Pin::new(&mut sleep).poll(cx)).is_ready());
    assert!(sleep.is_elapsed());
    assert_eq!(armed(&reactor), 0);
}

#[test]
fn a_sleep_of_the_longest_duration_waits() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut sleep = after(&reactor, Duration::MAX);
    assert!(sleep.deadline() > Instant::now() + 24 * 365 * 20 * HOUR);
    assert!(poll(&mut sleep, &Bell::new()).is_pending());
    // It does not keep others from ending, nor the alarm from being set.
    let short = after(&reactor, Duration::from_millis(1));
    block_on(&mut reactor, short);
    assert!(poll(&mut sleep, &Bell::new()).is_pending());
}

#[test]
fn a_sleep_enters_the_reactor_when_polled_and_leaves_it_when_dropped() {
    let _deadline = deadline();
    let reactor = reactor();
    let mut sleep = after(&reactor, HOUR);
    assert_eq!(armed(&reactor), 0);
    for _ in 0..3 {
        assert!(poll(&mut sleep, &Bell::new()).is_pending());
        assert_eq!(armed(&reactor), 1);
    }
    let bell = Bell::new();
    assert!(poll(&mut sleep, &bell).is_pending());
    thread::spawn(move || drop(sleep))
        .join()
        .expect("the drop does not panic");
    assert_eq!(armed(&reactor), 0);
    assert_eq!(Arc::strong_count(&bell), 1, "the waker is gone");
}

#[test]
fn a_sleep_wakes_the_last_waker_it_was_polled_with() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut sleep = after(&reactor, Duration::from_millis(20));
    let bells = [Bell::new(), Bell::new()];
    for bell in &bells {
        if poll(&mut sleep, bell).is_ready() {
            return; // the machine has been away for longer than the test sleeps
        }
    }
    turn_until(&mut reactor, || bells[1].times_rung() == 1);
    assert_eq!(bells[0].times_rung(), 0);
}

#[test]
fn a_waiting_sleep_can_be_reset_either_way_without_another_poll() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let bell = Bell::new();
    let mut sleep = after(&reactor, HOUR);
    assert!(poll(&mut sleep, &bell).is_pending());
    sleep.reset(Instant::now() + 2 * HOUR);
    let soon = Instant::now() + Duration::from_millis(5);
    sleep.reset(soon);
    assert_eq!(sleep.deadline(), soon);
    turn_until(&mut reactor, || bell.times_rung() == 1);
    assert!(Instant::now() >= soon);
    assert!(poll(&mut sleep, &bell).is_ready());
}

#[test]
fn a_sleep_reset_to_later_does_not_end_at_its_old_deadline() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let bell = Bell::new();
    let mut sleep = after(&reactor, Duration::from_millis(5));
    if poll(&mut sleep, &bell).is_ready() {
        return; // the machine has been away for longer than the test sleeps
    }
    sleep.reset(Instant::now() + HOUR);
    let other = after(&reactor, Duration::from_millis(10));
    block_on(&mut reactor, other);
    assert_eq!(bell.times_rung(), 0);
    assert!(poll(&mut sleep, &bell).is_pending());
    assert_eq!(armed(&reactor), 1);
}

#[test]
fn a_sleep_that_is_over_can_be_used_again() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut sleep = after(&reactor, Duration::from_millis(1));
    for _ in 0..5 {
        block_on(&mut reactor, &mut sleep);
        assert!(sleep.is_elapsed());
        let next = Instant::now() + Duration::from_millis(1);
        sleep.reset(next);
        assert_eq!(sleep.deadline(), next);
    }
}

#[test]
fn thousands_of_sleeps_all_end_and_leave_nothing_behind() {
    let _deadline = deadline();
    let config = Config {
        max_events: 16, // so that a turn has to leave some for the next
        ..Config::default()
    };
    let mut reactor = Reactor::new(config).expect("a reactor can be made");
    let bell = Bell::new();
    let start = Instant::now();
    let mut sleeps: Vec<_> = (0..5000)
        .map(|i| start + Duration::from_micros(i * 7919 % 50_000))
        .map(|until| Sleep::until_with_handle(until, reactor.handle()))
        .collect();
    sleeps.retain_mut(|sleep| poll(sleep, &bell).is_pending());
    turn_until(&mut reactor, || bell.times_rung() == sleeps.len());
    for sleep in &mut sleeps {
        assert!(poll(sleep, &bell).is_ready());
    }
    assert_eq!(armed(&reactor), 0);
    assert_eq!(reactor.handle().metrics().timers_fired, sleeps.len() as u64);
}

#[test]
fn another_thread_shortens_a_wait_that_has_begun() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut far = after(&reactor, HOUR);
    assert!(poll(&mut far, &Bell::new()).is_pending());
    let handle = reactor.handle().clone();
    let bell = Bell::new();
    let other = {
        let bell = Arc::clone(&bell);
        thread::spawn(move || {
            let mut sleep = Sleep::after_with_handle(Duration::from_millis(20), &handle);
            if poll(&mut sleep, &bell).is_ready() {
                bell.wake(); // the machine has been away
                handle.unpark();
            }
            sleep
        })
    };
    turn_until(&mut reactor, || bell.times_rung() == 1);
    drop(other.join().expect("the thread does not panic"));
}

#[test]
fn sleeps_of_many_threads_end_while_others_come_and_go() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let over = Bell::new();
    let threads: Vec<_> = (0..4_u64)
        .map(|seed| {
            let (handle, over) = (reactor.handle().clone(), Arc::clone(&over));
            thread::spawn(move || {
                for i in 0..300 {
                    let micros = (seed * 7 + i * 13) % 400;
                    let mut sleep =
                        Sleep::after_with_handle(Duration::from_micros(micros), &handle);
                    let mut abandoned = Sleep::after_with_handle(HOUR, &handle);
                    assert!(poll(&mut abandoned, &Bell::new()).is_pending());
                    let thread = thread::current();
                    let waker = Waker::from(Arc::new(Unpark(thread)));
                    let mut cx = Context::from_waker(&waker);
                    while Pin::new(&mut sleep).poll(&mut cx).is_pending() {
                        thread::park();
                    }
                    assert!(sleep.is_elapsed());
                }
                over.wake();
                handle.unpark();
            })
        })
        .collect();
    turn_until(&mut reactor, || over.times_rung() == 4);
    for thread in threads {
        thread.join().expect("the thread does not panic");
    }
    assert_eq!(armed(&reactor), 0);
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A clock that only the test moves.
#[derive(Debug)]
struct Virtual(Mutex<Instant>);

impl Virtual {
    fn move_to(&self, instant: Instant) {
        *self.0.lock().expect("never held at a panic") = instant;
    }
}

impl Clock for Virtual {
    fn now(&self) -> Instant {
        *self.0.lock().expect("never held at a panic")
    }
}

#[test]
fn expiry_follows_the_reactors_own_clock() {
    let _deadline = deadline();
    let start = Instant::now();
    let clock = Arc::new(Virtual(Mutex::new(start)));
    let config = Config {
        clock: Arc::<Virtual>::clone(&clock),
        ..Config::default()
    };
    let mut reactor = Reactor::new(config).expect("a reactor can be made");
    assert_eq!(reactor.handle().now(), start);
    assert_eq!(reactor.handle().next_deadline(), None);
    let bell = Bell::new();
    let mut days: Vec<_> = [3, 1, 2]
        .map(|days| after(&reactor, 24 * days * HOUR))
        .into();
    for sleep in &mut days {
        assert!(poll(sleep, &bell).is_pending());
    }
    for fired in 1..=3 {
        let next = reactor.handle().next_deadline().expect("a timer is armed");
        assert_eq!(next, start + 24 * fired * HOUR);
        clock.move_to(next - Duration::from_nanos(1));
        assert_eq!(
            reactor
                .turn(Some(Duration::ZERO))
                .expect("a turn does not fail")
                .timers,
            0
        );
        clock.move_to(next);
        assert_eq!(
            reactor
                .turn(Some(Duration::ZERO))
                .expect("a turn does not fail")
                .timers,
            1
        );
        assert_eq!(bell.times_rung(), fired as usize);
    }
    assert_eq!(reactor.handle().next_deadline(), None);
}

#[test]
fn a_sleep_of_a_reactor_that_has_shut_down_says_so() {
    let _deadline = deadline();
    let reactor = reactor();
    let (mut waiting, mut idle) = (after(&reactor, HOUR), after(&reactor, HOUR));
    let mut over = after(&reactor, Duration::ZERO);
    let bell = Bell::new();
    assert!(poll(&mut waiting, &bell).is_pending());
    drop(reactor);
    assert_eq!(bell.times_rung(), 1);
    for sleep in [&mut waiting, &mut idle] {
        let panic = catch_unwind(AssertUnwindSafe(|| poll(sleep, &bell)));
        let message = panic.expect_err("nobody would ever wake this");
        let message = message.downcast_ref::<&str>().expect("a literal message");
        assert!(message.contains("the Heist runtime this timer belongs to has shut down"));
    }
    assert!(poll(&mut over, &bell).is_ready());
}

#[test]
fn a_sleep_outside_a_reactor_names_the_remedy() {
    assert!(Handle::try_current().is_none());
    let panic = catch_unwind(|| Sleep::after(HOUR)).expect_err("there is no reactor");
    let message = panic.downcast_ref::<&str>().expect("a literal message");
    assert!(message.contains("`Runtime::enter` guard"), "{message}");
}

/// A sweep leaves the alarm as it is; the turn that waits sets it, be the next deadline far or so near
/// that it is waited for awake. A turn that ends for another reason must not forget that.
#[test]
fn what_a_sweep_leaves_to_be_set_is_set_before_the_wait() {
    let _deadline = deadline();
    for left in [Duration::from_micros(15), Duration::from_millis(5)] {
        let start = Instant::now();
        let clock = Arc::new(Virtual(Mutex::new(start)));
        let config = Config {
            clock: Arc::<Virtual>::clone(&clock),
            ..Config::default()
        };
        let mut reactor = Reactor::new(config).expect("a reactor can be made");
        let bell = Bell::new();
        let first = Duration::from_nanos(1);
        let mut sleeps = [first, first + left].map(|length| after(&reactor, length));
        for sleep in &mut sleeps {
            assert!(poll(sleep, &bell).is_pending());
        }
        clock.move_to(start + first);
        // The alarm of the first one rings by the system's time: it must not be mistaken for another.
        thread::sleep(Duration::from_millis(1));
        let mut turn = |timeout| reactor.turn(timeout).expect("a turn does not fail").timers;
        assert_eq!(turn(Some(Duration::ZERO)), 1);
        assert_eq!(turn(Some(Duration::ZERO)), 0);
        reactor.handle().unpark();
        let mut turn = |timeout| reactor.turn(timeout).expect("a turn does not fail").timers;
        assert_eq!(turn(None), 0);
        // By this clock nothing is due yet, but as much real time passes, which ends the wait.
        assert_eq!(turn(None), 0);
        clock.move_to(start + first + left);
        assert_eq!(turn(Some(Duration::ZERO)), 1);
        assert_eq!(bell.times_rung(), 2);
    }
}
