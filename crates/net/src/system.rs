//! What is not the same on every system: one file for Unix, one for Windows, with the same names.
//!
//! On Unix an operation is its system call. On Windows mio plays edges on top of polls that tell of
//! something once: what has been told of is asked for again only when a call inside mio's own `try_io`
//! says `WouldBlock`. So there every call that may say so runs in [`attempt`], or is mio's own.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

/// Makes a socket, not inherited by child processes as soon as the system allows, and non-blocking.
#[cfg(not(target_os = "linux"))]
pub(crate) fn new_socket(
    domain: socket2::Domain,
    kind: socket2::Type,
    protocol: Option<socket2::Protocol>,
) -> std::io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(domain, kind, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
