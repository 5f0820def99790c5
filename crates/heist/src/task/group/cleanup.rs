//! [`OnCancel`]: a future with something that has to be awaited when it is cut short.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// Starts a cleanup.
type Start = Box<dyn FnOnce() + Send>;

pin_project! {
    /// The future of [`Scope::on_cancel`](super::Scope::on_cancel).
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct OnCancel<F> {
        #[pin]
        work: Option<F>,
        start_cleanup: Option<Start>,
        progress: Progress,
    }

    impl<F> PinnedDrop for OnCancel<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.work.set(None);
            if let (Progress::Waiting, Some(start)) = (*this.progress, this.start_cleanup.take()) {
                start();
            }
        }
    }
}

/// How far the work has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not polled yet: there is nothing to clean up.
    Untouched,
    /// In a poll; when it is dropped so, that poll has panicked.
    Polled,
    /// At an `.await`.
    Waiting,
}

impl<F> OnCancel<F> {
    pub(super) fn new(work: F, start_cleanup: impl FnOnce() + Send + 'static) -> Self {
        Self {
            work: Some(work),
            start_cleanup: Some(Box::new(start_cleanup)),
            progress: Progress::Untouched,
        }
    }
}

impl<F: Future> Future for OnCancel<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(work) = this.work.as_mut().as_pin_mut() else {
            panic!("`OnCancel` polled after it was done");
        };
        *this.progress = Progress::Polled;
        let polled = work.poll(cx);
        *this.progress = Progress::Waiting;
        if polled.is_ready() {
            *this.start_cleanup = None;
            this.work.set(None);
        }
        polled
    }
}

impl<F> fmt::Debug for OnCancel<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCancel").finish_non_exhaustive()
    }
}
