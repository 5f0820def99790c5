//! One thread of the load generator: an epoll loop over its share of the connections.

use std::io;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::{Events, Poll, Token};

use super::connection::{Connection, Next};
use super::histogram::Histogram;
use super::pace::Pace;
use super::{DRAIN, Errors, Plan, Shared, Target};

/// Sends requests for the planned time, then waits for what is in flight.
pub(super) fn run(target: &Target, plan: Plan, shared: &Shared) -> anyhow::Result<()> {
    let mut worker = Worker {
        poll: Poll::new().context("cannot create an epoll")?,
        target,
        shared,
        connections: Vec::with_capacity(plan.connections),
        latency: Histogram::new(),
        errors: Errors::default(),
        left: plan.requests,
        published: Instant::now(),
    };
    let start = Instant::now();
    for index in 0..plan.connections {
        let connection = worker.open(index)?;
        worker.connections.push(connection);
    }
    worker.send_until(start + plan.duration, plan.every)?;
    worker.drain(start + plan.duration + DRAIN)?;
    worker.publish();
    Ok(())
}

/// What makes a connection send its next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loop {
    /// The answer to the last one.
    Closed,
    /// The clock.
    Open,
}

struct Worker<'a> {
    poll: Poll,
    target: &'a Target,
    shared: &'a Shared,
    connections: Vec<Connection>,
    /// Since `published`.
    latency: Histogram,
    errors: Errors,
    /// Requests still to be answered.
    left: u64,
    published: Instant,
}

impl Worker<'_> {
    fn send_until(&mut self, deadline: Instant, every: Option<Duration>) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let pace = every.map(|every| Pace::start(every, self.poll.registry()));
        let mut pace = pace.transpose()?;
        loop {
            let now = Instant::now();
            let over = now >= deadline || self.left == 0;
            if over || self.shared.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if now.duration_since(self.published) >= PUBLISH {
                self.publish();
            }
            self.wait(&mut events, deadline - now)?;
            for event in &events {
                match (event.token(), &mut pace) {
                    (Pace::TOKEN, Some(pace)) => pace.tick()?,
                    (Token(index), None) => drop(self.drive(index, Loop::Closed)?),
                    (Token(index), Some(pace)) => {
                        if self.drive(index, Loop::Open)? {
                            pace.answered(index);
                        }
                    }
                }
            }
            if let Some(pace) = &mut pace {
                self.send_due(pace);
            }
        }
    }

    /// Does what an event of a connection allows; whether an answer came.
    fn drive(&mut self, index: usize, which: Loop) -> anyhow::Result<bool> {
        let (latency, left) = (&mut self.latency, &mut self.left);
        let mut answered = false;
        let next = self.connections[index].drive(self.target, &mut self.errors, |ns| {
            answered = true;
            latency.record(ns);
            *left = left.saturating_sub(1);
            *left > 0 && which == Loop::Closed
        });
        match next {
            Next::Keep => {}
            Next::Ended => self.connections[index] = self.open(index)?,
            Next::Replace => {
                // A server that is gone must not turn this loop into a flood of connects.
                thread::sleep(RECONNECT);
                self.connections[index] = self.open(index)?;
            }
        }
        Ok(answered)
    }

    /// Sends the requests that are due, as far as connections are free.
    fn send_due(&mut self, pace: &mut Pace) {
        while let Some((index, since)) = pace.next(|index| !self.connections[index].in_flight()) {
            // An error here comes back with the next event, and is counted there.
            let _ = self.connections[index].ask(self.target, since);
        }
    }

    /// Receives, uncounted, what is in flight; what is left at the deadline is stalled.
    fn drain(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut open = vec![true; self.connections.len()];
        loop {
            let stalled = self.connections.iter().zip(&open);
            let stalled = stalled.filter(|(connection, open)| **open && connection.in_flight());
            let stalled = stalled.count() as u64;
            let now = Instant::now();
            if stalled == 0 || self.shared.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if now >= deadline {
                self.errors.stalled += stalled;
                return Ok(());
            }
            self.wait(&mut events, deadline - now)?;
            for event in &events {
                let Token(index) = event.token();
                if open[index] {
                    let connection = &mut self.connections[index];
                    let next = connection.drive(self.target, &mut self.errors, |_| false);
                    open[index] = next == Next::Keep;
                }
            }
        }
    }

    /// Waits for events, but not so long that a stop goes unseen.
    fn wait(&mut self, events: &mut Events, limit: Duration) -> anyhow::Result<()> {
        match self.poll.poll(events, Some(limit.min(PUBLISH))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result.context("epoll failed"),
        }
    }

    fn open(&self, index: usize) -> anyhow::Result<Connection> {
        Connection::open(self.target, self.poll.registry(), Token(index))
            .context("cannot open a client socket")
    }

    fn publish(&mut self) {
        self.shared.publish(&self.latency, self.errors);
        self.latency.clear();
        self.errors = Errors::default();
        self.published = Instant::now();
    }
}

const EVENTS: usize = 256;

/// How often figures are handed on.
const PUBLISH: Duration = Duration::from_millis(200);

/// How long a failed connection holds this thread up.
const RECONNECT: Duration = Duration::from_millis(1);
