//! The seam to the cooperative budget: the reactor spends it, whoever runs tasks owns it.

use std::fmt;
use std::task::{Context, Poll};

/// How the reactor's operations take part in a task's cooperative budget.
///
/// An operation asks [`poll_budget`](Coop::poll_budget) before it tries anything and calls
/// [`spend`](Coop::spend) once when it made progress. Both are plain functions because the budget
/// is thread-local state of whoever polls the task; nothing is carried along.
///
/// # Examples
///
/// ```
/// use heist_reactor::{Config, Coop};
///
/// let config = Config {
///     coop: Coop::UNLIMITED,
///     ..Config::default()
/// };
/// # drop(config);
/// ```
#[derive(Clone, Copy)]
pub struct Coop {
    /// Ready while the current task may go on. When its budget is used up, wakes `cx` and returns
    /// `Pending`, so that the task yields and is polled again later.
    pub poll_budget: fn(&mut Context<'_>) -> Poll<()>,
    /// Takes one unit from the current task's budget; called once per operation that made progress.
    pub spend: fn(),
}

impl Coop {
    /// A budget that is never used up.
    pub const UNLIMITED: Self = Self {
        poll_budget: |_| Poll::Ready(()),
        spend: || (),
    };
}

impl Default for Coop {
    fn default() -> Self {
        Self::UNLIMITED
    }
}

impl fmt::Debug for Coop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coop").finish_non_exhaustive()
    }
}
