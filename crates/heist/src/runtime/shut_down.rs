//! The error of a runtime that has shut down, and telling it from others.

use std::error::Error;
use std::fmt;
use std::io;

/// Whether `error` says that the runtime of a socket or another source, or the one that was to do a
/// blocking call, has shut down.
///
/// # Examples
/// ```
/// use heist::net::TcpListener;
/// use heist::runtime::{Runtime, is_rt_shutdown_err};
///
/// # fn main() -> std::io::Result<()> {
/// let (one, two) = (Runtime::new()?, Runtime::new()?);
/// let listener = one.block_on(TcpListener::bind("127.0.0.1:0"))?;
/// drop(one);
/// let error = two.block_on(listener.accept()).unwrap_err();
/// assert!(is_rt_shutdown_err(&error));
/// # Ok(()) }
/// ```
pub fn is_rt_shutdown_err(error: &io::Error) -> bool {
    let inner = error.get_ref();
    heist_reactor::is_shut_down(error) || inner.is_some_and(|inner| inner.is::<HasShutDown>())
}

/// The error of what a runtime does not do any more.
pub(crate) fn shut_down() -> io::Error {
    io::Error::other(HasShutDown)
}

#[derive(Debug)]
struct HasShutDown;

impl fmt::Display for HasShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Heist runtime that was to do this has shut down")
    }
}

impl Error for HasShutDown {}
