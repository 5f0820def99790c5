//! Telling the error of a runtime that has shut down from others.

use std::io;

/// Whether `error` says that the runtime of a socket or another source has shut down.
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
    heist_reactor::is_shut_down(error)
}
