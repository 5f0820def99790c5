//! The task's waker: a counted reference in the shape that `std::task::Waker` wants.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::cell::Header;
use super::state::Wake;

static WAKER: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop);

/// A waker for the duration of one poll, which the token covers: nothing is counted.
#[derive(Debug)]
pub(super) struct Borrowed(ManuallyDrop<Waker>);

impl Deref for Borrowed {
    type Target = Waker;

    fn deref(&self) -> &Waker {
        &self.0
    }
}

/// # Safety
/// The cell stays alive while the result is used. The result is not waked by value: `Deref` gives
/// only a shared borrow, which can clone (that counts) and wake by reference.
pub(super) unsafe fn borrowed(header: NonNull<Header>) -> Borrowed {
    let raw = RawWaker::new(header.as_ptr().cast_const().cast(), &WAKER);
    // SAFETY: the functions of `WAKER` keep the contract of `RawWaker`; the missing count is
    // covered by the caller's word, and `ManuallyDrop` never releases it.
    Borrowed(ManuallyDrop::new(unsafe { Waker::from_raw(raw) }))
}

/// # Safety
/// `data` comes from a waker of this module.
unsafe fn header(data: *const ()) -> NonNull<Header> {
    // SAFETY: wakers of this module carry the non-null header pointer.
    unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
}

/// # Safety
/// `data` comes from a live waker of this module.
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: as the caller promised.
    let header = unsafe { header(data) };
    // SAFETY: the live waker keeps the cell alive.
    unsafe { Header::state(header) }.add_ref();
    RawWaker::new(data, &WAKER)
}

/// # Safety
/// `data` comes from a live waker of this module, which is consumed.
unsafe fn wake(data: *const ()) {
    // SAFETY: as the caller promised.
    let header = unsafe { header(data) };
    // SAFETY: the waker's reference keeps the cell alive until the transition releases it.
    let then = unsafe { Header::state(header) }.wake_by_value();
    // SAFETY: `then` is what the transition on this cell returned.
    unsafe { follow(header, then) };
}

/// # Safety
/// `data` comes from a live waker of this module.
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: as the caller promised.
    let header = unsafe { header(data) };
    // SAFETY: the waker keeps the cell alive.
    let then = unsafe { Header::state(header) }.wake_by_ref();
    // SAFETY: `then` is what the transition on this cell returned.
    unsafe { follow(header, then) };
}

/// # Safety
/// `data` comes from a live waker of this module, which is consumed.
unsafe fn drop(data: *const ()) {
    // SAFETY: as the caller promised.
    let header = unsafe { header(data) };
    // SAFETY: the waker's reference keeps the cell alive until it is released here.
    if unsafe { Header::state(header) }.release_ref() {
        // SAFETY: nobody else can reach the cell.
        unsafe { follow(header, Wake::Free) };
    }
}

/// # Safety
/// A wake transition of the live cell just returned `then` to this caller.
#[inline]
unsafe fn follow(header: NonNull<Header>, then: Wake) {
    if then == Wake::Nothing {
        return;
    }
    // SAFETY: Submit made a token and Free left the cell to this caller: it is alive.
    let vtable = unsafe { Header::vtable(header) };
    if then == Wake::Submit {
        // SAFETY: the token is this caller's, and is given up.
        unsafe { (vtable.schedule)(header) };
    } else {
        // SAFETY: nobody else can reach the cell.
        unsafe { (vtable.free)(header) };
    }
}
