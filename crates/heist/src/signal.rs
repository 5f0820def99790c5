//! Signals of the operating system: [`ctrl_c`] everywhere, the rest in [`unix`].

#[cfg(unix)]
pub mod unix;
#[cfg(windows)]
mod windows;

use std::io;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// Waits for Ctrl-C (on Unix, `SIGINT`; on Windows whatever the console asks programs to end by).
///
/// From the first poll on the signal no longer ends the process, not even after this future is
/// gone. Only signals that arrive from then on count: to lose none between two waits use
/// [`unix::signal`], which listens for as long as it lives.
///
/// # Errors
///
/// When the handler cannot be installed, or, on Unix, the runtime shuts down meanwhile. On Windows there
/// is one handler in a process: it cannot be installed beside one of the `ctrlc` crate.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A signal that has arrived but not been reported when the future is dropped is lost.
///
/// # Examples
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// heist::signal::ctrl_c().await?;
/// println!("shutting down");
/// # Ok(())
/// # }
/// ```
pub async fn ctrl_c() -> io::Result<()> {
    system::ctrl_c().await
}
