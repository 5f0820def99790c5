//! One connection of the load generator: one request out, its answer in, checked, the next request
//! out. Edge-triggered: it reads and writes until the socket says so or a short
//! read shows that it is drained.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::http::{self, Parsed};
use super::{Answer, Errors, Target};

/// A connection and the request it has in flight.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// How much of the request has been written.
    written: usize,
    /// When the request in flight was begun; `None` between requests.
    since: Option<Instant>,
    /// Received bytes, the first `filled` of it.
    buffer: Vec<u8>,
    filled: usize,
}

/// What becomes of a connection after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for the next event.
    Keep,
    /// It came to its end, as it should, and the next one may follow.
    Ended,
    /// It failed, was counted, and is to be replaced.
    Replace,
}

impl Connection {
    /// Begins to connect; the first request follows with the first event.
    pub(crate) fn open(target: &Target, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(target.addr)?;
        // A server that answers in two segments would otherwise wait for our delayed ACK.
        let _ = stream.set_nodelay(true);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Connection {
            stream,
            written: 0,
            since: Some(Instant::now()),
            buffer: vec![0; READ_SIZE],
            filled: 0,
        })
    }

    /// Whether a request waits for its response.
    pub(crate) fn in_flight(&self) -> bool {
        self.since.is_some()
    }

    /// Begins the next request, if there is none in flight. Its latency is counted from `since`.
    pub(crate) fn ask(&mut self, target: &Target, since: Instant) -> io::Result<()> {
        if self.since.is_none() {
            self.since = Some(since);
            self.written = 0;
        }
        self.write(&target.request)
    }

    /// Does what an event allows. Each whole answer goes to `on_response` with its latency in
    /// nanoseconds; the next request follows while `on_response` returns true.
    pub(crate) fn drive(
        &mut self,
        target: &Target,
        errors: &mut Errors,
        on_response: impl FnMut(u64) -> bool,
    ) -> Next {
        match self.try_drive(target, errors, on_response) {
            Ok(next) => next,
            Err(error) => {
                match error.kind() {
                    ErrorKind::ConnectionRefused => errors.connect += 1,
                    ErrorKind::InvalidData => errors.malformed += 1,
                    _ => errors.socket += 1,
                }
                Next::Replace
            }
        }
    }

    fn try_drive(
        &mut self,
        target: &Target,
        errors: &mut Errors,
        mut on_response: impl FnMut(u64) -> bool,
    ) -> io::Result<Next> {
        self.write(&target.request)?;
        loop {
            let drained = match self.read() {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return self.ended(target, on_response).ok_or(error);
                }
                drained => drained?,
            };
            if let Some(latency) = self.response(target, errors)? {
                if !on_response(latency) {
                    return Ok(Next::Keep);
                }
                self.ask(target, Instant::now())?;
            }
            if drained {
                return Ok(Next::Keep);
            }
        }
    }

    /// The server closed the connection: `None` unless that is the answer.
    fn ended(&self, target: &Target, mut on_response: impl FnMut(u64) -> bool) -> Option<Next> {
        let asked = self
            .since
            .filter(|_| matches!(target.answer, Answer::Close))?;
        on_response(nanos_since(asked));
        // Without this the server's side would keep the address for a minute.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        Some(Next::Ended)
    }

    /// Takes a whole answer from the buffer, if there is one, and checks it.
    fn response(&mut self, target: &Target, errors: &mut Errors) -> io::Result<Option<u64>> {
        let received = &self.buffer[..self.filled];
        let length = match target.answer {
            Answer::Http { body_len } => match http::parse(received) {
                Parsed::Whole(response) => {
                    errors.status += u64::from(response.status != 200);
                    errors.body += u64::from(response.body_len != body_len);
                    response.head_len + response.body_len
                }
                Parsed::Partial => return Ok(None),
                Parsed::Malformed => return Err(ErrorKind::InvalidData.into()),
            },
            Answer::Echo if received.len() < target.request.len() => return Ok(None),
            Answer::Echo => {
                errors.body += u64::from(received != target.request);
                target.request.len()
            }
            Answer::Close if received.is_empty() => return Ok(None),
            Answer::Close => 0,
        };
        let asked = self.since.take();
        if asked.is_none() || length < self.filled {
            // More than was asked for.
            return Err(ErrorKind::InvalidData.into());
        }
        self.filled = 0;
        Ok(asked.map(nanos_since))
    }

    /// Writes what is left of the request, as far as the socket takes it.
    fn write(&mut self, request: &[u8]) -> io::Result<()> {
        while self.since.is_some() && self.written < request.len() {
            match self.stream.write(&request[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once; true when nothing more is there for now.
    fn read(&mut self) -> io::Result<bool> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
        let space = &mut self.buffer[self.filled..];
        match self.stream.read(space) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                let drained = n < space.len();
                self.filled += n;
                Ok(drained)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn nanos_since(start: Instant) -> u64 {
    start.elapsed().as_nanos().try_into().unwrap_or(u64::MAX)
}

const READ_SIZE: usize = 4096;
