//! Sources that come and go, and the end of all waits.

use std::future::Future;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use heist_reactor::{Direction, Interest, Registration};
use mio::net::TcpStream;

use crate::connection::{BOTH, Connection};
use crate::support::{
    Bell, block_on, deadline, poll_once, poll_with, reactor, tcp_pair, turn_until,
};

fn expect_shut_down<T>(result: io::Result<T>) {
    let Err(error) = result else {
        panic!("the wait ends with an error")
    };
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains("has shut down"), "{error}");
}

#[cfg(unix)]
fn duplicate(stream: &TcpStream) -> io::Result<std::os::fd::OwnedFd> {
    std::os::fd::AsFd::as_fd(stream).try_clone_to_owned()
}

#[cfg(windows)]
fn duplicate(stream: &TcpStream) -> io::Result<std::os::windows::io::OwnedSocket> {
    std::os::windows::io::AsSocket::as_socket(stream).try_clone_to_owned()
}

#[test]
fn an_event_in_flight_for_a_closed_socket_does_not_reach_its_successor() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut old = Connection::new(&mut reactor);
    // A duplicate keeps the kernel's side of the registration alive beyond the close.
    let duplicate = duplicate(&old.stream).expect("a descriptor is free");
    old.send(b"for the old one");
    let Connection {
        peer: _peer,
        stream,
        registration,
    } = old;
    drop(registration);
    drop(stream);

    let (_new_peer, mut new_stream) = tcp_pair();
    let new = Registration::with_handle(&mut new_stream, BOTH, reactor.handle())
        .expect("a socket can be registered");
    turn_until(&mut reactor, || {
        poll_once(|cx| new.poll_ready(cx, Direction::Write)).is_ready()
    });
    reactor
        .turn(Some(Duration::ZERO))
        .expect("a turn does not fail");
    assert!(poll_once(|cx| new.poll_ready(cx, Direction::Read)).is_pending());
    drop(duplicate);
}

#[test]
fn shutdown_ends_every_wait_with_an_error() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let connection = Connection::new(&mut reactor);
    let registration = &connection.registration;
    let (reader, waiter) = (Bell::new(), Bell::new());
    let mut readiness = Box::pin(registration.readiness(Interest::READABLE));
    assert!(poll_with(&reader, |cx| registration.poll_ready(cx, Direction::Read)).is_pending());
    assert!(poll_with(&waiter, |cx| readiness.as_mut().poll(cx)).is_pending());

    let handle = reactor.handle().clone();
    drop(reactor);
    handle.shutdown();
    assert_eq!((reader.times_rung(), waiter.times_rung()), (1, 1));
    match poll_once(|cx| readiness.as_mut().poll(cx)) {
        Poll::Ready(result) => expect_shut_down(result),
        Poll::Pending => panic!("the wait is over"),
    }
    match connection.read(1) {
        Poll::Ready(result) => expect_shut_down(result),
        Poll::Pending => panic!("the wait is over"),
    }
    expect_shut_down(registration.try_io(Interest::READABLE, || Ok(())));
    let (_peer, mut stream) = tcp_pair();
    expect_shut_down(Registration::with_handle(&mut stream, BOTH, &handle));
}

#[test]
fn a_source_that_is_taken_out_ends_its_waits_and_can_be_registered_anew() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    let bell = Bell::new();
    let mut readiness = Box::pin(connection.registration.readiness(Interest::READABLE));
    assert!(poll_with(&bell, |cx| readiness.as_mut().poll(cx)).is_pending());
    connection
        .registration
        .deregister(&mut connection.stream)
        .expect("the source is registered");
    assert_eq!(bell.times_rung(), 1);
    let Poll::Ready(Err(error)) = poll_once(|cx| readiness.as_mut().poll(cx)) else {
        panic!("the wait ends with an error")
    };
    assert!(error.to_string().contains("taken out"), "{error}");
    assert_eq!(reactor.handle().metrics().registered, 0);

    let again = Registration::with_handle(&mut connection.stream, BOTH, reactor.handle())
        .expect("a source that was taken out can be registered");
    block_on(&mut reactor, again.readiness(Interest::WRITABLE)).expect("the socket has room");
}

#[cfg(unix)]
#[test]
fn a_source_the_kernel_refuses_leaves_nothing_behind() {
    let _deadline = deadline();
    let reactor = reactor();
    let file = std::fs::File::open("/dev/null").expect("the null device is there");
    let file = std::os::fd::AsRawFd::as_raw_fd(&file);
    let mut source = mio::unix::SourceFd(&file);
    // epoll takes no device that cannot be waited for; kqueue does.
    if Registration::with_handle(&mut source, Interest::READABLE, reactor.handle()).is_err() {
        assert_eq!(reactor.handle().metrics().registered, 0);
    }
}

/// A waker that drops a registration: no lock may be held while it does.
struct Dropper(Mutex<Option<Registration>>);

impl Wake for Dropper {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().expect("never held at a panic").take());
    }
}

#[test]
fn a_waker_may_drop_the_registration_it_was_woken_by() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let Connection {
        mut peer,
        stream: _stream,
        registration,
    } = Connection::new(&mut reactor);
    let dropper = Arc::new(Dropper(Mutex::new(None)));
    let waker = Waker::from(Arc::clone(&dropper));
    let mut cx = Context::from_waker(&waker);
    assert!(
        registration
            .poll_ready(&mut cx, Direction::Read)
            .is_pending()
    );
    *dropper.0.lock().expect("never held at a panic") = Some(registration);
    peer.write_all(b"x").expect("room in the socket");
    let handle = reactor.handle().clone();
    turn_until(&mut reactor, || handle.metrics().registered == 0);
}
