//! [`AsyncFd`]: waiting for a descriptor that something else made.
//!
//! The descriptor stays whose it is: nothing here reads, writes or changes its mode. Only values
//! that own or borrow their descriptor ([`AsFd`]) are taken, so that it cannot be closed, and its
//! number given to something else, while the reactor watches it.

mod guard;

use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll};

use heist_reactor::{Direction, Handle, Interest};

pub use guard::{AsyncFdReadyGuard, AsyncFdReadyMutGuard, TryIoError};

use crate::Evented;
use crate::descriptor::Descriptor;

/// Ties a foreign descriptor to the reactor: inotify, a timerfd, a device, a C library's socket.
/// Unix only.
///
/// The descriptor must be in non-blocking mode and of a kind that epoll watches (not a regular
/// file). Readiness is edge-triggered: keep on until `WouldBlock`, and clear the readiness then, as
/// [`try_io`](AsyncFdReadyGuard::try_io) and [`async_io`](AsyncFd::async_io) do.
///
/// `T` must return the same descriptor for as long as it is in here.
///
/// # Examples
///
/// ```
/// # mod heist { pub mod io { pub mod unix { pub use heist_net::AsyncFd; } } }
/// use heist::io::unix::AsyncFd;
/// use std::io::{self, Read};
/// use std::os::unix::net::UnixStream;
///
/// async fn read_some(fd: &AsyncFd<UnixStream>, buf: &mut [u8]) -> io::Result<usize> {
///     loop {
///         let mut ready = fd.readable().await?;
///         if let Ok(result) = ready.try_io(|fd| fd.get_ref().read(buf)) {
///             return result;
///         }
///     }
/// }
/// ```
pub struct AsyncFd<T: AsFd> {
    io: Evented<Descriptor<T>>,
}

impl<T: AsFd> AsyncFd<T> {
    /// Registers a descriptor for reading and writing.
    ///
    /// # Errors
    ///
    /// When the system refuses: `PermissionDenied` for a regular file, `AlreadyExists` for a
    /// descriptor that is registered already. `inner` is dropped then; [`try_new`](Self::try_new)
    /// gives it back.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn new(inner: T) -> io::Result<Self> {
        Self::try_new(inner).map_err(Into::into)
    }

    /// Registers a descriptor for `interest` only.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<Self> {
        Self::try_with_interest(inner, interest).map_err(Into::into)
    }

    /// As [`new`](Self::new), with `inner` in the error.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn try_new(inner: T) -> Result<Self, AsyncFdTryNewError<T>> {
        Self::try_with_interest(inner, Interest::READABLE | Interest::WRITABLE)
    }

    /// As [`with_interest`](Self::with_interest), with `inner` in the error.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn try_with_interest(inner: T, interest: Interest) -> Result<Self, AsyncFdTryNewError<T>> {
        match Evented::event_first(Descriptor(inner), interest, &Handle::current()) {
            Ok(io) => Ok(Self { io }),
            Err((Descriptor(inner), cause)) => Err(AsyncFdTryNewError { inner, cause }),
        }
    }

    /// Returns the value inside.
    pub fn get_ref(&self) -> &T {
        &self.io.source().0
    }

    /// Returns the value inside. It must keep its descriptor.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io.source_mut().0
    }

    /// Deregisters the descriptor and returns the value.
    pub fn into_inner(self) -> T {
        self.io.into_source_anyway().0
    }

    /// Polls for readiness to read.
    ///
    /// Of several tasks that poll to read, only the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    pub fn poll_read_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, T>>> {
        let polled = self.io.registration().poll_ready(cx, Direction::Read);
        polled.map_ok(|event| AsyncFdReadyGuard::new(self, event))
    }

    /// Polls for readiness to write.
    ///
    /// Of several tasks that poll to write, only the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    pub fn poll_write_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, T>>> {
        let polled = self.io.registration().poll_ready(cx, Direction::Write);
        polled.map_ok(|event| AsyncFdReadyGuard::new(self, event))
    }

    /// Waits until the descriptor is ready for any of `interest`; any number of tasks at once.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    pub async fn ready(&self, interest: Interest) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        let event = self.io.registration().readiness(interest).await?;
        Ok(AsyncFdReadyGuard::new(self, event))
    }

    /// As [`ready`](Self::ready), for `Interest::READABLE`.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    pub async fn readable(&self) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        self.ready(Interest::READABLE).await
    }

    /// As [`ready`](Self::ready), for `Interest::WRITABLE`.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    pub async fn writable(&self) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        self.ready(Interest::WRITABLE).await
    }

    /// Polls for readiness to read, with the guard that borrows mutably.
    ///
    /// Of several tasks that poll to read, only the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    pub fn poll_read_ready_mut(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        let polled = self.io.registration().poll_ready(cx, Direction::Read);
        polled.map_ok(|event| AsyncFdReadyMutGuard::new(self, event))
    }

    /// Polls for readiness to write, with the guard that borrows mutably.
    ///
    /// Of several tasks that poll to write, only the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    pub fn poll_write_ready_mut(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'_, T>>> {
        let polled = self.io.registration().poll_ready(cx, Direction::Write);
        polled.map_ok(|event| AsyncFdReadyMutGuard::new(self, event))
    }

    /// Waits until the descriptor is ready for any of `interest`, with the guard that borrows mutably.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    pub async fn ready_mut(
        &mut self,
        interest: Interest,
    ) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        let event = self.io.registration().readiness(interest).await?;
        Ok(AsyncFdReadyMutGuard::new(self, event))
    }

    /// As [`ready_mut`](Self::ready_mut), for `Interest::READABLE`.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    pub async fn readable_mut(&mut self) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        self.ready_mut(Interest::READABLE).await
    }

    /// As [`ready_mut`](Self::ready_mut), for `Interest::WRITABLE`.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until it is cleared.
    pub async fn writable_mut(&mut self) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        self.ready_mut(Interest::WRITABLE).await
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn poll_io<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        f: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.io.registration().poll_io(cx, direction, f)
    }

    /// Runs `f`, a non-blocking operation on the descriptor, until it returns something else than
    /// `WouldBlock`, waiting for readiness in between; any number of tasks at once.
    ///
    /// # Errors
    ///
    /// Those of `f`, or when the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the await is never between a success of `f` and the return.
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let registration = self.io.registration();
        registration.async_io(interest, || f(self.get_ref())).await
    }

    /// As [`async_io`](Self::async_io), for an operation that changes the value.
    ///
    /// # Errors
    ///
    /// As [`async_io`](Self::async_io).
    ///
    /// # Cancel safety
    ///
    /// As [`async_io`](Self::async_io).
    pub async fn async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut f: impl FnMut(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        let (registration, source) = self.io.parts_mut();
        registration.async_io(interest, || f(&mut source.0)).await
    }

    /// Runs `f`, a non-blocking operation on the descriptor, if it is ready for `interest`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it is not ready (`f` is not called then), else the error of `f`.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        f: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let registration = self.io.registration();
        registration.try_io(interest, || f(self.get_ref()))
    }

    /// As [`try_io`](Self::try_io), for an operation that changes the value.
    ///
    /// # Errors
    ///
    /// As [`try_io`](Self::try_io).
    pub fn try_io_mut<R>(
        &mut self,
        interest: Interest,
        f: impl FnOnce(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        let (registration, source) = self.io.parts_mut();
        registration.try_io(interest, || f(&mut source.0))
    }
}

impl<T: AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFd")
            .field("inner", self.get_ref())
            .finish_non_exhaustive()
    }
}

/// The system has refused a descriptor; the value it came in is given back. Unix only.
pub struct AsyncFdTryNewError<T> {
    inner: T,
    cause: io::Error,
}

impl<T> AsyncFdTryNewError<T> {
    /// Returns the value and why it was refused.
    pub fn into_parts(self) -> (T, io::Error) {
        (self.inner, self.cause)
    }
}

impl<T> From<AsyncFdTryNewError<T>> for io::Error {
    fn from(error: AsyncFdTryNewError<T>) -> Self {
        error.cause
    }
}

impl<T> fmt::Display for AsyncFdTryNewError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl<T> fmt::Debug for AsyncFdTryNewError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.cause, f)
    }
}

impl<T> Error for AsyncFdTryNewError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}
