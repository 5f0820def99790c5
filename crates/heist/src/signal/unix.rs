//! Signals on Unix: [`signal`] listens, [`Signal::recv`] waits. Unix only.
//!
//! # Protocol
//!
//! 1. Each [`Signal`] has a socket pair of its own. The process's handler for the signal, which
//!    `signal-hook` installs once and shares among all who ask, writes a byte into every pair.
//! 2. The reading end is a source of the reactor like any other. [`Signal::recv`] takes all bytes
//!    there are: signals that came before it are one notification, one that comes later is another.
//! 3. Dropping takes the writing end out of the handler first, then closes both.
//!
//! So listeners share no state and several runtimes in a process do not know of each other. A full
//! pair loses nothing: whoever has not read yet is woken anyway.
//!
//! # Rejected
//!
//! One pair per process and a broadcast to all listeners: it needs a runtime that reads the pair,
//! and an answer to what happens when that one shuts down before the others.

use std::ffi::c_int;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read as _};
use std::task::{Context, Poll};

use heist_net::Evented;
use heist_reactor::Direction;
use mio::net::UnixStream;
use signal_hook::consts::{FORBIDDEN, signal as number};
use signal_hook::{SigId, low_level};

/// A signal, by number. Unix only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignalKind(c_int);

impl SignalKind {
    /// Wraps a signal number. [`signal`] refuses those that cannot be handled.
    pub const fn from_raw(signum: c_int) -> Self {
        Self(signum)
    }

    /// Returns the signal number.
    pub const fn as_raw_value(&self) -> c_int {
        self.0
    }

    /// `SIGALRM`: a timer of alarm(2) has expired.
    pub const fn alarm() -> Self {
        Self(number::SIGALRM)
    }

    /// `SIGCHLD`: a child process has ended or stopped.
    pub const fn child() -> Self {
        Self(number::SIGCHLD)
    }

    /// `SIGHUP`: the terminal is gone; for servers, by custom, "read your configuration again".
    pub const fn hangup() -> Self {
        Self(number::SIGHUP)
    }

    /// `SIGINT`: Ctrl-C.
    pub const fn interrupt() -> Self {
        Self(number::SIGINT)
    }

    /// `SIGIO`: I/O is possible on a descriptor that asked for it.
    pub const fn io() -> Self {
        Self(number::SIGIO)
    }

    /// `SIGPIPE`: a write to a pipe that nobody reads.
    pub const fn pipe() -> Self {
        Self(number::SIGPIPE)
    }

    /// `SIGQUIT`: Ctrl-\.
    pub const fn quit() -> Self {
        Self(number::SIGQUIT)
    }

    /// `SIGTERM`: please end.
    pub const fn terminate() -> Self {
        Self(number::SIGTERM)
    }

    /// `SIGUSR1`, free for use.
    pub const fn user_defined1() -> Self {
        Self(number::SIGUSR1)
    }

    /// `SIGUSR2`, free for use.
    pub const fn user_defined2() -> Self {
        Self(number::SIGUSR2)
    }

    /// `SIGWINCH`: the terminal's size has changed.
    pub const fn window_change() -> Self {
        Self(number::SIGWINCH)
    }
}

impl From<c_int> for SignalKind {
    fn from(signum: c_int) -> Self {
        Self::from_raw(signum)
    }
}

impl From<SignalKind> for c_int {
    fn from(kind: SignalKind) -> Self {
        kind.as_raw_value()
    }
}

/// Listens for `kind` from now on. Unix only.
///
/// Any number of listeners may listen for the same signal, in any number of runtimes; each is
/// notified. The first one replaces the signal's default action *for the rest of the process's
/// life*: dropping all listeners does not make `SIGINT` end the process again.
///
/// # Errors
///
/// When the signal cannot be handled (`SIGKILL`, `SIGSTOP`, and those that report a broken program,
/// such as `SIGSEGV`), or the system refuses the handler or the descriptors.
///
/// # Panics
///
/// When the calling thread is not inside a runtime.
///
/// # Examples
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use heist::signal::unix::{SignalKind, signal};
///
/// let mut hangup = signal(SignalKind::hangup())?;
/// while hangup.recv().await.is_some() {
///     println!("reading the configuration again");
/// }
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    let SignalKind(signum) = kind;
    if signum <= 0 || FORBIDDEN.contains(&signum) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("signal {signum} cannot be handled"),
        ));
    }
    let (reader, writer) = UnixStream::pair()?;
    let reader = Evented::new(reader)?;
    let id = low_level::pipe::register(signum, writer)?;
    Ok(Signal { id, reader })
}

pub(super) async fn ctrl_c() -> io::Result<()> {
    match signal(SignalKind::interrupt())?.recv().await {
        Some(()) => Ok(()),
        None => Err(crate::runtime::shut_down()),
    }
}

/// A listener for one signal, made by [`signal`]. Unix only.
///
/// Signals that arrive while nobody waits are kept, but not counted: however many there were, the
/// next [`recv`](Signal::recv) reports them once.
#[must_use = "a listener that nobody asks does nothing but swallow the signal"]
pub struct Signal {
    id: SigId,
    reader: Evented<UnixStream>,
}

impl Signal {
    /// Waits for the signal. Returns `None` only when the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a signal not reported when the future is dropped is reported by the next call.
    pub async fn recv(&mut self) -> Option<()> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the signal; as [`recv`](Signal::recv). Only the last task to poll is woken.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.reader
            .registration()
            .poll_io(cx, Direction::Read, || take_all(self.reader.source()))
            .map(Result::ok)
    }
}

/// Takes all bytes there are; `WouldBlock` when there is none.
fn take_all(mut reader: &UnixStream) -> io::Result<()> {
    let mut bytes = [0; 64];
    let mut read = reader.read(&mut bytes)?;
    // A full buffer may have left some. From the first byte on, failing would lose a signal.
    while read == bytes.len() {
        read = reader.read(&mut bytes).unwrap_or(0);
    }
    Ok(())
}

impl Drop for Signal {
    fn drop(&mut self) {
        low_level::unregister(self.id);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
