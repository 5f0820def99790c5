//! What a transition of the state word tells its caller to do next.

/// What the token's holder does before a poll.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(in crate::task) enum StartPoll {
    /// Poll the future.
    Poll,
    /// Drop the future and complete.
    Cancel,
}

/// What the token's holder does after a poll that returned `Pending`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(in crate::task) enum FinishPending {
    /// The token is gone: touch nothing more.
    Idle,
    /// Woken meanwhile: the token stays, queue it.
    Requeue,
    /// Aborted meanwhile: the token stays, drop the future and complete.
    Cancel,
}

/// What the token's holder does when the output (or the error) is in the cell.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(in crate::task) enum Complete {
    /// Nothing changed: HANDLE is gone, so drop the output first, then call again.
    DropOutput,
    /// DONE; the join waker is the caller's to take. The runtime's reference is still held.
    WakeJoin,
    /// DONE; touch nothing more.
    Released,
    /// DONE; the caller frees the cell.
    Free,
}

/// What a waker does after its transition.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(in crate::task) enum Wake {
    /// Nothing is left to do.
    Nothing,
    /// A token was made: queue it.
    Submit,
    /// Nothing to do but free the cell: this was the last reference.
    Free,
}

/// What the `JoinHandle` finds.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(in crate::task) enum Join {
    /// The task is not DONE and the transition took place.
    Pending,
    /// The task is DONE; the output is the handle's.
    Done,
}

/// What the `JoinHandle` does at its drop.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(in crate::task) enum DropHandle {
    /// HANDLE is cleared; touch nothing more.
    Released,
    /// Nothing changed: take the join waker back first, then call again.
    ReclaimWaker,
    /// Nothing changed: the output is the handle's; drop it, then call `release_done_handle`.
    Done,
}
