//! Reading and writing real sockets.

use std::io::{ErrorKind, Read, Write};
use std::task::{Context, Poll};
use std::time::Duration;

use heist_reactor::{Direction, Interest, Registration};

use crate::connection::{BOTH, Connection};
use crate::support::{Bell, block_on, deadline, poll_with, reactor, tcp_pair, turn_until};
#[cfg(unix)]
use crate::support::{finish, poll_once};

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

// Elsewhere only a call clears.
#[cfg(unix)]
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

#[cfg(unix)]
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
    let write = |cx: &mut Context<'_>| {
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
