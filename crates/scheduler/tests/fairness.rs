//! Fairness as a bound, counted in polls on virtual workers: no clock, no chance.
//!
//! The bound (see `worker/turn.rs`): a task with `n` others before it in its worker's queue is polled
//! after at most `4 n + 3` other polls of that worker: each poll from the queue may be followed by
//! three from the slot. An injected task is in a queue after at most one turn per 128 tasks injected
//! before it, and a turn is as many polls as were queued when it began, or 64.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use heist_scheduler::driver::Idle;
use heist_scheduler::{Config, Handle, SpawnThread, Worker};

fn one_worker() -> (Handle, Worker) {
    let threads: SpawnThread =
        Arc::new(|_kind, body| std::thread::Builder::new().spawn(body).map(drop));
    let (handle, mut launches) = Handle::new(Config::new(1, threads), Box::new(Idle::default()));
    let worker = launches.pop().expect("there is one").start();
    (handle, worker)
}

/// Counts how many polls of others come between two of its own.
struct Watched {
    clock: Arc<AtomicUsize>,
    last: usize,
    longest: Arc<AtomicUsize>,
}

impl Future for Watched {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.clock.load(Ordering::Relaxed);
        self.longest.fetch_max(now - self.last, Ordering::Relaxed);
        self.last = now;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A worker with one watched task, and what else it is given.
struct Scene {
    handle: Handle,
    worker: Worker,
    clock: Arc<AtomicUsize>,
    longest: Arc<AtomicUsize>,
}

impl Scene {
    fn new() -> Self {
        let (handle, worker) = one_worker();
        let (clock, longest) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let watched = Watched {
            clock: clock.clone(),
            last: 0,
            longest: longest.clone(),
        };
        drop(handle.spawn(watched, None));
        Self {
            handle,
            worker,
            clock,
            longest,
        }
    }

    /// Steps the worker; the longest wait of the watched task, in polls.
    fn longest_wait(mut self, polls: usize, mut meanwhile: impl FnMut(&Handle)) -> usize {
        for _ in 0..polls {
            self.clock.fetch_add(1, Ordering::Relaxed);
            let _ = self.worker.tick();
            meanwhile(&self.handle);
        }
        let longest = self.longest.load(Ordering::Relaxed);
        assert!(longest > 0, "the watched task runs");
        self.handle.shut_down();
        longest
    }
}

/// Wakes itself in every poll.
fn hog() -> impl Future<Output = ()> {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn tasks_that_wake_themselves_take_turns() {
    let scene = Scene::new();
    for _ in 0..50 {
        drop(scene.handle.spawn(hog(), None));
    }
    assert!(scene.longest_wait(10_000, |_| {}) <= 51);
}

/// Two tasks that wake each other, for ever.
fn ping_pong(handle: &Handle) {
    let wakers: Arc<Mutex<[Option<Waker>; 2]>> = Arc::default();
    for side in 0..2 {
        let wakers = wakers.clone();
        let player = poll_fn(move |cx| {
            let mut wakers = wakers.lock().expect("no player panics");
            wakers[side] = Some(cx.waker().clone());
            let other = wakers[1 - side].take();
            drop(wakers);
            other.into_iter().for_each(Waker::wake);
            Poll::<()>::Pending
        });
        drop(handle.spawn(player, None));
    }
}

#[test]
fn tasks_that_wake_each_other_in_the_slot_do_not_keep_the_worker() {
    let scene = Scene::new();
    for _ in 0..10 {
        ping_pong(&scene.handle);
    }
    assert!(scene.longest_wait(10_000, |_| {}) <= 4 * 21 + 3);
}

/// Spawns its like in every poll, which end at once.
fn spawner(handle: Handle) -> impl Future<Output = ()> {
    poll_fn(move |cx| {
        drop(handle.spawn(async {}, None));
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn a_flood_of_local_spawns_starves_nobody() {
    let scene = Scene::new();
    for _ in 0..10 {
        drop(scene.handle.spawn(spawner(scene.handle.clone()), None));
    }
    // Eleven tasks, and each of the ten leaves one more in the queue at most.
    assert!(scene.longest_wait(10_000, |_| {}) <= 4 * 21 + 3);
}

#[test]
fn a_flood_of_injected_tasks_starves_nobody() {
    let scene = Scene::new();
    // One from outside per poll; a turn of 64 polls fetches 128 at most.
    let longest = scene.longest_wait(20_000, |handle| drop(handle.spawn(async {}, None)));
    assert!(longest <= 4 * 129 + 3, "{longest}");
}

#[test]
fn a_flood_of_local_tasks_does_not_keep_an_injected_one_waiting() {
    let (handle, mut worker) = one_worker();
    for _ in 0..100 {
        drop(handle.spawn(hog(), None));
    }
    for _ in 0..1_000 {
        let _ = worker.tick();
    }
    let ran = Arc::new(AtomicUsize::new(0));
    let seen = ran.clone();
    let task = async move {
        seen.fetch_add(1, Ordering::Relaxed);
    };
    drop(handle.spawn(task, None));
    // A turn to be fetched, and one to be run.
    let polls = (0..300).take_while(|_| {
        let _ = worker.tick();
        ran.load(Ordering::Relaxed) == 0
    });
    assert!(polls.count() < 210);
    handle.shut_down();
}
