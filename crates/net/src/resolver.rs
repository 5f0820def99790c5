//! Host names, resolved by `getaddrinfo` on a few threads that come and go.
//!
//! `getaddrinfo` blocks for as long as the name server is silent, so it must not run on the threads
//! that poll tasks; and this crate knows no scheduler whose blocking pool it could use. At most
//! [`MAX_THREADS`] threads serve one queue; a thread with nothing to do leaves after [`IDLE`].
//!
//! # Protocol
//!
//! 1. [`lookup`] queues the name with a one-shot channel. If more names wait than threads are
//!    idle, and the limit allows, it starts a thread.
//! 2. A thread takes names in order. One whose asker has left is skipped.
//! 3. A thread that has waited [`IDLE`] in vain leaves, and [`Departure`] looks after what was queued
//!    in the meantime.
//!
//! # Rejected
//!
//! One thread per lookup: unbounded, and a burst of connects to a dead name server is a burst of
//! threads. A cache or coalescing: the system's resolver configures caching, not the runtime.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

/// How many names are resolved at once, at most.
const MAX_THREADS: usize = 4;

/// How long a thread waits for another name before it leaves.
const IDLE: Duration = Duration::from_secs(10);

/// Resolves `host` with the system's resolver and pairs every address with `port`.
///
/// Dropping the future gives the lookup up: it is skipped if it has not started yet.
pub(crate) async fn lookup(host: Box<str>, port: u16) -> io::Result<Vec<SocketAddr>> {
    let answer = RESOLVER.submit(host, port)?;
    answer
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the resolver thread died")))
}

type Answer = io::Result<Vec<SocketAddr>>;

struct Job {
    host: Box<str>,
    port: u16,
    answer: oneshot::Sender<Answer>,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

struct Resolver {
    state: Mutex<State>,
    queued: Condvar,
}

static RESOLVER: Resolver = Resolver::new();

impl Resolver {
    const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                threads: 0,
                idle: 0,
            }),
            queued: Condvar::new(),
        }
    }

    /// Queues a name and makes sure that some thread will take it.
    fn submit(&'static self, host: Box<str>, port: u16) -> io::Result<oneshot::Receiver<Answer>> {
        let (answer, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        state.queue.push_back(Job { host, port, answer });
        if state.idle < state.queue.len() && state.threads < MAX_THREADS {
            if let Err(error) = self.start_thread() {
                // Without a new thread the name still has its turn, unless there are none at all.
                if state.threads == 0 {
                    state.queue.pop_back();
                    return Err(error);
                }
            } else {
                state.threads += 1;
            }
        }
        drop(state);
        self.queued.notify_one();
        Ok(receiver)
    }

    fn start_thread(&'static self) -> io::Result<()> {
        thread::Builder::new()
            .name("heist-resolver".into())
            .spawn(move || {
                let _departure = Departure(self);
                while let Some(job) = self.next_job() {
                    job.run();
                }
            })
            .map(drop)
    }

    /// Waits for the next name, or returns `None` when the thread should leave.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            let timed_out = self.queued.wait_for(&mut state, IDLE).timed_out();
            state.idle -= 1;
            if timed_out && state.queue.is_empty() {
                return None;
            }
        }
    }
}

impl Job {
    fn run(self) {
        if self.answer.is_closed() {
            return;
        }
        let found = (&*self.host, self.port).to_socket_addrs();
        // The asker may have left meanwhile; then nobody wants the answer.
        let _ = self.answer.send(found.map(Iterator::collect));
    }
}

/// Counts a thread out however it ends, also when a waker it called has panicked.
///
/// Names may have been queued since the thread made up its mind. If it was the last one, it starts
/// a successor for them, or gives them up so that their askers get an error instead of waiting.
struct Departure(&'static Resolver);

impl Drop for Departure {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.threads -= 1;
        if state.threads > 0 || state.queue.is_empty() {
            return;
        }
        let mut given_up = VecDeque::new();
        match self.0.start_thread() {
            Ok(()) => state.threads += 1,
            Err(_) => given_up = std::mem::take(&mut state.queue),
        }
        // Dropping a job wakes its asker: never under the lock.
        drop(state);
        drop(given_up);
    }
}

#[cfg(test)]
mod tests;
