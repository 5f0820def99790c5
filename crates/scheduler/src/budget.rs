//! The cooperative budget: how much a task may do in one poll before it must yield.
//!
//! An always-ready socket, channel or timer would let one task keep its worker for ever. So the
//! worker grants each poll [`PER_POLL`] units, or as many as `Config::budget_per_poll` says; every resource of the runtime first asks
//! [`poll_budget`] and, once it made progress, spends one unit with [`spend`]. A resource that
//! finds the budget empty wakes its task and reports `Pending`, which puts the task behind the
//! others of its worker.
//!
//! # Invariants
//! - The budget belongs to the thread, not to the task: it is set when a poll begins and lifted
//!   when it ends. Code that runs outside a poll is never held back.
//! - Tasks that run one after the other from the LIFO slot share one budget, so that two tasks
//!   waking each other cannot keep the worker.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::sync::const_thread_local;

/// Units granted to each poll of a task.
pub const PER_POLL: u32 = 128;

/// Runs `f` with a fresh budget, then restores what was left of the one around it.
pub fn constrained<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore(LEFT.with(|left| left.replace(PER_POLL)));
    f()
}

/// Stands for "no limit": outside a poll, or in a poll that opted out.
const UNLIMITED: u32 = u32::MAX;

const_thread_local! {
    static LEFT: Cell<u32> = Cell::new(UNLIMITED);
}

/// Returns `Pending`, after waking the task of `cx`, if this poll has used up its budget.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    if has_remaining() {
        Poll::Ready(())
    } else {
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Takes one unit; call it once for each operation that made progress.
#[inline]
pub fn spend() {
    LEFT.with(|left| {
        let units = left.get();
        if units != UNLIMITED {
            left.set(units.saturating_sub(1));
        }
    });
}

/// Whether this poll may go on.
#[inline]
pub fn has_remaining() -> bool {
    LEFT.with(|left| left.get() != 0)
}

/// Runs `f`, which does not unwind, with `units`; returns what it left of them.
#[inline]
pub(crate) fn with_units(units: u32, f: impl FnOnce()) -> u32 {
    let outer = LEFT.with(|left| left.replace(units));
    f();
    LEFT.with(|left| left.replace(outer))
}

/// Restores the budget of the surrounding poll, also after a panic.
struct Restore(u32);

impl Drop for Restore {
    fn drop(&mut self) {
        LEFT.with(|left| left.set(self.0));
    }
}

/// Runs `f` without a limit, then restores what was left.
pub fn unconstrained<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore(LEFT.with(|left| left.replace(UNLIMITED)));
    f()
}
