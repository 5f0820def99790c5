//! Waiting for readiness: who is woken, by what, and what clearing forgets.

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use heist_reactor::{Direction, Interest, Ready, Registration};
use mio::net::UdpSocket;

use crate::connection::{BOTH, Connection};
use crate::support::{
    Bell, Note, block_on, deadline, finish, poll_once, poll_with, reactor, turn_until,
};

#[test]
fn each_arrival_wakes_the_reader_once() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    for round in 1..=10 {
        let bell = Bell::new();
        let pending = poll_with(&bell, |cx| {
            connection.registration.poll_ready(cx, Direction::Read)
        });
        assert!(pending.is_pending());
        connection.send(&vec![1; round]);
        turn_until(&mut reactor, || bell.times_rung() > 0);
        assert_eq!(bell.times_rung(), 1);
        assert_eq!(connection.read_now(64), round);
        assert!(connection.read(64).is_pending());
    }
}

#[test]
fn any_number_of_waiters_for_one_direction_are_woken() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    let bells: Vec<_> = (0..20).map(|_| Bell::new()).collect();
    let mut waits: Vec<_> = bells
        .iter()
        .map(|_| Box::pin(connection.registration.readiness(Interest::READABLE)))
        .collect();
    for (bell, wait) in bells.iter().zip(&mut waits) {
        assert!(poll_with(bell, |cx| wait.as_mut().poll(cx)).is_pending());
    }
    // One that gives up takes nothing from the others.
    drop(waits.remove(7));
    (&connection.peer)
        .write_all(b"x")
        .expect("room in the socket");
    turn_until(&mut reactor, || bells[19].times_rung() > 0);
    for wait in &mut waits {
        assert!(poll_once(|cx| wait.as_mut().poll(cx)).is_ready());
    }
    assert_eq!(bells[7].times_rung(), 0);
    drop(waits);
    assert_eq!(connection.read_now(8), 1);
    connection.send(b"y");
}

#[test]
fn each_datagram_goes_to_one_of_the_waiters() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port is free");
    let (sender, mut receiver) = (bind(), bind());
    let addr = receiver.local_addr().expect("it is bound");
    sender.connect(addr).expect("the receiver is there");
    let registration =
        Registration::with_handle(&mut receiver, Interest::READABLE, reactor.handle())
            .expect("a socket can be registered");
    let receive = || {
        registration.async_io(Interest::READABLE, || {
            let mut byte = [0];
            receiver.recv(&mut byte).map(|_| byte[0])
        })
    };
    let mut waits: Vec<_> = (0..5).map(|_| Box::pin(receive())).collect();
    for wait in &mut waits {
        assert!(poll_once(|cx| wait.as_mut().poll(cx)).is_pending());
    }
    for byte in 0..5 {
        sender.send(&[byte]).expect("room in the socket");
    }
    let mut received: Vec<_> = waits
        .into_iter()
        .map(|wait| block_on(&mut reactor, wait).expect("a datagram arrives"))
        .collect();
    received.sort_unstable();
    assert_eq!(received, [0, 1, 2, 3, 4]);
}

#[cfg(unix)]
#[test]
fn clearing_with_an_older_event_keeps_the_newer_one() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    connection.send(b"a");
    let registration = &connection.registration;
    let older =
        block_on(&mut reactor, registration.readiness(Interest::READABLE)).expect("data arrives");
    assert!(older.ready().is_readable());
    let events = reactor.handle().metrics().events;
    (&connection.peer)
        .write_all(b"b")
        .expect("room in the socket");
    let handle = reactor.handle().clone();
    turn_until(&mut reactor, || handle.metrics().events > events);
    registration.clear_ready(older);
    assert!(connection.is_ready(Direction::Read));
}

#[test]
fn try_io_answers_would_block_and_remembers_it() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    connection.send(b"a");
    turn_until(&mut reactor, || connection.is_ready(Direction::Read));
    let mut calls = 0;
    let mut try_read = || {
        connection.registration.try_io(Interest::READABLE, || {
            calls += 1;
            (&connection.stream).read(&mut [0; 1])
        })
    };
    assert_eq!(try_read().expect("a byte is there"), 1);
    for _ in 0..3 {
        assert_eq!(
            try_read().expect_err("that was all").kind(),
            ErrorKind::WouldBlock
        );
    }
    assert_eq!(calls, 2);
}

#[test]
fn an_interrupted_syscall_is_tried_again() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let connection = Connection::new(&mut reactor);
    let mut attempts = 0;
    let mut interrupted_thrice = || {
        attempts += 1;
        match attempts {
            1..=3 => Err(ErrorKind::Interrupted.into()),
            _ => Ok(attempts),
        }
    };
    let written = poll_once(|cx| {
        connection
            .registration
            .poll_io(cx, Direction::Write, &mut interrupted_thrice)
    });
    assert!(matches!(written, Poll::Ready(Ok(4))));
}

#[test]
fn a_syscall_that_contradicts_an_event_is_believed() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let connection = Connection::new(&mut reactor);
    finish(&connection.peer);
    turn_until(&mut reactor, || connection.is_ready(Direction::Read));
    // Even though the peer has closed: otherwise this would spin.
    let refused = poll_once(|cx| {
        connection.registration.poll_io(cx, Direction::Read, || {
            io::Result::<()>::Err(ErrorKind::WouldBlock.into())
        })
    });
    assert!(refused.is_pending());
}

/// A waker that panics.
struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("this waker is broken");
    }
}

#[test]
fn a_waker_that_panics_costs_no_other_its_wakeup() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let connection = Connection::new(&mut reactor);
    let bell = Bell::new();
    let mut broken_wait = Box::pin(connection.registration.readiness(Interest::READABLE));
    let mut wait = Box::pin(connection.registration.readiness(Interest::READABLE));
    let broken = Waker::from(Arc::new(Broken));
    let mut cx = Context::from_waker(&broken);
    assert!(broken_wait.as_mut().poll(&mut cx).is_pending());
    assert!(poll_with(&bell, |cx| wait.as_mut().poll(cx)).is_pending());
    (&connection.peer)
        .write_all(b"x")
        .expect("room in the socket");
    turn_until(&mut reactor, || bell.times_rung() > 0);
}

#[test]
fn a_poll_with_another_waker_wakes_that_one_only() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let connection = Connection::new(&mut reactor);
    let log = Arc::new(Mutex::new(Vec::new()));
    for name in ["first", "second"] {
        let log = Arc::clone(&log);
        let waker = Waker::from(Arc::new(Note { name, log }));
        let mut cx = Context::from_waker(&waker);
        assert!(
            connection
                .registration
                .poll_ready(&mut cx, Direction::Read)
                .is_pending()
        );
    }
    (&connection.peer)
        .write_all(b"x")
        .expect("room in the socket");
    let woken = || log.lock().expect("never held at a panic").clone();
    turn_until(&mut reactor, || !woken().is_empty());
    assert_eq!(woken(), ["second"]);
}

#[test]
fn readiness_tells_only_what_was_asked_for() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let connection = Connection::new(&mut reactor);
    let writable = block_on(
        &mut reactor,
        connection.registration.readiness(Interest::WRITABLE),
    )
    .expect("the socket has room");
    assert_eq!(writable.ready(), Ready::WRITABLE);
    let either = block_on(&mut reactor, connection.registration.readiness(BOTH))
        .expect("the socket has room");
    assert_eq!(either.ready(), Ready::WRITABLE);
}

#[test]
fn sources_and_their_waits_may_go_to_other_threads() {
    fn check<T: Send + Sync>(value: T) -> T {
        value
    }
    fn check_waits(registration: &Registration) {
        let readiness = check(registration.readiness(BOTH));
        let operation = check(registration.async_io(BOTH, || Ok(())));
        drop((readiness, operation));
    }
    let _: fn(&Registration) = check_waits;
    let _: fn(Registration) -> Registration = check;
}
