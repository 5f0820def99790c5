//! Accepting connections, whatever happens to the process meanwhile: what every listener does.
//!
//! # Protocol of an accept
//!
//! 1. Wait until the listener's [pause](crate::backoff) is over, if there is one.
//! 2. Attempt: skip connections that died in the queue; on exhaustion begin a pause instead of
//!    failing; on `WouldBlock` wait for readiness (the registration's loop does that).
//! 3. Admit: register the new socket. Exhaustion here closes that one connection and pauses.
//!
//! Between the system call that yields a connection and the return there is no await, so a dropped
//! accept never drops a connection.

use std::future::{Future as _, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use heist_reactor::{Direction, Handle, Interest, Sleep};
use mio::event::Source;

use crate::Evented;
use crate::backoff::{Backoff, Failure};

/// A source that yields connections.
pub(crate) trait Listen: Source {
    type Stream: Source;
    type Addr;

    /// Takes a connection from the queue, without waiting.
    fn accept(&self) -> io::Result<(Self::Stream, Self::Addr)>;
}

impl Listen for mio::net::TcpListener {
    type Stream = mio::net::TcpStream;
    type Addr = SocketAddr;

    fn accept(&self) -> io::Result<(Self::Stream, SocketAddr)> {
        self.accept()
    }
}

/// A listener and its pause.
pub(crate) struct Acceptor<L: Listen> {
    io: Evented<L>,
    backoff: Backoff,
}

/// What one attempt to accept came to.
enum Attempt<L: Listen> {
    Accepted(L::Stream, L::Addr),
    /// The listener pauses. Not an error, lest the registration clear the readiness.
    Paused,
}

/// A connection, registered, and who made it.
type Accepted<L> = (Evented<<L as Listen>::Stream>, <L as Listen>::Addr);

impl<L: Listen> Acceptor<L> {
    /// Registers a listener, which must be non-blocking, with the reactor of this thread.
    #[track_caller]
    pub(crate) fn new(listener: L) -> io::Result<Self> {
        Ok(Self {
            io: Evented::new(listener)?,
            backoff: Backoff::default(),
        })
    }

    pub(crate) fn source(&self) -> &L {
        self.io.source()
    }

    pub(crate) fn into_source(self) -> io::Result<L> {
        self.io.into_source()
    }

    /// Accepts a connection; any number of callers may wait at once.
    pub(crate) async fn accept(&self) -> io::Result<Accepted<L>> {
        let registration = self.io.registration();
        loop {
            let handle = registration.handle();
            if let Some(until) = self.backoff.pause(|| handle.now()) {
                let mut timer = Sleep::until_with_handle(until, handle);
                poll_fn(|cx| self.poll_timer(cx, &mut timer)).await?;
            }
            let attempt = registration
                .async_io(Interest::READABLE, || self.attempt())
                .await?;
            if let Some(accepted) = self.admit(attempt)? {
                return Ok(accepted);
            }
        }
    }

    /// Polls for a connection; of several callers, only the last one is woken.
    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted<L>>> {
        loop {
            ready!(self.poll_pause(cx))?;
            let registration = self.io.registration();
            let attempt = ready!(registration.poll_io(cx, Direction::Read, || self.attempt()))?;
            if let Some(accepted) = self.admit(attempt)? {
                return Poll::Ready(Ok(accepted));
            }
        }
    }

    fn poll_pause(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let handle = self.io.registration().handle();
        let Some(until) = self.backoff.pause(|| handle.now()) else {
            return Poll::Ready(Ok(()));
        };
        let mut timer = self
            .backoff
            .take_poll_timer()
            .filter(|timer| timer.deadline() == until)
            .unwrap_or_else(|| Sleep::until_with_handle(until, handle));
        let polled = self.poll_timer(cx, &mut timer);
        self.backoff.leave_poll_timer(timer);
        polled
    }

    /// Polls the timer of a pause, unless the runtime has shut down: a timer would panic then.
    fn poll_timer(&self, cx: &mut Context<'_>, timer: &mut Sleep) -> Poll<io::Result<()>> {
        // Ready throughout a pause, so this tells at once whether there is still a reactor.
        let alive = pin!(self.io.registration().readiness(Interest::READABLE)).poll(cx);
        if let Poll::Ready(Err(error)) = alive {
            return Poll::Ready(Err(error));
        }
        Pin::new(timer).poll(cx).map(Ok)
    }

    /// Attempts to accept without waiting.
    fn attempt(&self) -> io::Result<Attempt<L>> {
        /// Dead connections skipped in one attempt, so that a flood of them cannot hold a worker.
        const SKIP_AT_MOST: usize = 64;

        let handle = self.io.registration().handle();
        if self.backoff.pause(|| handle.now()).is_some() {
            return Ok(Attempt::Paused);
        }
        for _ in 0..SKIP_AT_MOST {
            match self.io.source().accept() {
                Ok((stream, peer)) => return Ok(Attempt::Accepted(stream, peer)),
                Err(error) => match Failure::of(&error) {
                    Failure::Connection => {}
                    Failure::Exhausted => break,
                    Failure::Other => return Err(error),
                },
            }
        }
        self.backoff.failed(handle.now());
        Ok(Attempt::Paused)
    }

    /// Registers an accepted socket; `None` when there is nothing to return yet.
    fn admit(&self, attempt: Attempt<L>) -> io::Result<Option<Accepted<L>>> {
        let Attempt::Accepted(stream, peer) = attempt else {
            return Ok(None);
        };
        let own = self.io.registration().handle();
        let handle = Handle::try_current();
        match Evented::with_handle(stream, handle.as_ref().unwrap_or(own)) {
            Ok(stream) => {
                self.backoff.succeeded();
                Ok(Some((stream, peer)))
            }
            // epoll_ctl(2) reports its own limit on watches as ENOSPC.
            Err(error)
                if Failure::of(&error) == Failure::Exhausted
                    || error.kind() == io::ErrorKind::StorageFull =>
            {
                self.backoff.failed(own.now());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
