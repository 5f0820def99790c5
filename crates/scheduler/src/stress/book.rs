//! The book that is kept on a scene's tasks: what each was asked to do, did and gave.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use super::program::chance;
use crate::block_on::block_on;
use crate::task::{JoinError, JoinHandle};

/// The scene's counts. Not part of the scene: no schedule depends on them.
pub(super) struct Book {
    most: usize,
    born: AtomicUsize,
    ended: AtomicUsize,
    polls: AtomicU64,
    /// Outputs made and not yet dropped.
    outputs: AtomicUsize,
    stopping: AtomicBool,
    in_place: AtomicUsize,
}

/// Given back by its drop.
pub(super) struct Place<'a>(&'a Book);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_place.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Book {
    /// For a scene of at most so many tasks and jobs.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            born: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            polls: AtomicU64::new(0),
            outputs: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            in_place: AtomicUsize::new(0),
        }
    }

    /// Whether the scene may have one more, which is then counted.
    pub(super) fn note_birth(&self) -> bool {
        let born = self.born.load(Ordering::Relaxed);
        let more = born < self.most;
        self.born.store(born + usize::from(more), Ordering::Relaxed);
        more
    }

    /// A place among at most so many who block in place.
    pub(super) fn take_place(&self, most: usize) -> Option<Place<'_>> {
        let free = self.in_place.load(Ordering::Relaxed) < most;
        free.then(|| {
            self.in_place.fetch_add(1, Ordering::Relaxed);
            Place(self)
        })
    }

    /// From here on every task may end as cancelled.
    pub(super) fn shut_down(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The polls that tasks have seen.
    pub(super) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// All that began has ended.
    pub(super) fn close(&self) {
        let (born, ended) = (&self.born, &self.ended);
        assert_eq!(born.load(Ordering::Relaxed), ended.load(Ordering::Relaxed));
        assert_eq!(self.outputs.load(Ordering::Relaxed), 0, "outputs left");
    }
}

/// What one task was asked to do and did.
#[derive(Default)]
pub(super) struct Life {
    aborted: AtomicBool,
    panics: AtomicBool,
    finished: AtomicBool,
    ended: AtomicBool,
}

impl Life {
    /// From here on the task ends in a panic.
    pub(super) fn will_panic(&self) {
        self.panics.store(true, Ordering::Relaxed);
    }
}

/// What a task or job gives: goes through exactly one pair of hands.
pub(super) struct Output {
    life: Arc<Life>,
    book: Arc<Book>,
}

impl Output {
    pub(super) fn new(book: &Arc<Book>, life: &Arc<Life>) -> Self {
        life.finished.store(true, Ordering::Relaxed);
        book.outputs.fetch_add(1, Ordering::Relaxed);
        Self {
            life: life.clone(),
            book: book.clone(),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.book.outputs.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Notes the end of a task, when its future is dropped.
pub(super) struct Ended {
    life: Arc<Life>,
    book: Arc<Book>,
}

impl Ended {
    pub(super) fn new(book: &Arc<Book>, life: &Arc<Life>) -> Self {
        Self {
            life: life.clone(),
            book: book.clone(),
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        assert!(
            !self.life.ended.swap(true, Ordering::Relaxed),
            "ended twice"
        );
        self.book.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task's future, with an eye on its polls.
pub(super) struct Tracked<F> {
    future: Option<Pin<Box<F>>>,
    ended: Ended,
}

impl<F> Tracked<F> {
    pub(super) fn new(future: F, ended: Ended) -> Self {
        let future = Some(Box::pin(future));
        Self { future, ended }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.ended.book.polls.fetch_add(1, Ordering::Relaxed);
        // Taken out: a future that has panicked is not polled again either.
        let mut future = self.future.take().expect("polled after its end");
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            self.future = Some(future);
        }
        polled
    }
}

/// A task as its spawner sees it.
pub(super) struct Child {
    handle: JoinHandle<Output>,
    life: Arc<Life>,
    book: Arc<Book>,
}

impl Child {
    pub(super) fn new(handle: JoinHandle<Output>, book: Arc<Book>, life: Arc<Life>) -> Self {
        Self { handle, life, book }
    }

    /// Awaits the end.
    pub(super) async fn join(mut self) {
        let result = (&mut self.handle).await;
        self.check(result);
    }

    /// Waits on this thread, which is no worker.
    pub(super) fn block_on(self) {
        block_on(self.join());
    }

    /// As [`Child::join`], in steps; not to be called again once it was ready.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = Pin::new(&mut self.handle).poll(cx);
        polled.map(|result| self.check(result))
    }

    /// Aborts, through either kind of handle.
    pub(super) fn abort(&self) {
        self.life.aborted.store(true, Ordering::Relaxed);
        if chance(1, 2) {
            self.handle.abort();
        } else {
            self.handle.abort_handle().abort();
        }
    }

    fn check(&self, result: Result<Output, JoinError>) {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        assert!(is_set(&self.life.ended), "DONE while its future lives");
        match result {
            Ok(output) => {
                assert!(Arc::ptr_eq(&output.life, &self.life), "another's output");
                assert!(is_set(&self.life.finished));
            }
            Err(error) if error.is_cancelled() => {
                assert!(is_set(&self.life.aborted) || is_set(&self.book.stopping));
            }
            Err(_) => assert!(is_set(&self.life.panics), "a panic of its own"),
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").finish_non_exhaustive()
    }
}
