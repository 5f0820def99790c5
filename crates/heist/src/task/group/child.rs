//! A child: the task of one, and the handle of who spawned it.
//!
//! # Invariants
//! The parts of a [`ChildTask`] are dropped in their order: the work first, so that by the time the group
//! counts the child as ended nothing of it is left.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use super::Failure;
use super::scope::Exit;
use crate::task::AbortHandle;

/// A task of a group, as seen by who spawned it.
///
/// Dropping it changes nothing: the child stays in its group. Its error or panic goes to the group; here only
/// its value is to be had.
#[derive(Debug)]
#[must_use = "the child stays in its group, but its value is lost; say `drop` if that is meant"]
pub struct Child<T> {
    pub(super) value: oneshot::Receiver<T>,
    /// `None` for a child that was not taken in.
    pub(super) task: Option<AbortHandle>,
}

impl<T> Child<T> {
    /// Aborts this child alone, which is no failure of the group.
    pub fn abort(&self) {
        self.task.iter().for_each(AbortHandle::abort);
    }

    /// Whether it has ended, or was not taken in.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(AbortHandle::is_finished)
    }
}

impl<T> Future for Child<T> {
    type Output = Result<T, ChildEnded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let received = ready!(Pin::new(&mut self.value).poll(cx));
        Poll::Ready(received.map_err(|_| ChildEnded(())))
    }
}

/// A child gave no value: it failed, panicked or was cancelled. Its group returns the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildEnded(());

impl fmt::Display for ChildEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the child failed, panicked or was cancelled; its group has the reason")
    }
}

impl Error for ChildEnded {}

pin_project! {
    /// What the task of a child runs.
    pub(super) struct ChildTask<F, T, E> {
        #[pin]
        work: Option<CatchPanic<F>>,
        value: Option<oneshot::Sender<T>>,
        exit: Exit<E>,
    }
}

impl<F, T, E> ChildTask<F, T, E> {
    pub(super) fn new(work: F, value: oneshot::Sender<T>, exit: Exit<E>) -> Self {
        let work = Some(CatchPanic::new(work));
        let value = Some(value);
        Self { work, value, exit }
    }
}

impl<F, T, E> Future for ChildTask<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Send + 'static,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(work) = this.work.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        let result = ready!(work.poll(cx));
        this.work.set(None);
        match (result, this.value.take()) {
            (Ok(Ok(value)), Some(send)) => drop(send.send(value)),
            (Ok(Ok(_)), None) => {}
            (Ok(Err(error)), _) => this.exit.fail(Failure::Error(error)),
            (Err(payload), _) => this.exit.fail(Failure::Panic(payload)),
        }
        Poll::Ready(())
    }
}

pin_project! {
    /// A future whose panic is its output.
    pub(super) struct CatchPanic<F> {
        #[pin]
        future: F,
    }
}

impl<F> CatchPanic<F> {
    pub(super) fn new(future: F) -> Self {
        Self { future }
    }
}

impl<F: Future> Future for CatchPanic<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        // Unwind safe: after a panic the future is not polled again.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}
