//! A registered connection, and its peer.

use std::io::{self, Read, Write};
use std::task::Poll;

use heist_reactor::{Direction, Interest, Reactor, Registration};
use mio::net::TcpStream;

use crate::support::{poll_once, tcp_pair, turn_until};

pub(crate) const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// A connection whose one end is registered, and has heard of its first event.
pub(crate) struct Connection {
    pub(crate) peer: TcpStream,
    pub(crate) stream: TcpStream,
    pub(crate) registration: Registration,
}

impl Connection {
    pub(crate) fn new(reactor: &mut Reactor) -> Self {
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

    pub(crate) fn is_ready(&self, direction: Direction) -> bool {
        poll_once(|cx| self.registration.poll_ready(cx, direction)).is_ready()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        assert_eq!(
            self.peer.write(bytes).expect("room in the socket"),
            bytes.len()
        );
    }

    /// Reads up to `want` bytes as a TCP stream does; returns how many.
    pub(crate) fn read(&self, want: usize) -> Poll<io::Result<usize>> {
        let mut buf = vec![0; want];
        poll_once(|cx| {
            self.registration
                .poll_stream_io(cx, Direction::Read, want, || (&self.stream).read(&mut buf))
        })
    }

    pub(crate) fn read_now(&self, want: usize) -> usize {
        match self.read(want) {
            Poll::Ready(result) => result.expect("a read does not fail"),
            Poll::Pending => panic!("a read is possible"),
        }
    }
}
