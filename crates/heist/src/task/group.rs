//! [`TaskGroup`]: tasks that live no longer than the place that waits for them.
//!
//! # Clauses
//! Beside asyncio's `TaskGroup` (Python 3.11), trio's nursery and Kotlin's `coroutineScope`. Each clause has a
//! test of that name in `tests/tests/task_group.rs`.
//!
//! | clause | here | asyncio | trio | Kotlin | test |
//! |---|---|---|---|---|---|
//! | 1 | [`run`](TaskGroup::run) returns when the body and every child have ended | same | same | same | `clause_01_it_waits_for_every_child` |
//! | 2 | its value is the body's | the block has none | the block has none | same | `clause_02_its_value_is_the_bodys` |
//! | 3 | the first failure of a child cancels the siblings and the body | same | same | same | `clause_03_a_failure_cancels_the_siblings_and_the_body` |
//! | 4 | a failure of the body cancels the children | same | same | same | `clause_04_a_failure_of_the_body_cancels_the_children` |
//! | 5 | all failures are returned, the first one first | an `ExceptionGroup` | an `ExceptionGroup` | the first; others are suppressed in it | `clause_05_all_failures_come_back_the_first_one_first` |
//! | 6 | a child's panic is a failure; the body's goes on to the caller, after the children have ended | exceptions are failures | same | exceptions are failures | `clause_06_panics` |
//! | 7 | a child that is aborted by itself is no failure | same | same, through its own scope | same | `clause_07_an_aborted_child_is_no_failure` |
//! | 8 | children may spawn siblings, while the group lives | same | same | same | `clause_08_children_spawn_siblings` |
//! | 9 | once a group is cancelled or over, what is spawned into it is dropped unpolled | `RuntimeError` | cancelled at its first checkpoint | cancelled | `clause_09_a_group_that_is_over_takes_nobody_in` |
//! | 10 | dropping the future of `run` cancels all children | cancelling the task does, and waits | cancelling the scope does, and waits | cancelling the job does, and waits | `clause_10_dropping_it_cancels_all_children` |
//! | 11 | a group inside a child or body ends with it: the outer `run` waits also for its children | same | same | same | `clause_11_an_outer_group_waits_for_the_inner_ones_children` |
//! | 12 | [`Scope::cancel`] ends the group early; if the body was cut short that is an error | no such call | `cancel_scope.cancel()`, no error | `cancel()` throws | `clause_12_cancel` |
//! | 13 | a [`deadline`](TaskGroup::deadline) cancels the group, and is a failure | `asyncio.timeout` around it | `fail_at` around it | `withTimeout` around it | `clause_13_deadline` |
//! | 14 | with a [`limit`](TaskGroup::limit), [`spawn`](Scope::spawn) waits for a place | a `Semaphore` in each child | a `CapacityLimiter` in each child | a dispatcher's `limitedParallelism` | `clause_14_limit` |
//! | 15 | what [`shield`](Scope::shield) runs goes on to its end, and `run` waits for it | `asyncio.shield` goes on, nobody waits | `CancelScope(shield=True)` | `NonCancellable` | `clause_15_shield` |
//! | 16 | what [`on_cancel`](Scope::on_cancel) adds runs when its future is cut short, and `run` waits, at most for the [`grace`](TaskGroup::grace) | `except CancelledError`, without a bound | `finally` under a shielded `move_on_after` | `finally` with `withTimeout(NonCancellable)` | `clause_16_cleanup_runs_within_its_grace` |
//! | 17 | children see the [inherited locals](crate::inherited_local) of who spawns them | context variables | context variables | the coroutine context | `clause_17_children_inherit_locals` |
//!
//! # Cancellation
//! A future is cancelled by dropping it, at an `.await`. That runs its destructors at once, but cannot wait:
//! a future that is dropped is not polled any more. Hence clause 10: dropping `run` itself cancels without
//! waiting, since nobody is left to wait; a child that is being polled on another worker at that moment ends
//! with that poll. And hence clause 16: what has to be *awaited* when a child is cancelled is handed over
//! before, and runs as a task of its own.
//!
//! # Why children cannot borrow
//! The body may borrow from its surroundings: it is polled by the caller. Children are `'static`. A child that
//! borrows from the caller's frame would have to have ended when the frame goes; but the future of `run` may be
//! leaked (`mem::forget`, a reference cycle) with the frame inside and never dropped, so that no destructor
//! could wait; and where one runs, in an async context it would have to block its worker until the child,
//! which may need that worker, has ended. `std::thread::scope` can block; a future cannot. So a scope that
//! borrows, spawns on other threads and lets go at `.await`s is unsound or deadlocks in today's Rust, and all
//! crates that offer one are `unsafe` or block. Share by `Arc`, or join futures in place ([`crate::join`]),
//! which may borrow.

use std::future::{Future, poll_fn};
use std::panic;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::time::{Instant, Sleep, sleep_until};

mod ancestry;
mod child;
mod cleanup;
mod error;
mod scope;

pub use child::{Child, ChildEnded};
pub use cleanup::OnCancel;
pub use error::{Failure, GroupError};
pub use scope::Scope;

use child::CatchPanic;
use scope::Shared;

/// How a group is to run: its limit, its deadline, its grace.
///
/// # Examples
/// ```
/// use heist::task::TaskGroup;
///
/// # #[heist::main] async fn main() {
/// let sum = TaskGroup::new()
///     .limit(8)
///     .run(async |scope| {
///         let mut squares = Vec::new();
///         for n in 0..100_u64 {
///             squares.push(scope.spawn(async move { Ok::<_, std::io::Error>(n * n) }).await);
///         }
///         let mut sum = 0;
///         for square in squares {
///             sum += square.await.unwrap();
///         }
///         Ok(sum)
///     })
///     .await;
/// assert_eq!(sum.unwrap(), 328_350);
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a group does nothing until it is run"]
pub struct TaskGroup {
    limit: Option<usize>,
    end: Option<End>,
    grace: Duration,
}

#[derive(Clone, Copy, Debug)]
enum End {
    At(Instant),
    After(Duration),
}

impl TaskGroup {
    /// A group without limit or deadline, and with a grace of 10 seconds.
    pub fn new() -> Self {
        Self {
            limit: None,
            end: None,
            grace: Duration::from_secs(10),
        }
    }

    /// Sets how many children there may be at once, at least 1: [`Scope::spawn`] waits for a place.
    ///
    /// # Panics
    /// If `count` is 0.
    #[track_caller]
    pub fn limit(self, count: usize) -> Self {
        assert!(
            count > 0,
            "a group whose limit is 0 could never spawn: make it at least 1"
        );
        Self {
            limit: Some(count),
            ..self
        }
    }

    /// Sets when the group is cancelled, as a failure, if it has not ended by then.
    pub fn deadline(self, deadline: Instant) -> Self {
        Self {
            end: Some(End::At(deadline)),
            ..self
        }
    }

    /// As [`TaskGroup::deadline`], counted from the first poll of [`TaskGroup::run`].
    pub fn timeout(self, duration: Duration) -> Self {
        Self {
            end: Some(End::After(duration)),
            ..self
        }
    }

    /// Sets how long the cleanups of [`Scope::on_cancel`] have from the moment of the cancellation; 10
    /// seconds by default.
    pub fn grace(self, duration: Duration) -> Self {
        Self {
            grace: duration,
            ..self
        }
    }

    /// Runs `body`, and waits until it and every task that was spawned into its scope have ended.
    ///
    /// `body` is polled by the caller: it need not be `Send`, and may borrow.
    ///
    /// # Errors
    /// All failures, in the order in which they came; see the clauses in [this module](self).
    ///
    /// # Panics
    /// If `body` does, after the children have ended; or if the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future cancels all children, without waiting for them.
    pub async fn run<E, R, B, F>(self, body: B) -> Result<R, GroupError<E>>
    where
        E: Send + 'static,
        B: FnOnce(Scope<E>) -> F,
        F: Future<Output = Result<R, E>>,
    {
        let mut deadline = pin!(self.end.map(|end| sleep_until(end.instant())));
        let (shared, _lineage) = Shared::new(self.limit, self.grace);
        let group = CancelOnDrop(shared);
        let scope = Scope::new(group.0.clone());
        let outcome = {
            let body = group.0.as_ancestor(async move { body(scope).await });
            let mut body = pin!(CatchPanic::new(body));
            let mut cancelled = pin!(group.0.token().cancelled());
            poll_fn(|cx| {
                if let Poll::Ready(result) = body.as_mut().poll(cx) {
                    return Poll::Ready(Some(result));
                }
                poll_deadline(&mut deadline, cx, &group.0);
                cancelled.as_mut().poll(cx).map(|()| None)
            })
            .await
        };
        let (mut value, mut panicked) = (None, None);
        match outcome {
            Some(Ok(Ok(returned))) => value = Some(returned),
            Some(Ok(Err(error))) => group.0.fail(Failure::Error(error)),
            Some(Err(payload)) => {
                group.0.cancel();
                panicked = Some(payload);
            }
            None => {}
        }
        let mut ended = pin!(group.0.ended());
        poll_fn(|cx| {
            let polled = ended.as_mut().poll(cx);
            if polled.is_pending() {
                poll_deadline(&mut deadline, cx, &group.0);
            }
            polled
        })
        .await;
        if let Some(payload) = panicked {
            panic::resume_unwind(payload);
        }
        match (GroupError::new(group.0.take_failures()), value) {
            (Some(error), _) => Err(error),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(GroupError::cancelled()),
        }
    }
}

impl Default for TaskGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl End {
    fn instant(self) -> Instant {
        match self {
            Self::At(instant) => instant,
            Self::After(duration) => Instant::now().saturating_add(duration),
        }
    }
}

/// Fails the group when its time is up, once.
fn poll_deadline<E: Send + 'static>(
    deadline: &mut Pin<&mut Option<Sleep>>,
    cx: &mut Context<'_>,
    group: &Arc<Shared<E>>,
) {
    let Some(sleep) = deadline.as_mut().as_pin_mut() else {
        return;
    };
    if !group.token().is_cancelled() && sleep.poll(cx).is_ready() {
        deadline.set(None);
        group.fail(Failure::Deadline);
    }
}

/// Cancels the children when the future of `run` is dropped; once they have ended that does nothing.
struct CancelOnDrop<E: Send + 'static>(Arc<Shared<E>>);

impl<E: Send + 'static> Drop for CancelOnDrop<E> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
