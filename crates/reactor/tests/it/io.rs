//! Readiness of real sockets.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use crate::support::{
    Bell, Note, block_on, deadline, finish, poll_once, poll_with, reactor, tcp_pair, turn_until,
};
use heist_reactor::{Direction, Interest, Reactor, Ready, Registration};
use mio::net::{TcpStream, UnixDatagram};

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

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// A connection whose one end is registered, and has heard of its first event.
struct Connection {
    peer: TcpStream,
    stream: TcpStream,
    registration: Registration,
}

impl Connection {
    fn new(reactor: &mut Reactor) -> Self {
        let (peer, mut stream) = tcp_pair();
        let handle = reactor.handle().clone();
        let registration = Registration::with_handle(&mut stream, BOTH, &handle)
            .expect("a socket can be registered");
        let connection = Self {
            peer,
            stream,
            registration,
        };
        turn_until(reactor, || connection.is_ready(Direction::Write));
        // The first read finds nothing, so that from here on reads wait for events.
        assert!(connection.read(64).is_pending());
        connection
    }

    fn is_ready(&self, direction: Direction) -> bool {
        poll_once(|cx| self.registration.poll_ready(cx, direction)).is_ready()
    }

    fn send(&mut self, bytes: &[u8]) {
        assert_eq!(
            self.peer.write(bytes).expect("room in the socket"),
            bytes.len()
        );
    }

    /// Reads up to `want` bytes as a TCP stream does; returns how many.
    fn read(&self, want: usize) -> Poll<io::Result<usize>> {
        let mut buf = vec![0; want];
        poll_once(|cx| {
            self.registration
                .poll_stream_io(cx, Direction::Read, want, || (&self.stream).read(&mut buf))
        })
    }

    fn read_now(&self, want: usize) -> usize {
        match self.read(want) {
            Poll::Ready(result) => result.expect("a read does not fail"),
            Poll::Pending => panic!("a read is possible"),
        }
    }
}

fn expect_shut_down<T>(result: io::Result<T>) {
    let Err(error) = result else {
        panic!("the wait ends with an error")
    };
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains("has shut down"), "{error}");
}

#[test]
fn a_new_source_is_tried_before_its_first_event() {
    let _deadline = deadline();
    let reactor = reactor();
    let (mut peer, mut stream) = tcp_pair();
    peer.write_all(b"early").expect("room in the socket");
    let registration = Registration::with_handle(&mut stream, BOTH, reactor.handle())
        .expect("a socket can be registered");
    let connection = Connection {
        peer,
        stream,
        registration,
    };
    // No turn yet: nothing is known to be ready.
    assert!(!connection.is_ready(Direction::Read));
    assert!(!connection.is_ready(Direction::Write));
    // The five bytes may be on their way for a moment.
    let mut count = 0;
    while count == 0 {
        if let Poll::Ready(result) = connection.read(16) {
            count = result.expect("a read does not fail");
        } else {
            // It was too early: readiness has been cleared, so the test cannot show its point.
            return;
        }
    }
    assert_eq!(count, 5);
}

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
fn a_short_read_clears_without_another_syscall() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    connection.send(b"abc");
    turn_until(&mut reactor, || connection.is_ready(Direction::Read));
    assert_eq!(connection.read_now(64), 3);
    let pending = poll_once(|cx| {
        connection.registration.poll_io(cx, Direction::Read, || {
            panic!("nothing says that there is more");
            #[expect(unreachable_code, reason = "gives the closure its type")]
            Ok(())
        })
    });
    assert!(pending.is_pending());
}

#[test]
fn a_read_that_fills_the_buffer_is_not_short() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    connection.send(b"abcdef");
    turn_until(&mut reactor, || connection.is_ready(Direction::Read));
    assert_eq!(connection.read_now(4), 4);
    assert_eq!(connection.read_now(4), 2);
    assert!(connection.read(4).is_pending());
}

#[test]
fn a_short_read_after_the_peer_has_finished_still_finds_the_end() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    connection.send(b"last words");
    finish(&connection.peer);
    let closed = || {
        let ready = poll_once(|cx| connection.registration.poll_ready(cx, Direction::Read));
        matches!(ready, Poll::Ready(Ok(event)) if event.ready().is_read_closed())
    };
    turn_until(&mut reactor, closed);
    // Data and FIN came as one event; there will be no other.
    assert_eq!(connection.read_now(64), 10);
    assert_eq!(connection.read_now(64), 0);
    assert_eq!(connection.read_now(64), 0);
}

#[test]
fn a_reset_ends_a_read_and_a_write() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let Connection {
        peer,
        stream,
        registration,
    } = Connection::new(&mut reactor);
    (&stream).write_all(b"unread").expect("room in the socket");
    // A close with unread data resets the connection.
    drop(peer);
    let failure = block_on(
        &mut reactor,
        registration.async_io(Interest::READABLE, || match (&stream).read(&mut [0; 8]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            result => result,
        }),
    );
    assert_ne!(
        failure.expect_err("the connection is gone").kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn a_writer_that_filled_the_socket_is_woken_when_it_drains() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut connection = Connection::new(&mut reactor);
    let chunk = vec![7; 1 << 16];
    let mut sent = 0;
    let write = |cx: &mut std::task::Context<'_>| {
        let (registration, stream) = (&connection.registration, &connection.stream);
        registration.poll_stream_io(cx, Direction::Write, chunk.len(), || {
            let mut stream = stream;
            stream.write(&chunk)
        })
    };
    let bell = Bell::new();
    while let Poll::Ready(count) = poll_with(&bell, write) {
        sent += count.expect("a write does not fail");
    }
    let mut drained = vec![0; sent];
    connection
        .peer
        .set_nodelay(true)
        .expect("TCP knows the option");
    let mut received = 0;
    while received < sent {
        match connection.peer.read(&mut drained[received..]) {
            Ok(count) => received += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                reactor
                    .turn(Some(Duration::from_millis(1)))
                    .expect("a turn does not fail");
            }
            Err(error) => panic!("{error}"),
        }
    }
    turn_until(&mut reactor, || bell.times_rung() > 0);
    assert!(connection.is_ready(Direction::Write));
}

#[test]
fn an_event_in_flight_for_a_closed_socket_does_not_reach_its_successor() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let mut old = Connection::new(&mut reactor);
    // A duplicate keeps the kernel's side of the registration alive beyond the close.
    let duplicate = old
        .stream
        .as_fd()
        .try_clone_to_owned()
        .expect("a descriptor is free");
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
    let (sender, mut receiver) = UnixDatagram::pair().expect("a socket pair");
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
    let mut cx = std::task::Context::from_waker(&broken);
    assert!(broken_wait.as_mut().poll(&mut cx).is_pending());
    assert!(poll_with(&bell, |cx| wait.as_mut().poll(cx)).is_pending());
    (&connection.peer)
        .write_all(b"x")
        .expect("room in the socket");
    turn_until(&mut reactor, || bell.times_rung() > 0);
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
    let mut cx = std::task::Context::from_waker(&waker);
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

#[test]
fn a_poll_with_another_waker_wakes_that_one_only() {
    let _deadline = deadline();
    let mut reactor = reactor();
    let connection = Connection::new(&mut reactor);
    let log = Arc::new(Mutex::new(Vec::new()));
    for name in ["first", "second"] {
        let log = Arc::clone(&log);
        let waker = Waker::from(Arc::new(Note { name, log }));
        let mut cx = std::task::Context::from_waker(&waker);
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
