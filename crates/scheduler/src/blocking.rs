//! The blocking pool: threads for code that blocks, at most a set number, none when idle.
//!
//! A job is a task whose future runs the closure in its one poll, so that it has the same
//! `JoinHandle`, id, panic capture and abort (before it starts) as any other task.
//!
//! # Protocol
//! All counts are under one lock. [`Pool::submit`]: queue the job; if more jobs are queued than
//! threads wait, and there may be one more thread, start one; else notify one.
//! A thread: take jobs until there are none; then wait, counted as idle, until notified or until
//! the keep-alive is over; leave if the pool is shut down or the time is over *and* no job is
//! queued.
//!
//! # The race
//! Submission against the departure of the last idle thread (tokio#8056 hung here): "is a job
//! queued?" and "I am no longer idle" are one step under the lock, so the submitter either counts
//! the thread as gone, and starts one, or the thread sees the job. A notification may reach a
//! thread that another one has already robbed of its job: it waits again, still counted as idle.
//!
//! # Invariants
//! - `idle` counts exactly the threads that will look at the queue again before they leave.
//! - Jobs run, and jobs that are refused are cancelled, under no lock.
//! - If no thread can be started the jobs stay queued for the threads there are; if there is none
//!   they are cancelled: nothing hangs. A thread that dies in its start hook counts as not started.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use slab::Slab;

use crate::budget;
use crate::clock::Clock;
use crate::config::{SpawnThread, ThreadKind};
use crate::driver::Unpark;
use crate::metrics::BlockingMetrics;
use crate::report::TaskInfo;
use crate::sync::{Condvar, Mutex};
use crate::task::{Schedule, Task, TaskRef};

/// The pool's limits and seams.
#[derive(Clone)]
pub(crate) struct BlockingConfig {
    pub(crate) kind: ThreadKind,
    pub(crate) max_threads: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) spawn_thread: SpawnThread,
    pub(crate) clock: Arc<dyn Clock>,
    /// Told when a thread has done its jobs.
    pub(crate) went_idle: Option<Arc<dyn Unpark>>,
}

impl std::fmt::Debug for BlockingConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockingConfig")
            .field("kind", &self.kind)
            .field("max_threads", &self.max_threads)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

/// A pool; its threads hold a reference each.
#[derive(Debug)]
pub(crate) struct Pool {
    config: BlockingConfig,
    state: Mutex<State>,
    job_or_shutdown: Condvar,
    thread_left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Task>,
    running: Slab<TaskRef>,
    threads: usize,
    idle: usize,
    shut_down: bool,
}

/// Why a job may not run.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The pool is shut down; the job comes back to be cancelled.
    ShutDown(Task),
    /// No thread could be started. The job waits for another one, or is cancelled if there is none.
    NoThread(io::Error),
}

/// A place among the pool's threads, counted before the thread runs. Dropping it, as a refused or
/// panicking start does, gives the place back.
struct Reserved(Option<Arc<Pool>>);

impl Reserved {
    /// The thread runs, and will count itself out.
    fn redeem(mut self) -> Arc<Pool> {
        self.0.take().expect("a place is redeemed once")
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.give_thread_back();
        }
    }
}

impl Pool {
    pub(crate) fn new(config: BlockingConfig) -> Self {
        Self {
            config,
            state: Mutex::new(State::default()),
            job_or_shutdown: Condvar::new(),
            thread_left: Condvar::new(),
        }
    }

    /// Queues a job and sees to it that a thread will run it.
    pub(crate) fn submit(self: &Arc<Self>, job: Task) -> Result<(), Refused> {
        let mut state = self.state.lock();
        if state.shut_down {
            drop(state);
            return Err(Refused::ShutDown(job));
        }
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            drop(state);
            self.job_or_shutdown.notify_one();
            return Ok(());
        }
        if state.threads >= self.config.max_threads {
            return Ok(()); // A busy thread takes it when it is done.
        }
        state.threads += 1; // Reserved under the lock, so that the limit holds.
        drop(state);
        self.start_thread()
    }

    fn start_thread(self: &Arc<Self>) -> Result<(), Refused> {
        let reserved = Reserved(Some(self.clone()));
        let body = Box::new(move || reserved.redeem().run_thread());
        (self.config.spawn_thread)(self.config.kind, body).map_err(Refused::NoThread)
    }

    /// A reserved thread did not come to run; without any thread the queued jobs are cancelled.
    fn give_thread_back(&self) {
        let mut state = self.state.lock();
        state.threads -= 1;
        let orphans = match state.threads {
            0 => std::mem::take(&mut state.jobs),
            _ => VecDeque::new(),
        };
        drop(state);
        self.thread_left.notify_all();
        orphans.into_iter().for_each(Task::cancel);
    }

    /// What each thread of the pool runs.
    fn run_thread(&self) {
        // Dropped under no lock: it may be the last reference, and drop the job's output.
        let mut done: Option<TaskRef> = None;
        loop {
            let mut state = self.state.lock();
            while let Some(job) = state.jobs.pop_front() {
                let entry = state.running.insert(TaskRef::of(&job));
                drop(state);
                drop(done.take());
                job.run();
                state = self.state.lock();
                done = Some(state.running.remove(entry));
            }
            if done.is_some() {
                drop(state);
                done = None;
                let hook = self.config.went_idle.as_ref();
                hook.into_iter().for_each(|hook| hook.went_idle());
                continue;
            }
            state.idle += 1;
            let deadline = self.deadline();
            let leave = loop {
                if state.shut_down {
                    break true;
                }
                let (guard, timed_out) = self.wait_for_job(state, deadline);
                state = guard;
                if !state.jobs.is_empty() {
                    break false;
                }
                if timed_out {
                    break true;
                }
            };
            state.idle -= 1;
            if leave {
                debug_assert!(state.jobs.is_empty(), "refused, or seen just now");
                state.threads -= 1;
                drop(state);
                self.thread_left.notify_all();
                return;
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.config.clock.now().checked_add(self.config.keep_alive)
    }

    fn wait_for_job<'a>(
        &self,
        state: crate::sync::MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> (crate::sync::MutexGuard<'a, State>, bool) {
        match deadline {
            Some(deadline) => self.job_or_shutdown.wait_until(state, deadline),
            None => (self.job_or_shutdown.wait(state), false),
        }
    }

    /// Refuses further jobs, cancels the queued ones, and lets the idle threads leave.
    pub(crate) fn shut_down(&self) {
        let mut state = self.state.lock();
        state.shut_down = true;
        let queued = std::mem::take(&mut state.jobs);
        drop(state);
        self.job_or_shutdown.notify_all();
        queued.into_iter().for_each(Task::cancel);
    }

    /// Waits until no thread is left, or until `deadline`; true if none is.
    pub(crate) fn wait_until_empty(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while state.threads > 0 {
            let Some(deadline) = deadline else {
                state = self.thread_left.wait(state);
                continue;
            };
            let (guard, timed_out) = self.thread_left.wait_until(state, deadline);
            state = guard;
            if timed_out {
                return state.threads == 0;
            }
        }
        true
    }

    /// Whether no job is queued and none runs.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.jobs.is_empty() && state.running.is_empty()
    }

    /// The jobs that run now.
    pub(crate) fn running(&self) -> Vec<TaskInfo> {
        let state = self.state.lock();
        state
            .running
            .iter()
            .map(|(_, job)| TaskInfo::of(job))
            .collect()
    }

    pub(crate) fn metrics(&self) -> BlockingMetrics {
        let state = self.state.lock();
        BlockingMetrics {
            threads: state.threads,
            idle_threads: state.idle,
            queue_depth: state.jobs.len(),
        }
    }
}

/// The scheduler of blocking jobs. A job is never woken: its first poll is its last.
#[derive(Debug)]
pub(crate) struct OneShot;

impl Schedule for OneShot {
    type Target = ();

    fn target(&self) {}

    fn schedule((): (), task: Task) {
        task.cancel();
    }

    fn schedule_yielded((): (), task: Task) {
        task.cancel();
    }
}

/// The future of a blocking job.
#[derive(Debug)]
pub(crate) struct Job<F>(Option<F>);

impl<F> Job<F> {
    pub(crate) fn new(f: F) -> Self {
        Self(Some(f))
    }
}

impl<F> Unpin for Job<F> {}

impl<F: FnOnce() -> T, T> Future for Job<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<T> {
        let f = self.0.take().expect("a blocking job is polled once");
        Poll::Ready(budget::unconstrained(f))
    }
}
