//! [`Registration`]: one source in the reactor, and every way to wait for it.
//!
//! # Protocol
//! An operation tries its syscall first whenever the word says "ready" or "never tried", and waits
//! only after `WouldBlock`, which clears what the word said, guarded by the tick. `EINTR` is tried
//! again. A stream's short read or write has emptied the socket's queue, or filled it, so it clears
//! readiness without paying for the `WouldBlock`; see [`Registration::poll_stream_io`] for when it
//! must not.
//!
//! # Invariants
//! - A source is registered once, edge-triggered, for as long as its registration lives.
//! - On Windows mio asks for a source's next event only when a call of its own, or one inside its
//!   `try_io`, says `WouldBlock`. So there operations are such calls; whoever registers sees to that.
//! - `WouldBlock` is believed over what an event said, closed states included: the kernel's latest
//!   answer is the truth, and any change after it makes a new event.
//! - Each operation that makes progress spends one unit of the budget, and asks for it first.
//! - A registration may be dropped on any thread. That ends its key; the descriptor leaves the
//!   kernel's list by its close, or by [`Registration::deregister`].

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mio::Token;
use mio::event::Source;

use crate::handle::{Handle, Registered};
use crate::interest::{Direction, Interest};
use crate::ready::{Ready, ReadyEvent};
use crate::scheduled_io::{ScheduledIo, Snapshot};
use crate::shut_down;
use crate::slots::Rejected;
use crate::sync::Arc;
use crate::wake_batch::WakeBatch;

/// Whether a short result of a stream may stand for the `WouldBlock` of the next call. On Windows only
/// a call makes mio ask for the next event.
const SHORT_IS_ALL: bool = cfg!(not(windows));

/// A source registered with a reactor: once, edge-triggered, for its whole life.
///
/// Two tasks may wait at once through the `poll_` methods, one for each [`Direction`]; a later
/// caller takes the place of an earlier one. Any number may wait through the `async` methods.
///
/// # Examples
///
/// ```
/// use heist_reactor::{Config, Interest, Reactor, Registration};
/// use std::io::{ErrorKind, Read};
///
/// # fn main() -> std::io::Result<()> {
/// let reactor = Reactor::new(Config::default())?;
/// let (mut receiver, _sender) = mio::net::UnixStream::pair()?;
/// let registration =
///     Registration::with_handle(&mut receiver, Interest::READABLE, reactor.handle())?;
///
/// let mut byte = [0];
/// let result = registration.try_io(Interest::READABLE, || (&receiver).read(&mut byte));
/// assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
/// # Ok(())
/// # }
/// ```
pub struct Registration(Arc<Registered>);

/// A socket is this and its descriptor, two words. Futures hold several copies of what they are given.
const _: () = assert!(size_of::<Registration>() == size_of::<usize>());

// No foreign code runs under the reactor's locks, so a panic leaves nothing half done.
impl std::panic::UnwindSafe for Registration {}
impl std::panic::RefUnwindSafe for Registration {}

impl Registration {
    /// Registers `source` with the reactor this thread has entered.
    ///
    /// # Errors
    ///
    /// If the reactor has shut down, or the operating system refuses the source.
    ///
    /// # Panics
    ///
    /// If the thread has entered no reactor.
    #[track_caller]
    pub fn new(source: &mut impl Source, interest: Interest) -> io::Result<Self> {
        Self::with_handle(source, interest, &Handle::current())
    }

    /// Registers `source` with the reactor of `handle`.
    ///
    /// # Errors
    ///
    /// If the reactor has shut down, or the operating system refuses the source.
    pub fn with_handle(
        source: &mut impl Source,
        interest: Interest,
        handle: &Handle,
    ) -> io::Result<Self> {
        Self::register(source, interest, handle, ScheduledIo::new())
    }

    /// As [`with_handle`](Self::with_handle), of a source that is not to be tried before the system has
    /// said that it is ready: for attempts that may not end in `WouldBlock` when they come too soon, such
    /// as a read from a pipe that has had no writer yet, or a caller's own code.
    ///
    /// # Errors
    ///
    /// As [`with_handle`](Self::with_handle).
    pub fn event_first(
        source: &mut impl Source,
        interest: Interest,
        handle: &Handle,
    ) -> io::Result<Self> {
        Self::register(source, interest, handle, ScheduledIo::unready())
    }

    fn register(
        source: &mut impl Source,
        interest: Interest,
        handle: &Handle,
        io: ScheduledIo,
    ) -> io::Result<Self> {
        // From here on its drop ends the key, should the kernel refuse.
        let registration = Self(Registered::new(handle, io).map_err(rejected)?);
        let token = Token(registration.0.token());
        let registry = &handle.shared.registry;
        registry.register(source, token, mio_interest(interest))?;
        Ok(registration)
    }

    /// Takes the source out of the reactor. Whoever still waits gets an error.
    ///
    /// # Errors
    ///
    /// If the operating system does not know the source.
    pub fn deregister(&self, source: &mut impl Source) -> io::Result<()> {
        self.0.end();
        let mut batch = WakeBatch::new();
        self.0.io.shut_down(&mut batch);
        batch.wake_all();
        self.0.handle.shared.registry.deregister(source)
    }

    /// Returns the handle of the reactor the source is registered with.
    pub fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// Waits until the source is ready in one direction.
    ///
    /// # Errors
    ///
    /// If the reactor has shut down, or the source was deregistered.
    pub fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
    ) -> Poll<io::Result<ReadyEvent>> {
        let mask = Ready::of_direction(direction);
        ready!((self.0.handle.coop().poll_budget)(cx));
        let snapshot = ready!(self.0.io.poll_direction(cx, direction, mask));
        Poll::Ready(self.finish_wait(snapshot, mask))
    }

    /// Waits until the source is ready for any kind of `interest`; any number of callers at once.
    ///
    /// # Errors
    ///
    /// If the reactor has shut down, or the source was deregistered.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: readiness stays until it is cleared.
    pub async fn readiness(&self, interest: Interest) -> io::Result<ReadyEvent> {
        poll_fn(self.0.handle.coop().poll_budget).await;
        let mask = Ready::of_interest(interest);
        let snapshot = self.wait(mask).await;
        self.finish_wait(snapshot, mask)
    }

    /// Forgets the readiness `event` stands for, unless a newer event has arrived. To be called
    /// after a syscall returned `WouldBlock`; at any other time the next event may never come.
    pub fn clear_ready(&self, event: ReadyEvent) {
        self.0.io.clear(event);
    }

    /// Tries `f` if the source is ready for `interest`, or has never been tried; does not wait.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the source is not ready; else whatever `f` returns.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        f: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        let snapshot = self.0.io.snapshot();
        let event = snapshot.event(Ready::of_interest(interest).or_untried());
        if event.ready().is_empty() {
            return Err(if snapshot.is_shut_down() {
                self.ended()
            } else {
                io::ErrorKind::WouldBlock.into()
            });
        }
        let result = f();
        if again(&result) == Some(Again::AfterAnEvent) {
            self.0.io.clear(event);
        }
        result
    }

    /// Calls `f` as soon as the source may be ready in one direction, until it does not return
    /// `WouldBlock`. Tries at once where nothing speaks against it.
    ///
    /// # Errors
    ///
    /// Whatever `f` returns, but for `WouldBlock` and `Interrupted`; and if the reactor has shut
    /// down or the source was deregistered.
    pub fn poll_io<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        f: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_attempt(cx, direction, f, |_, _| false)
    }

    /// As [`poll_io`](Self::poll_io), for streams: `f` moves up to `want` bytes, and a result that
    /// is less, but not zero, tells that the next call would block. That saves this call.
    ///
    /// Only for TCP. Whatever else may return early with more to come, as a Unix socket does at
    /// passed descriptors, loses events by this. Once the peer has closed, an error is pending or
    /// out-of-band data has been announced, a short result clears nothing, because the kernel may
    /// have said all it has to say in that one event. On Windows it never clears anything.
    ///
    /// # Errors
    ///
    /// As [`poll_io`](Self::poll_io).
    pub fn poll_stream_io(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        want: usize,
        f: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.poll_attempt(cx, direction, f, |&count, snapshot| {
            SHORT_IS_ALL
                && 0 < count
                && count < want
                && !snapshot.ready().contains_any(Ready::KEEPS_READY)
        })
    }

    /// Calls `f` as soon as the source may be ready for `interest`, until it does not return
    /// `WouldBlock`; any number of callers at once.
    ///
    /// # Errors
    ///
    /// As [`poll_io`](Self::poll_io).
    ///
    /// # Cancel safety
    ///
    /// `f` has either not succeeded or its result is returned: nothing is lost when the future is
    /// dropped, as long as `f` itself leaves nothing half done at `WouldBlock`.
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        let coop = self.0.handle.coop();
        let mask = Ready::of_interest(interest).or_untried();
        loop {
            poll_fn(coop.poll_budget).await;
            let snapshot = self.wait(mask).await;
            if snapshot.is_shut_down() {
                return Err(self.ended());
            }
            let result = f();
            match again(&result) {
                Some(Again::AtOnce) => {}
                Some(Again::AfterAnEvent) => self.0.io.clear(snapshot.event(mask)),
                None => {
                    (coop.spend)();
                    return result;
                }
            }
        }
    }

    /// The one loop behind the `poll_` operations. `used_up` says whether a success, given the
    /// state before it, has left nothing to come back for.
    fn poll_attempt<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut f: impl FnMut() -> io::Result<R>,
        used_up: impl FnOnce(&R, Snapshot) -> bool,
    ) -> Poll<io::Result<R>> {
        let coop = self.0.handle.coop();
        let mask = Ready::of_direction(direction).or_untried();
        ready!((coop.poll_budget)(cx));
        loop {
            let snapshot = ready!(self.0.io.poll_direction(cx, direction, mask));
            if snapshot.is_shut_down() {
                return Poll::Ready(Err(self.ended()));
            }
            let result = f();
            match again(&result) {
                Some(Again::AtOnce) => continue,
                Some(Again::AfterAnEvent) => {
                    self.0.io.clear(snapshot.event(mask));
                    continue;
                }
                None => {}
            }
            if result.as_ref().is_ok_and(|value| used_up(value, snapshot)) {
                self.0.io.clear(snapshot.event(mask));
            }
            (coop.spend)();
            return Poll::Ready(result);
        }
    }

    fn wait(&self, mask: Ready) -> Wait<'_> {
        Wait {
            io: &self.0.io,
            mask,
            key: None,
        }
    }

    fn finish_wait(&self, snapshot: Snapshot, mask: Ready) -> io::Result<ReadyEvent> {
        if snapshot.is_shut_down() {
            return Err(self.ended());
        }
        (self.0.handle.coop().spend)();
        Ok(snapshot.event(mask))
    }

    /// Why waiting has ended for good.
    fn ended(&self) -> io::Error {
        if self.0.handle.is_shut_down() {
            shut_down::error()
        } else {
            io::Error::other("the source was taken out of its reactor")
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("io", &self.0.io)
            .field("handle", &self.0.handle)
            .finish()
    }
}

/// Waits in a place of its own among any number of waiters.
#[derive(Debug)]
struct Wait<'a> {
    io: &'a ScheduledIo,
    mask: Ready,
    key: Option<usize>,
}

impl Future for Wait<'_> {
    type Output = Snapshot;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Snapshot> {
        let Self {
            io,
            mask,
            ref mut key,
        } = *self;
        io.poll_waiter(cx, key, mask)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.io.leave(key);
        }
    }
}

/// When an attempt is to be made again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    AtOnce,
    AfterAnEvent,
}

fn again<R>(result: &io::Result<R>) -> Option<Again> {
    match result.as_ref().err()?.kind() {
        io::ErrorKind::Interrupted => Some(Again::AtOnce),
        io::ErrorKind::WouldBlock => Some(Again::AfterAnEvent),
        _ => None,
    }
}

fn rejected(reason: Rejected) -> io::Error {
    match reason {
        Rejected::Closed => shut_down::error(),
        Rejected::Full => io::Error::other("the reactor has no room for another source"),
    }
}

fn mio_interest(interest: Interest) -> mio::Interest {
    // Errors are always told of, but the system wants to be asked for something.
    let readable =
        (interest.is_readable() || interest.is_error()).then_some(mio::Interest::READABLE);
    let writable = interest.is_writable().then_some(mio::Interest::WRITABLE);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let priority = interest.is_priority().then_some(mio::Interest::PRIORITY);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let priority = None;
    [readable, writable, priority]
        .into_iter()
        .flatten()
        .reduce(mio::Interest::add)
        .expect("an Interest is never empty")
}
