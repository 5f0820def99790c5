//! The right to a task's output.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use super::cell::{Header, JoinWaker, TaskRef};
use super::harness::quiet;
use super::state::{DropHandle, Join, Snapshot};
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
    /// The cell; [`TAKEN`] is added to its address once the output was taken. One word, since programs
    /// keep as many handles as tasks.
    tagged: NonNull<Header>,
    _output: PhantomData<T>,
}

/// The task is DONE, and its output was taken.
const TAKEN: usize = 1;

const _: () = assert!(
    align_of::<Header>() > TAKEN,
    "a cell's address has room for it"
);

// SAFETY: the handle moves the output to its thread, hence `T: Send`; of the join waker, which is
// Send, it touches what the state says; all else goes through the atomic state.
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
            tagged: header,
            _output: PhantomData,
        }
    }

    #[inline]
    fn is_taken(&self) -> bool {
        self.tagged.addr().get() & TAKEN != 0
    }

    #[inline]
    fn cell(&self) -> NonNull<Header> {
        let address = self.tagged.as_ptr().map_addr(|address| address & !TAKEN);
        // SAFETY: without the tag it is the cell's address.
        unsafe { NonNull::new_unchecked(address) }
    }

    fn header(&self) -> &Header {
        // SAFETY: HANDLE is set while the handle exists, and keeps the cell alive.
        unsafe { self.cell().as_ref() }
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
        unsafe { TaskRef::new(self.cell()) }
    }

    /// Stores `waker` for the completing side; `Done` if the task finished meanwhile.
    ///
    /// A waker's clone and drop are foreign code, which may panic: both run while the slot is in
    /// order, the clone before it is touched, the drop after it has been published.
    #[inline(never)]
    fn register(&mut self, waker: &Waker, now: Snapshot) -> Join {
        // The clone's identity, not the original's: only the clone's address stays in use.
        if now.has_join_waker() && self.has_left(waker) {
            return Join::Pending;
        }
        let waker = waker.clone();
        let mut old = None;
        if now.has_join_waker() {
            if self.header().state.reclaim_join_waker() == Join::Done {
                return Join::Done;
            }
            // SAFETY: the slot was filled, and has just become the handle's.
            old = Some(unsafe { self.take_join_waker() });
        }
        // SAFETY: HANDLE keeps the cell alive.
        unsafe { self.join_waker().as_ref() }.with_mut(|slot| {
            // SAFETY: without JOIN_WAKER the slot is the handle's, and empty.
            unsafe { (*slot).write(waker) };
        });
        let published = self.header().state.publish_join_waker();
        let unused = match published {
            Join::Pending => None,
            // SAFETY: the slot is filled, and stays the handle's.
            Join::Done => Some(unsafe { self.take_join_waker() }),
        };
        drop((old, unused));
        published
    }

    fn join_waker(&self) -> NonNull<JoinWaker> {
        // SAFETY: HANDLE keeps the cell alive.
        let vtable = unsafe { Header::vtable(self.cell()) };
        // SAFETY: as above.
        unsafe { (vtable.join_waker)(self.cell()) }
    }

    /// Whether the waker that was seen published is equal to this one: comparing it where it is saves
    /// taking the slot back only to find the same waker.
    ///
    /// The completer may take it at the same time. If it is equal all the same, it is not another one
    /// at the address of one that is gone: that one was made after the old one's release, which the DONE
    /// comes before, so the caller would have seen that.
    fn has_left(&self, waker: &Waker) -> bool {
        // SAFETY: HANDLE keeps the cell alive.
        unsafe { self.join_waker().as_ref() }.with(|slot| {
            // SAFETY: filled before JOIN_WAKER was set, and written by the handle alone; that the completer
            // may have used the waker up does not matter for its two words.
            unsafe { &*slot.cast::<Waker>() }.will_wake(waker)
        })
    }

    /// # Safety
    /// The slot is filled, and the handle's: JOIN_WAKER is clear, and was so at DONE if the task is DONE.
    unsafe fn take_join_waker(&self) -> Waker {
        // SAFETY: HANDLE keeps the cell alive.
        unsafe { self.join_waker().as_ref() }.with_mut(|slot| {
            // SAFETY: by the caller's word; it counts as empty from here on.
            unsafe { slot.cast::<Waker>().read() }
        })
    }

    /// The task is DONE, and its output is there.
    fn take_output(&mut self) -> Result<T, JoinError> {
        let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
        // SAFETY: HANDLE keeps the cell alive.
        let vtable = unsafe { Header::vtable(self.cell()) };
        // SAFETY: DONE was seen with Acquire, nobody has taken the output, and its type is `T`.
        unsafe { (vtable.take_output)(self.cell(), output.as_mut_ptr().cast()) };
        self.tagged = self.tagged.map_addr(|address| address | TAKEN);
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
        assert!(
            !self.is_taken(),
            "`JoinHandle` polled after it returned its output"
        );
        let now = self.header().state.load();
        if !now.is_done() && self.register(cx.waker(), now) == Join::Pending {
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
            let vtable = unsafe { Header::vtable(self.cell()) };
            // SAFETY: nobody else can reach the cell.
            unsafe { (vtable.free)(self.cell()) };
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
                    // SAFETY: the slot was filled, and has just become the handle's.
                    let waker = unsafe { self.take_join_waker() };
                    // A foreign waker's drop may panic; the handle must still be released.
                    quiet(|| drop(waker));
                }
            }
            then = self.header().state.drop_handle();
        }
        // SAFETY: HANDLE keeps the cell alive.
        let vtable = unsafe { Header::vtable(self.cell()) };
        // SAFETY: DONE and HANDLE: the output is the handle's.
        unsafe { (vtable.drop_output)(self.cell()) };
        self.release();
    }
}

impl<T> Drop for JoinHandle<T> {
    #[inline]
    fn drop(&mut self) {
        if self.is_taken() {
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
