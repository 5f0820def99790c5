//! Connecting: start it, wait for the socket to become writable, ask how it went.
//!
//! Dropping the future at its await closes the socket, and with it the attempt.

use std::io;
use std::net::SocketAddr;

use heist_reactor::{Interest, Ready};

use super::TcpStream;
use crate::ToSocketAddrs;
use crate::addr::{no_address, resolve};

/// Connects to the first address of `addr` that answers.
pub(super) async fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
    let mut last = None;
    for addr in resolve(addr).await? {
        match connect_one(addr).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

async fn connect_one(addr: SocketAddr) -> io::Result<TcpStream> {
    finish(TcpStream::new(mio::net::TcpStream::connect(addr)?)?).await
}

/// Waits until a connection that has been started is established or has failed.
///
/// Readiness alone proves nothing: it may be stale, and a failed connection is writable too. So
/// `SO_ERROR` is asked first and consumed, then the peer's name, which only a connected socket has.
pub(super) async fn finish(stream: TcpStream) -> io::Result<TcpStream> {
    loop {
        let registration = stream.evented().registration();
        let event = registration.readiness(Interest::WRITABLE).await?;
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => return Ok(stream),
            // No error to tell, no peer, and no event to come.
            Err(error) if is_over(event.ready()) => return Err(error),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(error) => return Err(error),
        }
        stream.evented().registration().clear_ready(event);
    }
}

/// Whether a socket that is not connected will never be.
fn is_over(ready: Ready) -> bool {
    ready.is_write_closed() || ready.is_error()
}
