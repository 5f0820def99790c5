//! Tests of one descriptor's readiness on a single thread; `models` has the rest.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::{ScheduledIo, Snapshot, State};
use crate::interest::Direction;
use crate::ready::{Ready, ReadyEvent};
use crate::sync::Arc;
use crate::wake_batch::WakeBatch;

const READ: Ready = Ready::of_direction(Direction::Read);

fn deliver(io: &ScheduledIo, ready: Ready) {
    let mut batch = WakeBatch::new();
    io.set_readiness(ready, &mut batch);
    batch.wake_all();
}

fn poll_read(io: &ScheduledIo, waker: &Waker) -> Poll<Snapshot> {
    io.poll_direction(&mut Context::from_waker(waker), Direction::Read, READ)
}

#[test]
fn a_new_source_is_untried_but_not_ready() {
    let io = ScheduledIo::new();
    assert!(poll_read(&io, Waker::noop()).is_pending());
    let mut cx = Context::from_waker(Waker::noop());
    let untried = io.poll_direction(&mut cx, Direction::Read, READ.or_untried());
    assert!(untried.is_ready());
}

#[test]
fn a_clear_of_an_older_event_does_nothing() {
    let io = ScheduledIo::new();
    deliver(&io, Ready::READABLE);
    let older = io.snapshot().event(READ);
    deliver(&io, Ready::READABLE);
    io.clear(older);
    assert!(io.snapshot().ready().is_readable());
    io.clear(io.snapshot().event(READ));
    assert!(!io.snapshot().ready().is_readable());
}

#[test]
fn the_tick_wraps_without_touching_shutdown_or_readiness() {
    let last = Snapshot(Snapshot::TICK_MASK | u64::from(Ready::WRITABLE.bits()));
    let wrapped = last.with_event(Ready::READABLE);
    assert!(!wrapped.is_shut_down());
    assert_eq!(wrapped.tick(), 0);
    assert_eq!(wrapped.ready(), Ready::READABLE | Ready::WRITABLE);
    assert!(last.with_shutdown().with_event(Ready::EMPTY).is_shut_down());
}

#[test]
fn a_clear_that_changes_nothing_does_not_write() {
    let state = State::new(Ready::EMPTY);
    let event = ReadyEvent {
        ready: Ready::READABLE,
        tick: 0,
    };
    assert_eq!(state.load().without(event), None);
}

#[test]
fn an_error_ends_waits_in_both_directions() {
    let io = ScheduledIo::new();
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    for direction in [Direction::Read, Direction::Write] {
        let mask = Ready::of_direction(direction);
        let mut cx = Context::from_waker(&waker);
        assert!(io.poll_direction(&mut cx, direction, mask).is_pending());
    }
    deliver(&io, Ready::ERROR);
    assert_eq!(counter.0.load(Ordering::Relaxed), 2);
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A waker that uses the source again when it is called and when it is dropped: a deadlock, were a
/// lock held at either.
struct Reentrant(Arc<ScheduledIo>);

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        assert!(poll_read(&self.0, Waker::noop()).is_ready());
        deliver(&self.0, Ready::WRITABLE);
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        deliver(&self.0, Ready::WRITABLE);
    }
}

#[test]
fn wakers_are_called_and_dropped_with_no_lock_held() {
    let io = Arc::new(ScheduledIo::new());
    let waker = || Waker::from(Arc::new(Reentrant(Arc::clone(&io))));
    // Replaced by another, then called.
    assert!(poll_read(&io, &waker()).is_pending());
    assert!(poll_read(&io, &waker()).is_pending());
    deliver(&io, Ready::READABLE);

    // Dropped by a waiter that leaves.
    io.clear(io.snapshot().event(READ));
    let mut key = None;
    let pending = io.poll_waiter(&mut Context::from_waker(&waker()), &mut key, READ);
    assert!(pending.is_pending());
    io.leave(key.expect("a pending waiter has a place"));
}
