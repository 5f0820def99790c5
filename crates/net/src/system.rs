//! What not every system does in Linux's way.

use std::io;

use rustix::net::SendFlags;
use socket2::{Domain, Protocol, Socket, Type};

/// Makes a socket, close-on-exec and non-blocking from its first moment.
#[cfg(target_os = "linux")]
pub(crate) fn new_socket(
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
) -> io::Result<Socket> {
    Socket::new_raw(domain, kind.nonblocking().cloexec(), protocol)
}

/// Makes a socket, close-on-exec as soon as the system allows, and non-blocking.
#[cfg(not(target_os = "linux"))]
pub(crate) fn new_socket(
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Keeps a send to a peer that is gone from raising `SIGPIPE`.
#[cfg(not(target_vendor = "apple"))]
pub(crate) const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// There it is an option of the socket, which mio, socket2 and the standard library set.
#[cfg(target_vendor = "apple")]
pub(crate) const NO_SIGNAL: SendFlags = SendFlags::empty();
