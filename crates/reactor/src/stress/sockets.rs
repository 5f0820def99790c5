//! Sockets that come and go beside the event loop.

use std::sync::Arc;
use std::task::Poll;

use heist_shuttle::explore;
use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread::{self, JoinHandle};

use super::below;
use crate::interest::Direction;
use crate::ready::Ready;
use crate::scheduled_io::{ScheduledIo, Snapshot};
use crate::slots::{Key, Slots};
use crate::wake_batch::WakeBatch;

const READ: Ready = Ready::of_direction(Direction::Read);

/// Owners of sockets at a time, and sockets that each has one after another.
const OWNERS: usize = 3;
const SOCKETS: usize = 3;

/// What a peer sends over one socket, in as many events or fewer.
const BYTES: usize = 4;

/// The table, and the kernel's events that nobody has delivered yet.
struct World {
    slots: Slots<ScheduledIo>,
    in_flight: Mutex<InFlight>,
    more: Condvar,
}

#[derive(Default)]
struct InFlight {
    events: Vec<(Key, Ready)>,
    over: bool,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            slots: Slots::new(),
            in_flight: Mutex::default(),
            more: Condvar::new(),
        })
    }

    fn happen(&self, key: Key) {
        let mut in_flight = self.in_flight.lock().expect("no panic with it");
        in_flight.events.push((key, Ready::READABLE));
        drop(in_flight);
        self.more.notify_one();
    }

    fn end(&self) {
        self.in_flight.lock().expect("no panic with it").over = true;
        self.more.notify_one();
    }

    /// The next events, in any order and number; some may be of sockets that are gone.
    fn take_events(&self) -> Option<Vec<(Key, Ready)>> {
        let mut in_flight = self.in_flight.lock().expect("no panic with it");
        while in_flight.events.is_empty() {
            if in_flight.over {
                return None;
            }
            in_flight = self.more.wait(in_flight).expect("no panic with it");
        }
        let count = 1 + below(in_flight.events.len());
        let mut taken = Vec::new();
        for _ in 0..count {
            let index = below(in_flight.events.len());
            taken.push(in_flight.events.swap_remove(index));
        }
        Some(taken)
    }
}

/// Delivers events until the world ends, as `Reactor::turn` does.
fn event_loop(world: &Arc<World>) -> JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || {
        while let Some(events) = world.take_events() {
            let mut batch = WakeBatch::new();
            world.slots.dispatch(events.into_iter(), &mut batch);
            batch.wake_all();
        }
    })
}

async fn readable(io: &ScheduledIo) -> Snapshot {
    std::future::poll_fn(|cx| io.poll_direction(cx, Direction::Read, READ)).await
}

/// Reads until `wanted` bytes are there, as `Registration::poll_io` does: tries, and clears what it
/// relied on when there is nothing.
async fn read(io: &ScheduledIo, queue: &AtomicUsize, wanted: usize) {
    let mut read = 0;
    while read < wanted {
        let snapshot = readable(io).await;
        assert!(!snapshot.is_shut_down(), "nobody shuts this one down");
        match queue.swap(0, Ordering::SeqCst) {
            0 => io.clear(snapshot.event(READ)),
            some => read += some,
        }
    }
}

/// Owns sockets one after another, each with a peer that sends. Now and then it leaves early.
fn owner(world: &Arc<World>) -> JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || {
        for _ in 0..SOCKETS {
            let io = Arc::new(ScheduledIo::new());
            let key = world.slots.insert(Arc::clone(&io)).expect("it is open");
            let queue = Arc::new(AtomicUsize::new(0));
            let peer = {
                let (world, queue) = (Arc::clone(&world), Arc::clone(&queue));
                thread::spawn(move || {
                    for _ in 0..BYTES {
                        queue.fetch_add(1, Ordering::SeqCst);
                        world.happen(key);
                    }
                })
            };
            block_on(read(&io, &queue, 1 + below(BYTES)));
            assert!(world.slots.remove(key).is_some(), "it is removed once");
            assert!(world.slots.remove(key).is_none(), "it is removed once");
            peer.join().expect("a panic of the scene");
        }
    })
}

fn join(threads: Vec<JoinHandle<()>>) {
    for joined in threads {
        joined.join().expect("a panic of the scene");
    }
}

#[test]
fn every_reader_is_woken_for_what_arrives_while_sockets_come_and_go() {
    explore(|| {
        let world = World::new();
        let event_loop = event_loop(&world);
        join((0..OWNERS).map(|_| owner(&world)).collect());
        world.end();
        join(vec![event_loop]);
        assert_eq!(world.slots.len(), 0);
    });
}

/// A socket that is never written to, in a slot that others had before: their events in flight are not
/// its own.
#[test]
fn a_late_event_reaches_no_successor() {
    explore(|| {
        let world = World::new();
        let event_loop = event_loop(&world);
        for _ in 0..SOCKETS {
            let io = Arc::new(ScheduledIo::new());
            let key = world.slots.insert(io).expect("it is open");
            world.happen(key);
            assert!(world.slots.remove(key).is_some());
        }
        let silent = Arc::new(ScheduledIo::new());
        let key = world.slots.insert(Arc::clone(&silent)).expect("it is open");
        world.end();
        join(vec![event_loop]);
        assert!(!silent.snapshot().ready().is_readable());
        assert!(world.slots.remove(key).is_some());
    });
}

/// Waits in a place of its own, and gives it back; now and then after one poll only.
async fn wait_or_leave(io: &ScheduledIo) {
    let (mut key, stays) = (None, below(2) == 0);
    std::future::poll_fn(|cx| match io.poll_waiter(cx, &mut key, READ) {
        Poll::Pending if stays => Poll::Pending,
        _ => Poll::Ready(()),
    })
    .await;
    if let Some(key) = key {
        io.leave(key);
    }
}

#[test]
fn a_shutdown_ends_every_wait_and_refuses_what_comes_later() {
    explore(|| {
        let world = World::new();
        let waiters = (0..OWNERS).map(|_| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let io = Arc::new(ScheduledIo::new());
                if world.slots.insert(Arc::clone(&io)).is_ok() {
                    block_on(wait_or_leave(&io));
                    assert!(block_on(readable(&io)).is_shut_down());
                }
            })
        });
        let waiters = waiters.collect();
        let mut batch = WakeBatch::new();
        for io in world.slots.close() {
            io.shut_down(&mut batch);
        }
        batch.wake_all();
        join(waiters);
        assert!(world.slots.insert(Arc::new(ScheduledIo::new())).is_err());
    });
}
