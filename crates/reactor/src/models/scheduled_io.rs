//! Readiness against waiting, clearing, leaving and shutdown.

use std::sync::Arc;
use std::task::Poll;

use heist_loom::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{block_on, model, wait_until_ready};
use crate::interest::Direction;
use crate::ready::Ready;
use crate::scheduled_io::{ScheduledIo, Snapshot};
use crate::wake_batch::WakeBatch;

const READ: Ready = Ready::of_direction(Direction::Read);
const WRITE: Ready = Ready::of_direction(Direction::Write);

fn deliver(io: &ScheduledIo, ready: Ready) {
    let mut batch = WakeBatch::new();
    io.set_readiness(ready, &mut batch);
    batch.wake_all();
}

fn wait_for(io: &ScheduledIo, direction: Direction) -> Snapshot {
    let mask = Ready::of_direction(direction);
    wait_until_ready(|cx| io.poll_direction(cx, direction, mask))
}

/// A read that takes one byte of `queue`, clearing readiness whenever there is none.
fn read_one(io: &ScheduledIo, queue: &AtomicUsize) {
    wait_until_ready(|cx| {
        loop {
            let Poll::Ready(snapshot) = io.poll_direction(cx, Direction::Read, READ) else {
                return Poll::Pending;
            };
            // The queue stands for the kernel's, as this reader's syscall sees it.
            if queue.load(Ordering::Relaxed) > 0 {
                return Poll::Ready(());
            }
            io.clear(snapshot.event(READ));
        }
    });
}

/// A wait in a place of its own, as `Registration::readiness` does it.
fn wait_as_further_waiter(io: &ScheduledIo, mask: Ready) -> Snapshot {
    let mut key = None;
    let snapshot = wait_until_ready(|cx| io.poll_waiter(cx, &mut key, mask));
    if let Some(key) = key {
        io.leave(key);
    }
    snapshot
}

/// An event that comes after a reader's look and before its wait wakes it.
#[test]
fn an_event_between_look_and_wait_wakes_the_reader() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let reader = {
            let io = Arc::clone(&io);
            thread::spawn(move || wait_for(&io, Direction::Read))
        };
        deliver(&io, Ready::READABLE);
        assert!(reader.join().expect("joins").ready().is_readable());
    });
}

/// Whoever sees readiness sees what the event loop saw before it reported that.
#[test]
fn a_ready_reader_sees_what_the_event_reported() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let queue = Arc::new(AtomicUsize::new(0));
        let reader = {
            let (io, queue) = (Arc::clone(&io), Arc::clone(&queue));
            thread::spawn(move || read_one(&io, &queue))
        };
        queue.store(1, Ordering::Relaxed);
        deliver(&io, Ready::READABLE);
        reader.join().expect("joins");
    });
}

/// Readiness reported while a read fails is not cleared along with the stale one.
#[test]
fn an_event_during_a_syscall_survives_the_clear() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let queue = Arc::new(AtomicUsize::new(0));
        // A stale report, so that the reader tries, fails and clears.
        deliver(&io, Ready::READABLE);
        let reader = {
            let (io, queue) = (Arc::clone(&io), Arc::clone(&queue));
            thread::spawn(move || read_one(&io, &queue))
        };
        queue.store(1, Ordering::Relaxed);
        deliver(&io, Ready::READABLE);
        reader.join().expect("joins");
    });
}

/// A clear of one direction hands on what the report of the other one published.
#[test]
fn a_clear_that_passes_a_report_on_keeps_what_it_published() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let room = Arc::new(AtomicUsize::new(0));
        let reader = {
            let io = Arc::clone(&io);
            thread::spawn(move || io.clear(io.snapshot().event(READ)))
        };
        let writer = {
            let (io, room) = (Arc::clone(&io), Arc::clone(&room));
            thread::spawn(move || {
                if io.snapshot().ready().is_writable() {
                    assert_eq!(room.load(Ordering::Relaxed), 1);
                }
            })
        };
        room.store(1, Ordering::Relaxed);
        deliver(&io, Ready::READABLE | Ready::WRITABLE);
        reader.join().expect("joins");
        writer.join().expect("joins");
        assert!(io.snapshot().ready().is_writable());
    });
}

/// Clearing read readiness does not lose a write event that comes meanwhile.
#[test]
fn a_clear_of_one_direction_keeps_an_event_of_the_other() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        deliver(&io, Ready::READABLE);
        let writer = {
            let io = Arc::clone(&io);
            thread::spawn(move || wait_for(&io, Direction::Write))
        };
        let event_loop = {
            let io = Arc::clone(&io);
            thread::spawn(move || deliver(&io, Ready::WRITABLE))
        };
        io.clear(io.snapshot().event(READ));
        writer.join().expect("joins");
        event_loop.join().expect("joins");
    });
}

/// One event wakes every further waiter of its direction, however they came.
#[test]
fn two_waiters_of_one_direction_are_both_woken() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let other = {
            let io = Arc::clone(&io);
            thread::spawn(move || wait_as_further_waiter(&io, READ))
        };
        let event_loop = {
            let io = Arc::clone(&io);
            thread::spawn(move || deliver(&io, Ready::READABLE))
        };
        wait_as_further_waiter(&io, READ);
        other.join().expect("joins");
        event_loop.join().expect("joins");
    });
}

/// A waiter dropped while it is being woken does not swallow the wakeup of another.
#[test]
fn a_waiter_that_leaves_takes_no_wakeup_along() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let leaver = {
            let io = Arc::clone(&io);
            thread::spawn(move || {
                let mut key = None;
                let mut polls = 0;
                wait_until_ready(|cx| {
                    polls += 1;
                    let _ = io.poll_waiter(cx, &mut key, WRITE | READ);
                    Poll::Ready(())
                });
                if let Some(key) = key {
                    io.leave(key);
                }
            })
        };
        let event_loop = {
            let io = Arc::clone(&io);
            thread::spawn(move || deliver(&io, Ready::WRITABLE))
        };
        wait_as_further_waiter(&io, WRITE);
        leaver.join().expect("joins");
        event_loop.join().expect("joins");
    });
}

/// Whoever waits for readiness, in either kind of place, is told of the reactor's shutdown.
#[test]
fn shutdown_ends_a_wait_that_is_about_to_begin() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let reader = {
            let io = Arc::clone(&io);
            thread::spawn(move || wait_for(&io, Direction::Read))
        };
        let waiter = {
            let io = Arc::clone(&io);
            thread::spawn(move || {
                let mut key = None;
                block_on(std::future::poll_fn(|cx| {
                    io.poll_waiter(cx, &mut key, WRITE)
                }))
            })
        };
        let mut batch = WakeBatch::new();
        io.shut_down(&mut batch);
        batch.wake_all();
        assert!(reader.join().expect("joins").is_shut_down());
        assert!(waiter.join().expect("joins").is_shut_down());
    });
}

/// An event in flight leaves the shutdown mark as it is.
#[test]
fn an_event_does_not_undo_a_shutdown() {
    model(|| {
        let io = Arc::new(ScheduledIo::new());
        let event_loop = {
            let io = Arc::clone(&io);
            thread::spawn(move || deliver(&io, Ready::READABLE))
        };
        let mut batch = WakeBatch::new();
        io.shut_down(&mut batch);
        batch.wake_all();
        event_loop.join().expect("joins");
        assert!(io.snapshot().is_shut_down());
    });
}
