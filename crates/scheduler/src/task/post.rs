//! A thread's post: what it serves as, and the core that it alone touches, one load away.
//!
//! A thread-local that counts what it refers to is a `RefCell` of an `Rc`, and to reach the core through
//! it takes two borrows. Each spawn, each wake and each end of a task asks for the core. So a
//! [`Serving`] has the address of its post beside the count, and one borrow, the core's, does for both.
//!
//! # Invariants
//! 1. `place` is null, or the address of the post in `held`, but for the moment in which [`Serving::get`]
//!    counts it. Both change in [`Serving::replace`] only.
//! 2. A reference made from `place` is used only while it holds the exclusive borrow of that post's
//!    core, or to get it. `replace` lets no post go whose core is borrowed so: the post outlives the
//!    reference, whatever is called meanwhile.
//!
//! # Rejected
//! - The address without the check in `replace`: sound only as long as no closure ever leads there.
//! - Counting for the duration of each use: as dear as the borrow that it saves.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::ptr;
use std::rc::Rc;

/// What a thread serves as, with the core, unless that has gone to another thread.
pub(crate) struct Post<T, C> {
    what: T,
    pub(crate) core: RefCell<Option<C>>,
}

impl<T, C> Post<T, C> {
    pub(crate) fn new(what: T, core: C) -> Self {
        Self {
            what,
            core: RefCell::new(Some(core)),
        }
    }
}

impl<T, C> Deref for Post<T, C> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.what
    }
}

/// The post that a thread has, if any.
pub(crate) struct Serving<T, C> {
    held: Cell<Option<Rc<Post<T, C>>>>,
    place: Cell<*const Post<T, C>>,
}

impl<T, C> Serving<T, C> {
    pub(crate) const fn nothing() -> Self {
        Self {
            held: Cell::new(None),
            place: Cell::new(ptr::null()),
        }
    }

    /// Gives the thread another post, or none; returns the one before.
    ///
    /// # Panics
    /// While the core is borrowed exclusively, as inside [`Serving::with_core`].
    pub(crate) fn replace(&self, next: Option<Rc<Post<T, C>>>) -> Option<Rc<Post<T, C>>> {
        let held = self.held.take();
        let is_in_use = |post: &Rc<Post<T, C>>| post.core.try_borrow().is_err();
        if held.as_ref().is_some_and(is_in_use) {
            self.held.set(held); // Still at `place`.
            panic!("a thread leaves its post while it uses the core");
        }
        self.place
            .set(next.as_ref().map_or(ptr::null(), Rc::as_ptr));
        self.held.set(next);
        held
    }

    /// The post.
    pub(crate) fn get(&self) -> Option<Rc<Post<T, C>>> {
        let held = self.held.take();
        self.held.set(held.clone());
        held
    }

    /// Calls `f` with the post that `is_it` accepts and with its core, if that is there and not in use.
    #[inline(always)]
    pub(crate) fn with_core<R>(
        &self,
        is_it: impl FnOnce(&T) -> bool,
        f: impl FnOnce(&T, &mut C) -> R,
    ) -> Option<R> {
        let place = ptr::NonNull::new(self.place.get().cast_mut())?;
        // SAFETY: not null, so it is the post in `held`; it stays there while its core is borrowed.
        let post = unsafe { place.as_ref() };
        let mut core = post.core.try_borrow_mut().ok()?;
        if !is_it(&post.what) {
            return None;
        }
        Some(f(&post.what, core.as_mut()?))
    }
}

#[cfg(all(test, not(any(heist_loom, heist_shuttle))))]
#[path = "post_tests.rs"]
mod tests;
