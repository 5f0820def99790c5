//! What the borrowed and the owned halves have in common, written once.
//!
//! Both kinds of half reach their stream through `AsRef<TcpStream>` and add nothing to its calls;
//! they only keep the two directions apart.

/// The methods of a half that reads.
macro_rules! read_half_methods {
    () => {
        /// Waits until the stream is ready for any of `interest`, as
        /// [`TcpStream::ready`](crate::TcpStream::ready).
        ///
        /// # Errors
        ///
        /// When the runtime has shut down.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: readiness stays until a `try_` call finds it stale.
        pub async fn ready(
            &self,
            interest: heist_reactor::Interest,
        ) -> std::io::Result<heist_reactor::Ready> {
            self.stream().ready(interest).await
        }

        /// Waits until reading is worth a try.
        ///
        /// # Errors
        ///
        /// When the runtime has shut down.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: readiness stays until a `try_` call finds it stale.
        pub async fn readable(&self) -> std::io::Result<()> {
            self.stream().readable().await
        }

        /// Reads what is there, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing is there, else those of recv(2).
        pub fn try_read(&self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.stream().try_read(buf)
        }

        /// Reads what is there into several buffers in turn, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing is there, else those of readv(2).
        pub fn try_read_vectored(
            &self,
            bufs: &mut [std::io::IoSliceMut<'_>],
        ) -> std::io::Result<usize> {
            self.stream().try_read_vectored(bufs)
        }

        /// Reads without taking: the same bytes are there for the next read. Waits for at least
        /// one byte or the end of the stream.
        ///
        /// # Errors
        ///
        /// Those of recv(2).
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: peeking takes nothing.
        pub async fn peek(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.stream().peek(buf).await
        }

        /// Polls for bytes to look at, without taking them, and returns how many are in `buf`.
        ///
        /// # Errors
        ///
        /// Those of recv(2).
        pub fn poll_peek(
            &mut self,
            cx: &mut std::task::Context<'_>,
            buf: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.stream().poll_peek(cx, buf)
        }
    };
}

/// The methods of a half that writes.
macro_rules! write_half_methods {
    () => {
        /// Waits until the stream is ready for any of `interest`, as
        /// [`TcpStream::ready`](crate::TcpStream::ready).
        ///
        /// # Errors
        ///
        /// When the runtime has shut down.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: readiness stays until a `try_` call finds it stale.
        pub async fn ready(
            &self,
            interest: heist_reactor::Interest,
        ) -> std::io::Result<heist_reactor::Ready> {
            self.stream().ready(interest).await
        }

        /// Waits until writing is worth a try.
        ///
        /// # Errors
        ///
        /// When the runtime has shut down.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe: readiness stays until a `try_` call finds it stale.
        pub async fn writable(&self) -> std::io::Result<()> {
            self.stream().writable().await
        }

        /// Writes what fits the kernel's buffer, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing fits, else those of send(2).
        pub fn try_write(&self, buf: &[u8]) -> std::io::Result<usize> {
            self.stream().try_write(buf)
        }

        /// Writes what fits of several buffers in turn, without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when nothing fits, else those of sendmsg(2).
        pub fn try_write_vectored(&self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
            self.stream().try_write_vectored(bufs)
        }
    };
}

/// The methods of every half.
macro_rules! half_methods {
    () => {
        /// Returns the address of this end.
        ///
        /// # Errors
        ///
        /// Those of getsockname(2).
        pub fn local_addr(&self) -> std::io::Result<std::net::SocketAddr> {
            self.stream().local_addr()
        }

        /// Returns the address of the other end.
        ///
        /// # Errors
        ///
        /// Those of getpeername(2).
        pub fn peer_addr(&self) -> std::io::Result<std::net::SocketAddr> {
            self.stream().peer_addr()
        }

        /// Returns the whole stream, for what concerns both directions.
        pub(crate) fn stream(&self) -> &crate::TcpStream {
            self.as_ref()
        }
    };
}

pub(super) use {half_methods, read_half_methods, write_half_methods};
