//! Connecting: start it, wait for the socket to become writable, ask how it went.
//!
//! # Protocol with several addresses
//!
//! That of RFC 8305 ("happy eyeballs"), from section 4 on; the names themselves are resolved by
//! `getaddrinfo`, which answers for both families at once and sorts them.
//!
//! 1. The addresses take turns by family, beginning with that of the first one.
//! 2. An attempt that has not come to an end after [`ATTEMPT_DELAY`] is joined by one to the next
//!    address; one that fails, at once.
//! 3. The first to connect wins; the others are dropped, which closes their sockets.
//!
//! Dropping the future at its await closes all sockets, and with them the attempts.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use heist_reactor::{Handle, Interest, Ready, Sleep};

use super::TcpStream;
use crate::ToSocketAddrs;
use crate::addr::{no_address, resolve};
use crate::system::attempt;

/// How long an attempt stays alone: the "Connection Attempt Delay" that RFC 8305 recommends.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first address of `addr` that answers.
pub(super) async fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
    let mut addrs = resolve(addr).await?;
    let first = addrs.next().ok_or_else(no_address)?;
    let rest: Vec<_> = addrs.collect();
    if rest.is_empty() {
        return connect_one(first).await;
    }
    let mut race = Race::new(by_turns(first, rest));
    poll_fn(|cx| race.poll(cx)).await
}

/// Sorts so that the families take turns, each in its own order.
fn by_turns(first: SocketAddr, rest: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (same, other): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .partition(|addr| addr.is_ipv6() == first.is_ipv6());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut sorted = vec![first];
    loop {
        let before = sorted.len();
        sorted.extend(other.next());
        sorted.extend(same.next());
        if sorted.len() == before {
            return sorted;
        }
    }
}

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send + Sync>>;

/// Attempts under way, and those that wait for their turn.
struct Race {
    waiting: vec::IntoIter<SocketAddr>,
    attempts: Vec<Attempt>,
    /// Until the next one may start; only once the first has.
    delay: Option<Sleep>,
    handle: Handle,
    last_error: Option<io::Error>,
}

impl Race {
    fn new(addrs: Vec<SocketAddr>) -> Self {
        Self {
            waiting: addrs.into_iter(),
            attempts: Vec::new(),
            delay: None,
            handle: Handle::current(),
            last_error: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        loop {
            let before = self.attempts.len();
            if let Some(stream) = self.poll_attempts(cx) {
                return Poll::Ready(Ok(stream));
            }
            let one_failed = self.attempts.len() < before;
            if (one_failed || self.poll_delay(cx)) && self.start_next() {
                continue;
            }
            if self.attempts.is_empty() {
                let error = self.last_error.take();
                return Poll::Ready(Err(error.unwrap_or_else(no_address)));
            }
            return Poll::Pending;
        }
    }

    /// Polls what is under way, and forgets what has failed.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Option<TcpStream> {
        let mut connected = None;
        self.attempts.retain_mut(|attempt| {
            if connected.is_some() {
                return true;
            }
            match attempt.as_mut().poll(cx) {
                Poll::Pending => return true,
                Poll::Ready(Ok(stream)) => connected = Some(stream),
                Poll::Ready(Err(error)) => self.last_error = Some(error),
            }
            false
        });
        connected
    }

    /// Whether the next attempt may start; true before the first.
    fn poll_delay(&mut self, cx: &mut Context<'_>) -> bool {
        self.waiting.len() > 0
            && self
                .delay
                .as_mut()
                .is_none_or(|delay| Pin::new(delay).poll(cx).is_ready())
    }

    fn start_next(&mut self) -> bool {
        let Some(addr) = self.waiting.next() else {
            return false;
        };
        self.attempts.push(Box::pin(connect_one(addr)));
        let deadline = self.handle.now() + ATTEMPT_DELAY;
        self.delay = Some(Sleep::until_with_handle(deadline, &self.handle));
        true
    }
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
        // Asks for the next event, where nothing but a call that comes too early does.
        let _ = attempt(stream.evented(), too_early);
        registration.clear_ready(event);
    }
}

fn too_early() -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// Whether a socket that is not connected will never be.
fn is_over(ready: Ready) -> bool {
    ready.is_write_closed() || ready.is_error()
}

#[cfg(test)]
mod tests;
