//! The load generator: connections in a closed loop (each sends its next request when the answer to
//! the last one is complete and checked) or in an open one (requests are sent by the clock), driven by
//! a few threads, each with its own epoll. What it speaks is HTTP/1.1, an echo, or nothing but
//! connecting. It shares the machine with the server it measures, so it does as little as it can: one
//! read and one write per request, one clock reading, no allocation.
//!
//! At the end no new request is sent and those in flight get [`DRAIN`] to be answered: one that
//! is not counts as stalled. That is how a lost wakeup in the server shows.

mod histogram;
pub(crate) mod http;
mod connection;
mod pace;
mod worker;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::signals;
use histogram::Histogram;

/// What is asked, and what the answer must be.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    addr: SocketAddr,
    request: Vec<u8>,
    answer: Answer,
}

/// What follows a request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// An HTTP response of this body length.
    Http { body_len: usize },
    /// The request itself.
    Echo,
    /// The end of the connection, which was the request.
    Close,
}

impl Target {
    /// Asks once, to learn the length of the body that every later answer must have.
    pub(crate) fn probe(addr: SocketAddr, path: &str) -> anyhow::Result<Target> {
        let body = http::get(addr, path).context("the server does not answer")?;
        Ok(Target {
            addr,
            request: http::request(addr, path),
            answer: Answer::Http {
                body_len: body.len(),
            },
        })
    }

    /// Messages of so many bytes, which come back.
    pub(crate) fn echo(addr: SocketAddr, size: usize) -> Target {
        Target {
            addr,
            request: (0..size).map(|index| index as u8).collect(),
            answer: Answer::Echo,
        }
    }

    /// Connections that the server closes at once.
    pub(crate) fn close(addr: SocketAddr) -> Target {
        Target {
            addr,
            request: Vec::new(),
            answer: Answer::Close,
        }
    }
}

/// How hard and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Connections held open at a time.
    pub(crate) connections: usize,
    /// How long requests are sent.
    pub(crate) duration: Duration,
    /// How many requests are sent at most, by all connections together.
    pub(crate) requests: u64,
    /// In an open loop, the time from one request to the next, of all connections together; `None`
    /// for a closed one.
    pub(crate) every: Option<Duration>,
}

impl Plan {
    /// A closed loop for so long.
    pub(crate) fn lasting(connections: usize, duration: Duration) -> Plan {
        Plan {
            connections,
            duration,
            requests: u64::MAX,
            every: None,
        }
    }
}

/// What went wrong, by kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    /// Connections refused.
    pub(crate) connect: u64,
    /// Connections that broke with a request in flight.
    pub(crate) socket: u64,
    /// Answers that are not what the protocol allows, or that nobody asked for.
    pub(crate) malformed: u64,
    /// Answers with another status than 200.
    pub(crate) status: u64,
    /// Answers with another body length than the first one.
    pub(crate) body: u64,
    /// Requests still unanswered [`DRAIN`] after the end.
    pub(crate) stalled: u64,
}

impl Errors {
    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        let by_kind = self.by_kind();
        by_kind.iter().map(|(_, count)| count).sum()
    }

    /// Each kind with its name.
    pub(crate) fn by_kind(&self) -> [(&'static str, u64); 6] {
        [
            ("connect", self.connect),
            ("socket", self.socket),
            ("malformed", self.malformed),
            ("status", self.status),
            ("body", self.body),
            ("stalled", self.stalled),
        ]
    }

    fn add(&mut self, other: Errors) {
        self.connect += other.connect;
        self.socket += other.socket;
        self.malformed += other.malformed;
        self.status += other.status;
        self.body += other.body;
        self.stalled += other.stalled;
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Report {
    /// How long requests were sent.
    pub(crate) elapsed: Duration,
    /// What went wrong.
    pub(crate) errors: Errors,
    latency: Histogram,
}

impl Report {
    /// Responses received while requests were sent.
    pub(crate) fn requests(&self) -> u64 {
        self.latency.count()
    }

    /// Responses per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.requests() as f64 / self.elapsed.as_secs_f64()
    }

    /// How many requests took longer than `ns` nanoseconds.
    pub(crate) fn slower_than(&self, ns: u64) -> u64 {
        self.latency.above(ns)
    }

    /// The latency, in nanoseconds, that the share `q` of the requests did not exceed.
    pub(crate) fn latency_ns(&self, q: f64) -> u64 {
        self.latency.quantile(q)
    }
}

/// The figures of the last moments, for a progress line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    /// Since the start.
    pub(crate) elapsed: Duration,
    /// Responses per second since the last tick.
    pub(crate) per_second: f64,
    /// The 99th percentile since the last tick, in nanoseconds.
    pub(crate) p99_ns: u64,
    /// Errors since the start.
    pub(crate) errors: u64,
}

/// What the threads tell the one that reports progress.
#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    recent: Mutex<(Histogram, Errors)>,
}

impl Shared {
    /// Hands over what came in since the last call.
    fn publish(&self, latency: &Histogram, errors: Errors) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.0.merge(latency);
        recent.1.add(errors);
    }

    fn take(&self) -> (Histogram, Errors) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = (recent.0.clone(), recent.1);
        recent.0.clear();
        recent.1 = Errors::default();
        taken
    }
}

/// Drives the target as planned, calling `on_tick` about once a second.
///
/// # Errors
/// Fails when a signal comes or when this side runs out of sockets; what the server does wrong is
/// counted instead.
pub(crate) fn run(
    target: &Target,
    plan: Plan,
    mut on_tick: impl FnMut(Tick),
) -> anyhow::Result<Report> {
    let shared = Shared {
        stop: AtomicBool::new(false),
        recent: Mutex::new((Histogram::new(), Errors::default())),
    };
    let threads = threads(plan.connections);
    thread::scope(|scope| {
        let start = Instant::now();
        let workers: Vec<_> = (0..threads)
            .map(|index| {
                let share = Plan {
                    connections: share(plan.connections, threads, index),
                    requests: plan.requests / threads as u64,
                    every: plan.every.map(|every| every * threads as u32),
                    ..plan
                };
                let shared = &shared;
                scope.spawn(move || worker::run(target, share, shared))
            })
            .collect();
        let mut total = (Histogram::new(), Errors::default());
        let mut last_tick = start;
        let interrupted = loop {
            thread::sleep(POLL);
            if let Err(interrupted) = signals::check() {
                break Err(interrupted);
            }
            let finished = workers.iter().all(|worker| worker.is_finished());
            let since = last_tick.elapsed();
            if finished || since >= TICK {
                last_tick = Instant::now();
                let (latency, errors) = shared.take();
                total.0.merge(&latency);
                total.1.add(errors);
                if !finished {
                    on_tick(Tick {
                        elapsed: start.elapsed(),
                        per_second: latency.count() as f64 / since.as_secs_f64(),
                        p99_ns: latency.quantile(0.99),
                        errors: total.1.total(),
                    });
                }
            }
            if finished {
                break Ok(());
            }
        };
        shared.stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("a load thread panicked")?;
        }
        interrupted?;
        Ok(Report {
            elapsed: start.elapsed().min(plan.duration),
            errors: total.1,
            latency: total.0,
        })
    })
}

/// One thread can keep several server workers busy; two fast ones never need more than half the
/// machine.
fn threads(connections: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, connections.max(1))
}

/// How many of `total` the thread `index` of `threads` takes.
fn share(total: usize, threads: usize, index: usize) -> usize {
    total / threads + usize::from(index < total % threads)
}

const POLL: Duration = Duration::from_millis(50);
const TICK: Duration = Duration::from_secs(1);

/// How long the requests in flight at the end may take.
const DRAIN: Duration = Duration::from_secs(5);
