//! The cooperative budget: how much a task may do in one poll.
//!
//! A socket that always has data, a channel that is never empty, a timer that is always due: a loop
//! over it would keep its worker for ever. So each poll of a task has a budget
//! ([`Builder::budget_per_poll`], 128 operations by default). Every operation of Heist's sockets,
//! timers and join handles spends one; when none is left they report "not ready", and the task goes
//! behind the others of its worker. The channels of [`crate::sync`] are tokio's and spend tokio's own
//! budget, which without a tokio runtime is without limit: a loop over a channel that is never empty
//! takes all of it in one poll. [`cooperative`] gives such an operation a place in Heist's budget:
//! `cooperative(receiver.recv()).await` (measured, a message that waits in an `mpsc` channel takes 23 ns bare,
//! and 61 so, its share of the yields included).
//! It is not done for every receive of `heist::sync`, since those are tokio's own types, which libraries on
//! both sides of a channel share.
//!
//! [`Builder::budget_per_poll`]: crate::runtime::Builder::budget_per_poll

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use heist_scheduler::budget;
use pin_project_lite::pin_project;

/// Lets the others run if this task's poll has used up its budget, and spends one unit.
///
/// For loops that compute, or take from a channel that is never empty.
///
/// # Cancel safety
/// Nothing is lost.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let mut sum = 0_u64;
/// for n in 0..10_000 {
///     sum += n;
///     heist::task::consume_budget().await;
/// }
/// assert_eq!(sum, 49_995_000);
/// # }
/// ```
pub async fn consume_budget() {
    poll_fn(|cx| {
        ready!(budget::poll_budget(cx));
        budget::spend();
        Poll::Ready(())
    })
    .await;
}

/// Makes `future` take part in the budget: it is polled only while there is some, and spends one unit when
/// it is ready.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// use heist::task::coop::cooperative;
///
/// let (send, mut receive) = heist::sync::mpsc::unbounded_channel();
/// (0..10_000).for_each(|n| send.send(n).unwrap());
/// drop(send);
/// let mut sum = 0_u64;
/// while let Some(n) = cooperative(receive.recv()).await {
///     sum += n; // every 128 messages the other tasks have a turn
/// }
/// assert_eq!(sum, 49_995_000);
/// # }
/// ```
pub fn cooperative<F: Future>(future: F) -> Coop<F> {
    Coop { future }
}

pin_project! {
    /// The future that [`cooperative`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Coop<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Coop<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let proceed = ready!(poll_proceed(cx));
        let polled = self.project().future.poll(cx);
        if polled.is_ready() {
            proceed.made_progress();
        }
        polled
    }
}

/// For hand-written futures: ready while this task's poll may go on. Call
/// [`RestoreOnPending::made_progress`] if the operation then is ready.
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
    budget::poll_budget(cx).map(|()| RestoreOnPending {
        spent: Cell::new(false),
        _not_send: PhantomData,
    })
}

/// The right to one operation. Dropped without progress it costs nothing.
#[derive(Debug)]
#[must_use = "say `made_progress` when the operation is ready"]
pub struct RestoreOnPending {
    spent: Cell<bool>,
    /// The budget is that of the task whose poll asked, and stands with its thread.
    _not_send: PhantomData<*const ()>,
}

impl RestoreOnPending {
    /// The operation is ready: spends one unit, once.
    pub fn made_progress(&self) {
        if !self.spent.replace(true) {
            budget::spend();
        }
    }
}

/// Whether this task's poll may go on. Outside a task it is always true.
pub fn has_budget_remaining() -> bool {
    budget::has_remaining()
}

/// Runs `inner` without a budget: its operations never hold it back.
///
/// What it awaits must not always be ready, or it keeps its worker.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() {
/// let answer = heist::task::unconstrained(async { 6 * 7 }).await;
/// assert_eq!(answer, 42);
/// # }
/// ```
pub fn unconstrained<F: Future>(inner: F) -> Unconstrained<F> {
    Unconstrained { inner }
}

pin_project! {
    /// The future that [`unconstrained`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Unconstrained<F> {
        #[pin]
        inner: F,
    }
}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let inner = self.project().inner;
        budget::unconstrained(|| inner.poll(cx))
    }
}
