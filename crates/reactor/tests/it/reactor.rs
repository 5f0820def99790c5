//! Turning, unparking, entering, and the budget.

use std::cell::Cell;
use std::future::Future;
use std::io::{ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use crate::support::{Bell, deadline, poll_once, poll_with, reactor, tcp_pair, turn_until};
use heist_reactor::{
    Config, Coop, Direction, Handle, Interest, Reactor, Registration, Sleep, Turn,
};

#[test]
fn unpark_before_a_turn_makes_it_return_at_once() {
    let _deadline = deadline();
    let mut reactor = reactor();
    for _ in 0..3 {
        reactor.handle().unpark();
        reactor.handle().unpark();
        let turn = reactor.turn(None).expect("a turn does not fail");
        assert_eq!(turn, Turn::default());
    }
}

#[test]
fn unpark_from_another_thread_ends_each_turn() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let bell = Bell::new();
    let other = {
        let (handle, bell) = (reactor.handle().clone(), Arc::clone(&bell));
        thread::spawn(move || {
            for round in 1..=1000 {
                Arc::clone(&bell).wake();
                handle.unpark();
                if round % 100 == 0 {
                    thread::yield_now();
                }
            }
        })
    };
    turn_until(&mut reactor, || bell.times_rung() == 1000);
    other.join().expect("the thread does not panic");
}

#[test]
fn a_turn_that_only_polls_does_not_wait() {
    let _deadline = deadline();
    let mut reactor = reactor();
    for _ in 0..100 {
        let turn = reactor
            .turn(Some(Duration::ZERO))
            .expect("a turn does not fail");
        assert_eq!(turn, Turn::default());
    }
}

#[cfg(unix)]
#[test]
fn a_signal_that_interrupts_a_turn_is_no_error() {
    use std::process::{self, Command};

    let _deadline = deadline();
    let mut reactor = reactor();
    let bell = Bell::new();
    let other = {
        let (handle, bell) = (reactor.handle().clone(), Arc::clone(&bell));
        thread::spawn(move || {
            // A process that is stopped and continued finds its waits interrupted.
            let status = Command::new("sh")
                .args(["-c", "kill -STOP $0; kill -CONT $0"])
                .arg(process::id().to_string())
                .status()
                .expect("there is a shell");
            assert!(status.success());
            bell.wake();
            handle.unpark();
        })
    };
    turn_until(&mut reactor, || bell.times_rung() == 1);
    other.join().expect("the thread does not panic");
}

#[test]
fn different_threads_may_turn_the_reactor_in_succession() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let (mut peer, mut stream) = tcp_pair();
    let registration = Registration::with_handle(&mut stream, Interest::READABLE, reactor.handle())
        .expect("a socket can be registered");
    for _ in 0..10 {
        let bell = Bell::new();
        let mut sleep = Sleep::after_with_handle(Duration::from_micros(50), reactor.handle());
        let asleep = poll_with(&bell, |cx| Pin::new(&mut sleep).poll(cx)).is_pending();
        let wait = poll_with(&bell, |cx| registration.poll_ready(cx, Direction::Read));
        assert!(wait.is_pending());
        peer.write_all(b"x").expect("room in the socket");
        let expected = 1 + usize::from(asleep);
        reactor = thread::spawn(move || {
            turn_until(&mut reactor, || bell.times_rung() == expected);
            reactor
        })
        .join()
        .expect("the thread does not panic");
        let read = || (&stream).read(&mut [0; 8]);
        assert_eq!(registration.try_io(Interest::READABLE, read).ok(), Some(1));
        assert!(registration.try_io(Interest::READABLE, read).is_err());
    }
}

#[test]
fn sockets_come_and_go_on_one_thread_while_another_turns() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let handle = reactor.handle().clone();
    let bell = Bell::new();
    let other = {
        let bell = Arc::clone(&bell);
        let handle = handle.clone();
        thread::spawn(move || {
            for round in 0..500 {
                let (mut peer, mut stream) = tcp_pair();
                let registration =
                    Registration::with_handle(&mut stream, Interest::READABLE, &handle)
                        .expect("a socket can be registered");
                let _ = poll_once(|cx| registration.poll_ready(cx, Direction::Read));
                peer.write_all(b"x").expect("room in the socket");
                match round % 3 {
                    0 => drop((registration, stream)),
                    1 => drop((stream, registration)),
                    _ => registration
                        .deregister(&mut stream)
                        .expect("the source is registered"),
                }
            }
            bell.wake();
            handle.unpark();
        })
    };
    turn_until(&mut reactor, || bell.times_rung() == 1);
    other.join().expect("the thread does not panic");
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn entering_nests_and_brings_back_what_was_before() {
    let (outer, inner) = (reactor(), reactor());
    let is = |reactor: &Reactor| {
        // Two handles of one reactor share its counters and nothing else tells them apart.
        let before = reactor.handle().metrics().registered;
        let (_peer, mut stream) = tcp_pair();
        let _registration =
            Registration::new(&mut stream, Interest::READABLE).expect("a socket can be registered");
        reactor.handle().metrics().registered == before + 1
    };
    assert!(Handle::try_current().is_none());
    let entered = outer.handle().enter();
    assert!(is(&outer));
    {
        let _entered = inner.handle().enter();
        assert!(is(&inner) && !is(&outer));
    }
    assert!(is(&outer));
    drop(entered);
    assert!(Handle::try_current().is_none());
}

#[test]
#[should_panic = "no reactor on this thread: call from inside `Runtime::block_on`"]
fn the_current_reactor_outside_of_one_names_the_remedy() {
    let _ = Handle::current();
}

thread_local! {
    static BUDGET: Cell<u32> = const { Cell::new(0) };
}

fn coop() -> Coop {
    Coop {
        poll_budget: |cx| match BUDGET.get() {
            0 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        },
        spend: || BUDGET.set(BUDGET.get() - 1),
    }
}

#[test]
fn operations_spend_the_budget_once_for_each_progress() {
    let _deadline = deadline();
    let config = Config {
        coop: coop(),
        ..Config::default()
    };
    let reactor = Reactor::new(config).expect("a reactor can be made");
    let (_peer, mut stream) = tcp_pair();
    let registration = Registration::with_handle(&mut stream, Interest::WRITABLE, reactor.handle())
        .expect("a socket can be registered");
    let bell = Bell::new();
    let mut calls = 0;
    let mut write = |answer: fn() -> std::io::Result<()>| {
        poll_with(&bell, |cx| {
            registration.poll_io(cx, Direction::Write, || {
                calls += 1;
                answer()
            })
        })
    };
    let mut sleep = Sleep::after_with_handle(Duration::ZERO, reactor.handle());

    BUDGET.set(2);
    assert!(write(|| Ok(())).is_ready());
    assert_eq!(BUDGET.get(), 1);
    assert!(write(|| Err(ErrorKind::BrokenPipe.into())).is_ready());
    assert_eq!(BUDGET.get(), 0);
    assert!(write(|| Ok(())).is_pending());
    let waker = Waker::from(Arc::clone(&bell));
    assert!(
        Pin::new(&mut sleep)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert_eq!(
        (calls, bell.times_rung()),
        (2, 2),
        "no try, but a wake, without budget"
    );
}

#[test]
fn waiting_costs_no_budget() {
    let _deadline = deadline();
    let config = Config {
        coop: coop(),
        ..Config::default()
    };
    let reactor = Reactor::new(config).expect("a reactor can be made");
    let (_peer, mut stream) = tcp_pair();
    let registration = Registration::with_handle(&mut stream, Interest::READABLE, reactor.handle())
        .expect("a socket can be registered");
    let mut sleep = Sleep::after_with_handle(Duration::from_secs(3600), reactor.handle());
    BUDGET.set(1);
    assert!(poll_once(|cx| Pin::new(&mut sleep).poll(cx)).is_pending());
    assert!(poll_once(|cx| registration.poll_ready(cx, Direction::Read)).is_pending());
    let refuse = || std::io::Result::<()>::Err(ErrorKind::WouldBlock.into());
    assert!(poll_once(|cx| registration.poll_io(cx, Direction::Read, refuse)).is_pending());
    assert_eq!(BUDGET.get(), 1);
}
