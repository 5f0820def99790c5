//! A source and its registration, ending in the right order.
//!
//! # Invariants
//!
//! - The source is registered once, for both directions, edge-triggered, for its whole life.
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
/// [`registration`](Evented::registration).
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

    /// Returns the source. Its calls never wait; pair them with the registration's.
    pub fn source(&self) -> &S {
        self.source
            .as_ref()
            .expect("only `into_source` and `drop` take the source, and both end `self`")
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
    pub fn into_source(mut self) -> io::Result<S> {
        let mut source = self
            .source
            .take()
            .expect("`self` is whole: nothing else takes the source");
        self.registration.deregister(&mut source)?;
        Ok(source)
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
