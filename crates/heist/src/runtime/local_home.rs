//! Where the local tasks of a [`LocalRuntime`](super::LocalRuntime) live, for a thread that has entered it.
//!
//! In its `block_on` the runtime's set is the thread's current one. But [`spawn_local`](super::local_set::spawn_local)
//! is to work also where nothing but the runtime was entered: by a guard, or in a task that is polled beside
//! the set.
//!
//! # Invariants
//! - A set is found on the thread of its runtime only, where its tasks may run: the table is the thread's own.
//! - An entry goes with its runtime, and keeps no task alive: while the set is being dropped there is
//!   nothing to be found any more.
//!
//! # Rejected
//! The set in the [`Handle`]: that is `Send`, so it would take unsafe code and a check of the thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::rc::{Rc, Weak};

use heist_scheduler::LocalTasks;

use super::Handle;

thread_local! {
    /// The sets of this thread's runtimes, by the scheduler's id.
    static HOMES: RefCell<BTreeMap<NonZeroU64, Weak<LocalTasks>>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// Evidence that the thread knows the set of a runtime, until it is dropped.
#[derive(Debug)]
pub(super) struct Home(NonZeroU64);

impl Home {
    pub(super) fn new(handle: &Handle, tasks: &Rc<LocalTasks>) -> Self {
        let id = handle.scheduler.id();
        // While the thread ends there may be no table; then the set is as good as gone.
        let _ = HOMES.try_with(|homes| homes.borrow_mut().insert(id, Rc::downgrade(tasks)));
        Self(id)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = HOMES.try_with(|homes| homes.borrow_mut().remove(&self.0));
    }
}

/// Where the local tasks of a runtime live.
pub(super) enum Lives {
    /// In this set.
    Here(Rc<LocalTasks>),
    /// On another thread, or they did.
    Elsewhere,
    /// On this thread, until the runtime ended.
    NoMore,
}

/// Where those of the thread's current runtime do; `None` if it is no local one, or if there is none.
#[cold]
pub(super) fn of_current() -> Option<Lives> {
    let scheduler = heist_scheduler::Handle::try_current()?;
    if !scheduler.is_on_only_thread()? {
        return Some(Lives::Elsewhere);
    }
    let find =
        |homes: &RefCell<BTreeMap<_, Weak<_>>>| homes.borrow().get(&scheduler.id())?.upgrade();
    let tasks = HOMES.try_with(find).ok().flatten();
    Some(tasks.map_or(Lives::NoMore, Lives::Here))
}
