//! The right to a task's output.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, RawWakerVTable, Waker};

use super::cell::{Header, TaskRef};
use super::harness::quiet;
use super::state::{DropHandle, Join};
use super::{AbortHandle, Id, JoinError};
use crate::budget;

/// An owned right to await a task's output.
///
/// Dropping it *detaches* the task, which runs on. Awaiting it gives `Ok` with the output, or a
/// [`JoinError`] if the task panicked or was cancelled.
///
/// # Cancel safety
/// Awaiting `&mut handle` loses nothing when it is dropped: the output stays for the next await.
#[must_use = "a dropped handle detaches its task, whose end and panic go unseen: await it, or say `drop`"]
pub struct JoinHandle<T> {
    header: NonNull<Header>,
    left: Left,
    _output: PhantomData<T>,
}

/// A handle that has left nothing in its cell: one word, where a [`JoinHandle`] has four, which each
/// step of a spawn would copy.
#[must_use = "a task whose handle stays folded keeps its output for ever"]
pub(crate) struct Folded<T> {
    header: NonNull<Header>,
    _output: PhantomData<T>,
}

impl<T> Folded<T> {
    #[inline]
    pub(crate) fn unfold(self) -> JoinHandle<T> {
        JoinHandle {
            header: self.header,
            left: Left::Nothing,
            _output: PhantomData,
        }
    }
}

/// What a handle has left in its cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Neither the output, if there is one, was touched, nor is a waker there.
    Nothing,
    /// This waker is in the slot, which is the completing side's: comparing it here saves taking the
    /// slot back only to find the same waker.
    Waker(WakerId),
    /// The task is DONE, and its output was taken.
    Done,
}

/// What makes two wakers equal.
#[derive(Clone, Copy, PartialEq, Eq)]
struct WakerId {
    data: *const (),
    vtable: *const RawWakerVTable,
}

impl WakerId {
    fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data(),
            vtable: waker.vtable(),
        }
    }
}

// SAFETY: the handle moves the output to its thread, hence `T: Send`; the waker id is only
// compared; all else goes through the atomic state.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: through `&JoinHandle` one reaches only the state, the metadata and `abort`.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> Unpin for JoinHandle<T> {}
impl<T> std::panic::UnwindSafe for JoinHandle<T> {}
impl<T> std::panic::RefUnwindSafe for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    /// HANDLE is set in the live cell, no other `JoinHandle` of it exists, and its output is `T`.
    pub(super) unsafe fn from_raw(header: NonNull<Header>) -> Self {
        Self {
            header,
            left: Left::Nothing,
            _output: PhantomData,
        }
    }

    /// Of a task that was just spawned.
    #[inline]
    pub(crate) fn fold(self) -> Folded<T> {
        assert!(self.left == Left::Nothing, "it was polled");
        let header = self.header;
        std::mem::forget(self);
        Folded {
            header,
            _output: PhantomData,
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: HANDLE is set while the handle exists, and keeps the cell alive.
        unsafe { self.header.as_ref() }
    }

    /// Asks the runtime to drop the task's future at its next yield point.
    ///
    /// A task that is running completes its current poll; if that poll finishes it, its output
    /// is kept. Otherwise awaiting the handle gives a [`JoinError`] that
    /// [is cancelled](JoinError::is_cancelled). Calling it again has no effect.
    pub fn abort(&self) {
        self.task_ref().abort();
    }

    /// Returns a handle that can abort the task but not await it.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle::new(self.task_ref())
    }

    /// Whether the task has finished: its output, panic or cancellation is there to be awaited.
    pub fn is_finished(&self) -> bool {
        self.header().state.load().is_done()
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.header().meta().id
    }

    /// The name the task was spawned with.
    pub fn name(&self) -> Option<&str> {
        self.header().meta().name.as_deref()
    }

    fn task_ref(&self) -> TaskRef {
        // SAFETY: HANDLE keeps the cell alive.
        unsafe { TaskRef::new(self.header) }
    }

    /// Stores `waker` for the completing side; `Done` if the task finished meanwhile.
    ///
    /// A waker's clone and drop are foreign code, which may panic: both run while the slot is in
    /// order, the clone before it is touched, the drop after it has been published.
    #[inline(never)]
    fn register(&mut self, waker: &Waker) -> Join {
        if self.left == Left::Waker(WakerId::of(waker)) {
            return Join::Pending;
        }
        // The clone's identity, not the original's: only the clone's address stays in use.
        let waker = waker.clone();
        let id = WakerId::of(&waker);
        let left = std::mem::replace(&mut self.left, Left::Nothing);
        if left != Left::Nothing && self.header().state.reclaim_join_waker() == Join::Done {
            return Join::Done;
        }
        let old = self.replace_join_waker(Some(waker));
        let published = self.header().state.publish_join_waker();
        let unused = match published {
            Join::Pending => {
                self.left = Left::Waker(id);
                None
            }
            Join::Done => self.replace_join_waker(None),
        };
        drop((old, unused));
        published
    }

    /// Callers own the slot: JOIN_WAKER is clear, and was so at DONE if the task is DONE.
    fn replace_join_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        // SAFETY: HANDLE keeps the cell alive.
        let vtable = unsafe { Header::vtable(self.header) };
        // SAFETY: as above.
        let slot = unsafe { (vtable.join_waker)(self.header) };
        // SAFETY: the slot is part of the live cell.
        unsafe { slot.as_ref() }.with_mut(|slot| {
            // SAFETY: without JOIN_WAKER the slot is the handle's.
            std::mem::replace(unsafe { &mut *slot }, waker)
        })
    }

    /// The task is DONE.
    fn take_output(&mut self) -> Result<T, JoinError> {
        let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
        // SAFETY: HANDLE keeps the cell alive.
        let vtable = unsafe { Header::vtable(self.header) };
        // SAFETY: DONE was seen with Acquire, and the output's type is `T`.
        unsafe { (vtable.take_output)(self.header, output.as_mut_ptr().cast()) };
        self.left = Left::Done;
        // SAFETY: `take_output` filled the place, or it would have panicked.
        unsafe { output.assume_init() }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if budget::poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        let done = self.header().state.load().is_done();
        if !done && self.register(cx.waker()) == Join::Pending {
            return Poll::Pending;
        }
        budget::spend();
        Poll::Ready(self.take_output())
    }
}

impl<T> JoinHandle<T> {
    /// The task is DONE, and its output is gone.
    #[inline]
    fn release(&mut self) {
        if self.header().state.release_done_handle() {
            // SAFETY: as the next one.
            let vtable = unsafe { Header::vtable(self.header) };
            // SAFETY: nobody else can reach the cell.
            unsafe { (vtable.free)(self.header) };
        }
    }

    /// Goes away although the task's output may come, or be there.
    #[cold]
    fn detach(&mut self, mut then: DropHandle) {
        loop {
            match then {
                DropHandle::Released => return,
                DropHandle::Done => break,
                DropHandle::ReclaimWaker => {
                    if self.header().state.reclaim_join_waker() == Join::Done {
                        break;
                    }
                    let waker = self.replace_join_waker(None);
                    // A foreign waker's drop may panic; the handle must still be released.
                    quiet(|| drop(waker));
                }
            }
            then = self.header().state.drop_handle();
        }
        // SAFETY: HANDLE keeps the cell alive.
        let vtable = unsafe { Header::vtable(self.header) };
        // SAFETY: DONE and HANDLE: the output, if not yet taken, is the handle's.
        unsafe { (vtable.drop_output)(self.header) };
        self.release();
    }
}

impl<T> Drop for JoinHandle<T> {
    #[inline]
    fn drop(&mut self) {
        if self.left == Left::Done {
            return self.release();
        }
        match self.header().state.drop_handle() {
            DropHandle::Released => {}
            then => self.detach(then),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish()
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "join_tests.rs"]
mod tests;
