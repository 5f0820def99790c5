//! The readiness side of [`TcpStream`]: wait until it is worth trying, then try without waiting.
//!
//! Readiness is a hint. `readable` may return although another task has read everything since; the
//! `try_` call then says `WouldBlock`, and clears the hint, so that the next wait does wait.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::task::{Context, Poll};

use heist_reactor::{Direction, Interest, Ready};
use tokio::io::ReadBuf;

use super::TcpStream;

impl TcpStream {
    /// Waits until the stream is ready for any of `interest` and returns what it is ready for.
    ///
    /// Any number of tasks may wait at once. The answer is a hint: see [`try_io`](Self::try_io).
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until a `try_` call finds it stale.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # mod heist { pub use heist_net as net; pub use heist_net as io; }
    /// # async fn pump(stream: heist::net::TcpStream) -> std::io::Result<()> {
    /// use heist::io::Interest;
    ///
    /// let ready = stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
    /// if ready.is_readable() {
    ///     let mut buf = [0; 1024];
    ///     match stream.try_read(&mut buf) {
    ///         Ok(length) => println!("{length} bytes read"),
    ///         Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
    ///         Err(error) => return Err(error),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        let event = self.evented().registration().readiness(interest).await?;
        Ok(event.ready())
    }

    /// Waits until reading is worth a try: data, the end of the stream, or an error is there.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, as [`ready`](Self::ready).
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Interest::READABLE).await.map(drop)
    }

    /// Waits until writing is worth a try.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, as [`ready`](Self::ready).
    pub async fn writable(&self) -> io::Result<()> {
        self.ready(Interest::WRITABLE).await.map(drop)
    }

    /// Polls for readiness to read.
    ///
    /// Shares its one waker with reading through the traits: of several tasks that poll, only the
    /// last one is woken. [`readable`](Self::readable) serves any number.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.evented()
            .registration()
            .poll_ready(cx, Direction::Read)
            .map_ok(drop)
    }

    /// Polls for readiness to write.
    ///
    /// Shares its one waker with writing through the traits: of several tasks that poll, only the
    /// last one is woken. [`writable`](Self::writable) serves any number.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.evented()
            .registration()
            .poll_ready(cx, Direction::Write)
            .map_ok(drop)
    }

    /// Reads what is there, without waiting. `Ok(0)` is the end of the stream, or an empty `buf`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there; then wait for [`readable`](Self::readable). Else those
    /// of recv(2).
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_io(Interest::READABLE, || self.evented().source().read(buf))
    }

    /// Reads what is there into several buffers in turn, without waiting.
    ///
    /// # Errors
    ///
    /// As [`try_read`](Self::try_read).
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.try_io(Interest::READABLE, || {
            self.evented().source().read_vectored(bufs)
        })
    }

    /// Writes what fits the kernel's buffer, without waiting, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing fits; then wait for [`writable`](Self::writable). Else those of
    /// send(2).
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, || self.evented().source().write(buf))
    }

    /// Writes what fits of several buffers in turn, without waiting.
    ///
    /// # Errors
    ///
    /// As [`try_write`](Self::try_write).
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, || self.send_slices(bufs))
    }

    /// Runs `f`, a non-blocking operation on the socket, if the stream is ready for `interest`.
    ///
    /// `f` must return `WouldBlock` only when the socket did: that clears the readiness.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the stream is not ready (`f` is not called then), else the error of `f`.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        f: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        self.evented().registration().try_io(interest, f)
    }

    /// Runs `f`, a non-blocking operation on the socket, until it returns something else than
    /// `WouldBlock`, waiting for readiness in between.
    ///
    /// # Errors
    ///
    /// Those of `f`, or when the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the await is never between a success of `f` and the return.
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        f: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        self.evented().registration().async_io(interest, f).await
    }

    /// Reads without taking: the same bytes are there for the next read. Waits for at least one.
    ///
    /// Returns how many bytes are in `buf`; 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of recv(2).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: peeking takes nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.async_io(Interest::READABLE, || self.evented().source().peek(buf))
            .await
    }

    /// Polls for bytes to look at, without taking them, and returns how many are now in `buf`.
    ///
    /// # Errors
    ///
    /// Those of recv(2).
    pub fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let peek = || heist_reactor::buf::peek(self, buf);
        self.evented()
            .registration()
            .poll_io(cx, Direction::Read, peek)
    }
}
