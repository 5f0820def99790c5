//! Foreign wakers whose clones live elsewhere, or that panic: the join waker's slot survives them.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, RawWaker, RawWakerVTable, Wake, Waker};

use crate::clock::SystemClock;
use crate::driver::Idle;
use crate::{Config, Handle, Tick, Worker};

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
    clone_panics: bool,
}

static BOXED: RawWakerVTable = RawWakerVTable::new(
    |data| {
        // SAFETY: `data` is a live box of this vtable's wakers.
        let boxed = unsafe { &*data.cast::<Boxed>() };
        assert!(!boxed.clone_panics, "a clone that panics");
        raw(Boxed {
            target: boxed.target.clone(),
            clone_panics: false,
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
        drop(unsafe { Box::from_raw(data.cast_mut().cast::<Boxed>()) });
    },
);

fn raw(boxed: Boxed) -> RawWaker {
    RawWaker::new(Box::into_raw(Box::new(boxed)).cast(), &BOXED)
}

fn waker(target: &Arc<Count>, clone_panics: bool) -> Waker {
    let boxed = Boxed {
        target: target.clone(),
        clone_panics,
    };
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

#[test]
fn a_new_waker_at_an_old_ones_address_is_registered() {
    for _ in 0..100 {
        let (handle, mut worker) = scheduler();
        let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut join = handle.spawn(async {}, None);
        // The second waker's box often gets the address of the first one, which is freed.
        for target in [&first, &second] {
            let waker = waker(target, false);
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
    let (good, bad) = (waker(&target, false), waker(&target, true));
    let mut poll_with = |waker: &Waker| {
        let mut cx = Context::from_waker(waker);
        catch_unwind(AssertUnwindSafe(|| {
            Pin::new(&mut join).poll(&mut cx).is_pending()
        }))
    };
    assert!(poll_with(&good).is_ok_and(|pending| pending));
    assert!(poll_with(&bad).is_err());
    assert_eq!(worker.tick(), Tick::Ran);
    assert_eq!(target.0.load(Ordering::SeqCst), 1);
    drop((join, good, bad));
    assert_eq!(Arc::strong_count(&target), 1, "no waker is left behind");
}
