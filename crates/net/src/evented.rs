//! A source and its registration, ending in the right order.
//!
//! # Invariants
//!
//! - The source is registered once, edge-triggered, for its whole life; for both directions unless
//!   it is foreign.
//! - It is deregistered before it is closed. Closing first would let the kernel hand the same
//!   descriptor number to another socket while the reactor still counts it as this one.
//! - `source` is `Some` from `new` until `drop` or [`Evented::into_source`].

use std::fmt;
use std::io;

use heist_reactor::{Handle, Interest, Registration};
use mio::event::Source;

/// Ties a non-blocking mio source to its registration with a reactor.
///
/// All sockets of this crate are built on it, and so can be others: whatever implements
/// [`mio::event::Source`] can wait for readiness on Heist's reactor through
/// [`registration`](Evented::registration). On Windows its calls must be mio's own, or run in mio's
/// `try_io`: otherwise a `WouldBlock` loses the events to come.
pub struct Evented<S: Source> {
    registration: Registration,
    source: Option<S>,
}

impl<S: Source> Evented<S> {
    /// Registers `source`, which must be non-blocking, with the reactor of this thread.
    ///
    /// # Errors
    ///
    /// When the operating system refuses the registration or the reactor has shut down.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn new(source: S) -> io::Result<Self> {
        Self::with_handle(source, &Handle::current())
    }

    /// Registers `source`, which must be non-blocking, with the reactor of `handle`.
    ///
    /// # Errors
    ///
    /// When the operating system refuses the registration or the reactor has shut down.
    pub fn with_handle(mut source: S, handle: &Handle) -> io::Result<Self> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let registration = Registration::with_handle(&mut source, both, handle)?;
        Ok(Self {
            registration,
            source: Some(source),
        })
    }

    /// Registers `source`, which must be non-blocking and is not to be tried before an event, for
    /// `interest` only.
    ///
    /// # Errors
    ///
    /// As [`with_handle`](Self::with_handle); the source comes back with the error.
    #[cfg(unix)]
    pub(crate) fn event_first(
        mut source: S,
        interest: Interest,
        handle: &Handle,
    ) -> Result<Self, (S, io::Error)> {
        match Registration::event_first(&mut source, interest, handle) {
            Ok(registration) => Ok(Self {
                registration,
                source: Some(source),
            }),
            Err(error) => Err((source, error)),
        }
    }

    /// Returns the source. Its calls never wait; pair them with the registration's.
    pub fn source(&self) -> &S {
        self.source
            .as_ref()
            .expect("only `into_source` and `drop` take the source, and both end `self`")
    }

    #[cfg(unix)]
    pub(crate) fn source_mut(&mut self) -> &mut S {
        self.parts_mut().1
    }

    /// The registration, and the source beside it.
    #[cfg(unix)]
    pub(crate) fn parts_mut(&mut self) -> (&Registration, &mut S) {
        let source = self
            .source
            .as_mut()
            .expect("only `into_source` and `drop` take the source, and both end `self`");
        (&self.registration, source)
    }

    /// Returns the registration, through which callers wait for readiness.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Deregisters the source and returns it, still open and non-blocking.
    ///
    /// # Errors
    ///
    /// When the operating system refuses; the source is then closed.
    pub fn into_source(self) -> io::Result<S> {
        let (source, result) = self.part();
        result.map(|()| source)
    }

    /// As [`into_source`](Self::into_source), for a source that is wanted even then.
    #[cfg(unix)]
    pub(crate) fn into_source_anyway(self) -> S {
        self.part().0
    }

    fn part(mut self) -> (S, io::Result<()>) {
        let mut source = self
            .source
            .take()
            .expect("`self` is whole: nothing else takes the source");
        let result = self.registration.deregister(&mut source);
        (source, result)
    }
}

impl<S: Source> Drop for Evented<S> {
    fn drop(&mut self) {
        if let Some(mut source) = self.source.take() {
            // Fails only when the reactor is gone, and then nobody listens to the source any more.
            let _ = self.registration.deregister(&mut source);
        }
    }
}

impl<S: Source + fmt::Debug> fmt::Debug for Evented<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evented")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
