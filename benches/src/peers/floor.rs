//! No runtime at all: the bare data structure, function call or system call that a workload cannot
//! do without. Everything runs on one thread, so nothing is shared and nothing synchronized.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::Job;
use crate::measure::{Outcome, Usage};
use crate::workloads::idle::ticked;
use crate::workloads::spawn::{fib_of_size, inner_nodes};

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> Option<Outcome> {
    let work: fn(&Job, u64) -> u64 = match job.workload.as_str() {
        "spawn_join" => queue,
        "chained_spawn" => chain,
        "yield_now" => rotate,
        "fork_join" => recursion,
        "timer_create_cancel" => heap,
        "wake_latency" => return Some(unpark(job)),
        "idle_tick" => return Some(tick(job)),
        _ => return None,
    };
    if !job.counted {
        work(job, (job.ops / 10).max(1));
    }
    let usage = Usage::start();
    let ops = work(job, job.ops);
    Some(Outcome::per_op(ops, usage.stop()))
}

/// A queue of boxed closures: all in, then all out, called and freed.
fn queue(_: &Job, ops: u64) -> u64 {
    let mut queue: VecDeque<Box<dyn FnOnce() -> u64>> = VecDeque::new();
    for index in 0..ops {
        queue.push_back(Box::new(move || black_box(index)));
    }
    while let Some(task) = queue.pop_front() {
        task();
    }
    ops
}

thread_local! {
    static QUEUE: RefCell<VecDeque<Box<dyn FnOnce()>>> = RefCell::default();
}

/// A queue of boxed closures, each of which puts in the next one.
fn chain(_: &Job, ops: u64) -> u64 {
    fn push(left: u64) {
        if left > 0 {
            QUEUE.with_borrow_mut(|queue| queue.push_back(Box::new(move || push(left - 1))));
        }
    }
    push(ops);
    while let Some(task) = QUEUE.with_borrow_mut(VecDeque::pop_front) {
        task();
    }
    ops
}

/// `--width` boxes in a queue: the first becomes the last.
fn rotate(job: &Job, ops: u64) -> u64 {
    let mut queue: VecDeque<Box<u64>> = (0..job.width as u64).map(Box::new).collect();
    for _ in 0..ops {
        let mut task = queue.pop_front().expect("--width is at least 1");
        *task += 1;
        queue.push_back(black_box(task));
    }
    ops
}

/// The same tree, by function calls.
fn recursion(_: &Job, ops: u64) -> u64 {
    fn fib(n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        black_box(fib(n - 1)) + fib(n - 2)
    }
    let n = fib_of_size(ops);
    black_box(fib(black_box(n)));
    inner_nodes(n)
}

/// A heap behind a lock; each timer has a flag of its own, by which it is cancelled.
fn heap(_: &Job, ops: u64) -> u64 {
    let mut random = fastrand::Rng::with_seed(7);
    let heap = Mutex::new(BinaryHeap::new());
    let lock = || heap.lock().unwrap_or_else(PoisonError::into_inner);
    let mut armed = Vec::with_capacity(ops as usize);
    for index in 0..ops {
        let deadline = Instant::now() + Duration::from_millis(random.u64(1_000..30_000));
        lock().push(Reverse((deadline, index)));
        armed.push(Box::new(Cell::new(true)));
    }
    for flag in armed {
        let _heap = lock();
        black_box(flag).set(false);
    }
    ops
}

/// One thread parks, another unparks it.
fn unpark(job: &Job) -> Outcome {
    let listener = thread::current();
    let (send, receive) = mpsc::channel();
    let ops = job.ops;
    let usage = Usage::start();
    let ringer = thread::spawn(move || {
        for _ in 0..ops {
            thread::sleep(Duration::from_micros(450));
            let sent = send.send(Instant::now());
            sent.expect("the listener waits for all");
            listener.unpark();
        }
    });
    let mut heard = Vec::new();
    while (heard.len() as u64) < ops {
        thread::park();
        heard.extend(receive.try_iter().map(|rung| rung.elapsed()));
    }
    ringer.join().expect("the ringer does not panic");
    Outcome::per_op(ops, usage.stop()).with_latency(heard)
}

/// A thread that sleeps a millisecond again and again.
fn tick(job: &Job) -> Outcome {
    let (usage, start) = (Usage::start(), Instant::now());
    let length = Duration::from_secs_f64(job.seconds);
    let mut ticks = 0;
    while start.elapsed() < length {
        thread::sleep(Duration::from_millis(1));
        ticks += 1;
    }
    ticked(ticks, usage.stop())
}
