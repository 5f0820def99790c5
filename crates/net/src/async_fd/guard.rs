//! What waiting for an [`AsyncFd`] returns: evidence of readiness, and the way to clear it.

use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::AsFd;

use heist_reactor::{Ready, ReadyEvent};

use super::AsyncFd;

/// Evidence that the descriptor was ready, borrowed from its [`AsyncFd`]. Unix only.
///
/// The readiness stays when this is dropped. To wait for more, it must be cleared once the
/// descriptor has said `WouldBlock`: [`try_io`](Self::try_io) does so.
#[must_use = "the readiness stays until it is cleared: call `try_io` or `clear_ready`"]
pub struct AsyncFdReadyGuard<'a, T: AsFd> {
    fd: &'a AsyncFd<T>,
    event: ReadyEvent,
}

impl<'a, T: AsFd> AsyncFdReadyGuard<'a, T> {
    /// Clears the readiness this guard stands for, unless a newer event has arrived since.
    ///
    /// To be called after `WouldBlock` and at no other time: the next event may never come.
    pub fn clear_ready(&mut self) {
        self.fd.io.registration().clear_ready(self.event);
        self.event = self.event.only(Ready::EMPTY);
    }

    /// As [`clear_ready`](Self::clear_ready), for some of the states only.
    pub fn clear_ready_matching(&mut self, ready: Ready) {
        self.fd
            .io
            .registration()
            .clear_ready(self.event.only(ready));
        self.event = self.event.only(self.event.ready() - ready);
    }

    /// Keeps the readiness: says aloud what dropping the guard does anyway.
    pub fn retain_ready(&mut self) {}

    /// Returns what the descriptor was ready for.
    pub fn ready(&self) -> Ready {
        self.event.ready()
    }

    /// Runs `f`, a non-blocking operation on the descriptor, and clears the readiness if it returns
    /// `WouldBlock`.
    ///
    /// # Errors
    ///
    /// [`TryIoError`] for `WouldBlock`; any other outcome of `f` is the inner result.
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        match f(self.fd) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.clear_ready();
                Err(TryIoError(()))
            }
            result => Ok(result),
        }
    }

    pub(super) fn new(fd: &'a AsyncFd<T>, event: ReadyEvent) -> Self {
        Self { fd, event }
    }

    /// Returns the [`AsyncFd`] this guard came from.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.fd
    }

    /// Returns the value inside the [`AsyncFd`].
    pub fn get_inner(&self) -> &'a T {
        self.fd.get_ref()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for AsyncFdReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyGuard")
            .field("async_fd", &self.fd)
            .finish_non_exhaustive()
    }
}

/// Evidence that the descriptor was ready, borrowed mutably from its [`AsyncFd`]. Unix only.
///
/// The readiness stays when this is dropped. To wait for more, it must be cleared once the
/// descriptor has said `WouldBlock`: [`try_io`](Self::try_io) does so.
#[must_use = "the readiness stays until it is cleared: call `try_io` or `clear_ready`"]
pub struct AsyncFdReadyMutGuard<'a, T: AsFd> {
    fd: &'a mut AsyncFd<T>,
    event: ReadyEvent,
}

impl<'a, T: AsFd> AsyncFdReadyMutGuard<'a, T> {
    /// Clears the readiness this guard stands for, unless a newer event has arrived since.
    ///
    /// To be called after `WouldBlock` and at no other time: the next event may never come.
    pub fn clear_ready(&mut self) {
        self.fd.io.registration().clear_ready(self.event);
        self.event = self.event.only(Ready::EMPTY);
    }

    /// As [`clear_ready`](Self::clear_ready), for some of the states only.
    pub fn clear_ready_matching(&mut self, ready: Ready) {
        self.fd
            .io
            .registration()
            .clear_ready(self.event.only(ready));
        self.event = self.event.only(self.event.ready() - ready);
    }

    /// Keeps the readiness: says aloud what dropping the guard does anyway.
    pub fn retain_ready(&mut self) {}

    /// Returns what the descriptor was ready for.
    pub fn ready(&self) -> Ready {
        self.event.ready()
    }

    /// Runs `f`, a non-blocking operation on the descriptor, and clears the readiness if it returns
    /// `WouldBlock`.
    ///
    /// # Errors
    ///
    /// [`TryIoError`] for `WouldBlock`; any other outcome of `f` is the inner result.
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&mut AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        match f(self.fd) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.clear_ready();
                Err(TryIoError(()))
            }
            result => Ok(result),
        }
    }

    pub(super) fn new(fd: &'a mut AsyncFd<T>, event: ReadyEvent) -> Self {
        Self { fd, event }
    }

    /// Returns the [`AsyncFd`] this guard came from.
    pub fn get_ref(&self) -> &AsyncFd<T> {
        self.fd
    }

    /// Returns the [`AsyncFd`] this guard came from.
    pub fn get_mut(&mut self) -> &mut AsyncFd<T> {
        self.fd
    }

    /// Returns the value inside the [`AsyncFd`].
    pub fn get_inner(&self) -> &T {
        self.fd.get_ref()
    }

    /// Returns the value inside the [`AsyncFd`].
    pub fn get_inner_mut(&mut self) -> &mut T {
        self.fd.get_mut()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for AsyncFdReadyMutGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyMutGuard")
            .field("async_fd", &self.fd)
            .finish_non_exhaustive()
    }
}

/// The operation would have blocked: wait for readiness again. Unix only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryIoError(pub(super) ());

impl fmt::Display for TryIoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the descriptor is not ready: the operation would block")
    }
}

impl Error for TryIoError {}
