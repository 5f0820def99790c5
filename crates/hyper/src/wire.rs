//! Tells HTTP/1 from HTTP/2 by a connection's first bytes, and gives those bytes back.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use heist::sync::OwnedSemaphorePermit;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

/// What an HTTP/2 client with prior knowledge sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Room for a usual first request, so that telling the version costs no extra read.
const FIRST_READ_BYTES: usize = 2048;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

/// A connection whose first bytes may have been read already.
#[derive(Debug)]
pub(crate) struct Wire<I> {
    io: I,
    /// Bytes read but not yet handed on, from `given` on.
    first: Vec<u8>,
    given: usize,
    /// The place under the connection cap; it lasts as long as the socket, upgrades included.
    _permit: Option<OwnedSemaphorePermit>,
}

impl<I> Wire<I> {
    pub(crate) fn new(io: I, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            io,
            first: Vec::new(),
            given: 0,
            _permit: permit,
        }
    }

    /// Whether the client has sent anything yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.first.is_empty()
    }
}

impl<I: Read + Unpin> Wire<I> {
    /// Reads until the version is certain. An end of stream counts as HTTP/1, which reports it.
    pub(crate) fn poll_version(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Version>> {
        loop {
            if let Some(version) = version_of(&self.first) {
                return Poll::Ready(Ok(version));
            }
            let mut room = [0; FIRST_READ_BYTES];
            let mut buf = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut self.io).poll_read(cx, buf.unfilled()))?;
            if buf.filled().is_empty() {
                return Poll::Ready(Ok(Version::Http1));
            }
            self.first.extend_from_slice(buf.filled());
        }
    }

    /// Reads and drops what the client still sends; ready at its end of stream or error, or once
    /// `budget` bytes are gone.
    pub(crate) fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        budget: &mut usize,
    ) -> Poll<io::Result<()>> {
        let mut room = [0; 8 * FIRST_READ_BYTES];
        while *budget > 0 {
            let mut buf = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut self.io).poll_read(cx, buf.unfilled()))?;
            if buf.filled().is_empty() {
                break;
            }
            *budget = budget.saturating_sub(buf.filled().len());
        }
        Poll::Ready(Ok(()))
    }
}

/// `None` while `bytes` is a true prefix of the preface.
fn version_of(bytes: &[u8]) -> Option<Version> {
    let seen = bytes.len().min(PREFACE.len());
    if bytes[..seen] != PREFACE[..seen] {
        Some(Version::Http1)
    } else {
        (seen == PREFACE.len()).then_some(Version::Http2)
    }
}

impl<I: Read + Unpin> Read for Wire<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let rest = &self.first[self.given..];
        let count = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..count]);
        self.given += count;
        if self.given == self.first.len() {
            self.first = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: Write + Unpin> Write for Wire<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preface_is_certain_only_when_complete() {
        for seen in 0..PREFACE.len() {
            assert_eq!(version_of(&PREFACE[..seen]), None, "after {seen} bytes");
        }
        assert_eq!(version_of(PREFACE), Some(Version::Http2));
        assert_eq!(
            version_of(&[PREFACE, b"more"].concat()),
            Some(Version::Http2)
        );
    }

    #[test]
    fn anything_else_is_http1_at_its_first_differing_byte() {
        assert_eq!(version_of(b"G"), Some(Version::Http1));
        assert_eq!(version_of(b"PO"), Some(Version::Http1));
        assert_eq!(version_of(b"PRI * HTTP/1.1"), Some(Version::Http1));
    }
}
