//! Foreign wakers whose clones live elsewhere, or that panic: the join waker's slot survives them.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use crate::clock::SystemClock;
use crate::driver::Idle;
use crate::{Config, Handle, JoinError, JoinHandle, Tick, Worker};

/// Counts its wakes.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Where the boxed wakers below point to; each clone is a box of its own, so that the identity of
/// a clone is not that of its original.
struct Boxed {
    target: Arc<Count>,
    panics: Panics,
}

/// What panics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Panics {
    Nothing,
    Clone,
    DropOfClone,
    Drop,
}

static BOXED: RawWakerVTable = RawWakerVTable::new(
    |data| {
        // SAFETY: `data` is a live box of this vtable's wakers.
        let boxed = unsafe { &*data.cast::<Boxed>() };
        let panics = match boxed.panics {
            Panics::Nothing | Panics::Drop => Panics::Nothing,
            Panics::Clone => panic!("a clone that panics"),
            Panics::DropOfClone => Panics::Drop,
        };
        raw(Boxed {
            target: boxed.target.clone(),
            panics,
        })
    },
    |data| {
        // SAFETY: the waker is consumed, and its box with it.
        let boxed = unsafe { Box::from_raw(data.cast_mut().cast::<Boxed>()) };
        boxed.target.wake();
    },
    |data| {
        // SAFETY: `data` is a live box.
        unsafe { &*data.cast::<Boxed>() }.target.clone().wake();
    },
    |data| {
        // SAFETY: the waker is dropped, and its box with it.
        let boxed = unsafe { Box::from_raw(data.cast_mut().cast::<Boxed>()) };
        assert!(boxed.panics != Panics::Drop, "a drop that panics");
    },
);

fn raw(boxed: Boxed) -> RawWaker {
    RawWaker::new(Box::into_raw(Box::new(boxed)).cast(), &BOXED)
}

fn waker(target: &Arc<Count>, panics: Panics) -> Waker {
    let target = target.clone();
    let boxed = Boxed { target, panics };
    // SAFETY: `BOXED` keeps the contract: each waker owns one box.
    unsafe { Waker::from_raw(raw(boxed)) }
}

fn scheduler() -> (Handle, Worker) {
    let threads = Arc::new(|_, _| Err(std::io::Error::other("no threads here")));
    let mut config = Config::new(1, threads);
    config.clock = Arc::new(SystemClock);
    let (handle, mut launches) = Handle::new(config, Box::new(Idle::default()));
    let worker = launches.remove(0).start();
    (handle, worker)
}

fn poll<T>(
    join: &mut JoinHandle<T>,
    waker: &Waker,
) -> std::thread::Result<Poll<Result<T, JoinError>>> {
    let mut cx = Context::from_waker(waker);
    catch_unwind(AssertUnwindSafe(|| Pin::new(join).poll(&mut cx)))
}

#[test]
fn a_new_waker_at_an_old_ones_address_is_registered() {
    for _ in 0..100 {
        let (handle, mut worker) = scheduler();
        let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut join = handle.spawn(async {}, None);
        // The second waker's box often gets the address of the first one, which is freed.
        for target in [&first, &second] {
            let waker = waker(target, Panics::Nothing);
            let mut cx = Context::from_waker(&waker);
            assert!(Pin::new(&mut join).poll(&mut cx).is_pending());
        }
        assert_eq!(worker.tick(), Tick::Ran);
        assert_eq!(first.0.load(Ordering::SeqCst), 0);
        assert_eq!(second.0.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_waker_whose_clone_panics_leaves_the_registered_one() {
    let (handle, mut worker) = scheduler();
    let target = Arc::new(Count::default());
    let mut join = handle.spawn(async {}, None);
    let (good, bad) = (
        waker(&target, Panics::Nothing),
        waker(&target, Panics::Clone),
    );
    assert!(poll(&mut join, &good).is_ok_and(|polled| polled.is_pending()));
    assert!(poll(&mut join, &bad).is_err());
    assert_eq!(worker.tick(), Tick::Ran);
    assert_eq!(target.0.load(Ordering::SeqCst), 1);
    drop((join, good, bad));
    assert_eq!(Arc::strong_count(&target), 1, "no waker is left behind");
}

#[test]
fn a_replaced_waker_whose_drop_panics_leaves_the_new_one() {
    let (handle, mut worker) = scheduler();
    let target = Arc::new(Count::default());
    let mut join = handle.spawn(async {}, None);
    let (bad, good) = (
        waker(&target, Panics::DropOfClone),
        waker(&target, Panics::Nothing),
    );
    assert!(poll(&mut join, &bad).is_ok_and(|polled| polled.is_pending()));
    assert!(poll(&mut join, &good).is_err());
    assert_eq!(worker.tick(), Tick::Ran);
    assert_eq!(target.0.load(Ordering::SeqCst), 1);
    assert!(poll(&mut join, &good).is_ok_and(|polled| polled.is_ready()));
    drop((join, good, bad));
    assert_eq!(Arc::strong_count(&target), 1, "no waker is left behind");
}

#[test]
fn a_handle_whose_output_was_taken_answers_all_but_a_poll() {
    let (handle, mut worker) = scheduler();
    let target = Arc::new(Count::default());
    let output = target.clone();
    let mut join = handle.spawn(async { output }, Some("done"));
    let id = join.id();
    assert_eq!(worker.tick(), Tick::Ran);
    let waker = waker(&target, Panics::Nothing);
    assert!(poll(&mut join, &waker).is_ok_and(|polled| polled.is_ready()));
    for _ in 0..2 {
        let payload = poll(&mut join, &waker).expect_err("it was polled after its output");
        let text = payload.downcast_ref::<&str>().expect("a text");
        assert_eq!(*text, "`JoinHandle` polled after it returned its output");
        assert_eq!((join.id(), join.name()), (id, Some("done")));
        assert!(join.is_finished() && format!("{join:?}").contains("done"));
        join.abort();
        assert!(join.abort_handle().is_finished());
    }
    let abort = join.abort_handle();
    drop((join, waker));
    assert_eq!(abort.id(), id);
    assert_eq!(Arc::strong_count(&target), 1, "the output is taken once");
}
