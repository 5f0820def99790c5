//! The readiness side of every socket: wait until it is worth trying, then try without waiting.
//!
//! Readiness is a hint. `readable` may return although another task has taken everything since; the
//! `try_` call then says `WouldBlock`, and clears the hint, so that the next wait does wait.
//!
//! Each socket type has these methods under its own name, as tokio's have; they are written once,
//! here, over the `evented` of the type.

/// `ready`, `readable`, `writable`, `try_io`, `async_io`.
macro_rules! readiness_methods {
    () => {
        /// Waits until the socket is ready for any of `interest` and returns what it is ready for.
        ///
        /// Any number of tasks may wait at once. The answer is a hint: another task may be faster,
        /// and then the `try_` call says `WouldBlock`.
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
        /// ```
        /// # mod heist { pub use heist_net as net; pub use heist_net as io; }
        /// # async fn wait(stream: heist::net::TcpStream) -> std::io::Result<()> {
        /// use heist::io::Interest;
        ///
        /// let ready = stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
        /// if ready.is_readable() {
        ///     println!("there is something to read, or the end");
        /// }
        /// # Ok(())
        /// # }
        /// ```
        pub async fn ready(
            &self,
            interest: heist_reactor::Interest,
        ) -> std::io::Result<heist_reactor::Ready> {
            let event = self.evented().registration().readiness(interest).await?;
            Ok(event.ready())
        }

        /// Waits until reading is worth a try: data, the end, or an error is there.
        ///
        /// # Errors
        ///
        /// When the runtime has shut down.
        ///
        /// # Cancel safety
        ///
        /// Cancel safe, as [`ready`](Self::ready).
        pub async fn readable(&self) -> std::io::Result<()> {
            self.ready(heist_reactor::Interest::READABLE)
                .await
                .map(drop)
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
        pub async fn writable(&self) -> std::io::Result<()> {
            self.ready(heist_reactor::Interest::WRITABLE)
                .await
                .map(drop)
        }

        /// Runs `f`, a non-blocking operation on the socket, if it is ready for `interest`.
        ///
        /// `f` must return `WouldBlock` only when the socket did: that clears the readiness.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when the socket is not ready (`f` is not called then), else the error of
        /// `f`.
        pub fn try_io<R>(
            &self,
            interest: heist_reactor::Interest,
            f: impl FnOnce() -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            let io = self.evented();
            io.registration()
                .try_io(interest, || crate::system::attempt(io, f))
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
            interest: heist_reactor::Interest,
            mut f: impl FnMut() -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            let io = self.evented();
            io.registration()
                .async_io(interest, || crate::system::attempt(io, &mut f))
                .await
        }
    };
}

/// Polling for readiness, under the names that the type has it by.
macro_rules! poll_readiness_methods {
    ($read:ident, $write:ident) => {
        poll_readiness_methods!(@read $read);
        poll_readiness_methods!(@write $write);
    };
    (@read $read:ident) => {
        /// Polls for readiness to read.
        ///
        /// Shares its one waker with the other reading `poll_` calls and the I/O traits: of several
        /// tasks that poll, only the last one is woken. The `async` methods serve any number.
        ///
        /// # Errors
        ///
        /// When the runtime has shut down.
        pub fn $read(
            &self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            self.evented()
                .registration()
                .poll_ready(cx, heist_reactor::Direction::Read)
                .map_ok(drop)
        }
    };
    (@write $write:ident) => {
        /// Polls for readiness to write.
        ///
        /// Shares its one waker with the other writing `poll_` calls and the I/O traits: of several
        /// tasks that poll, only the last one is woken. The `async` methods serve any number.
        ///
        /// # Errors
        ///
        /// When the runtime has shut down.
        pub fn $write(
            &self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            self.evented()
                .registration()
                .poll_ready(cx, heist_reactor::Direction::Write)
                .map_ok(drop)
        }
    };
}

pub(crate) use {poll_readiness_methods, readiness_methods};
