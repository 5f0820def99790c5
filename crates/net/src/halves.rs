//! The halves of a stream, borrowed and owned, written once for every kind of stream.
//!
//! Every kind of half reaches its stream through `AsRef` and adds nothing to its calls; the halves
//! only keep the two directions apart. [`split_halves`] makes a module's four types, so that each
//! stream has its own under tokio's names.
//!
//! The connection closes when both owned halves are gone. Dropping the owned write half alone shuts
//! the write direction down, so that the peer of a task that has ended sees the end of the stream.

/// What dropping an owned write half does to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDrop {
    ShutDown,
    Nothing,
}

/// Makes `ReadHalf`, `WriteHalf`, `OwnedReadHalf`, `OwnedWriteHalf` and `ReuniteError` for a stream, and says
/// where there `only` are such.
macro_rules! split_halves {
    ($Stream:ident, $Addr:ty $(, $only:literal)?) => {
        use std::error::Error;
        use std::fmt;
        use std::io;
        use std::mem;
        use std::sync::Arc;

        use crate::halves::{OnDrop, half_methods, read_half_methods, write_half_methods};

        /// The reading half of a stream, borrowed from it by `split`.
        $(#[doc = $only])?
        #[derive(Debug)]
        pub struct ReadHalf<'a>(&'a $Stream);

        /// The writing half of a stream, borrowed from it by `split`.
        $(#[doc = $only])?
        ///
        /// Shutting it down tells the peer that nothing more will come; dropping it does nothing.
        #[derive(Debug)]
        pub struct WriteHalf<'a>(&'a $Stream);

        /// The reading half of a stream, made by `into_split`.
        $(#[doc = $only])?
        ///
        /// Dropping it does not tell the peer anything; the connection closes with the last half.
        #[derive(Debug)]
        pub struct OwnedReadHalf {
            stream: Arc<$Stream>,
        }

        /// The writing half of a stream, made by `into_split`.
        $(#[doc = $only])?
        ///
        /// Dropping it shuts the write direction down. [`forget`](OwnedWriteHalf::forget) drops it
        /// without.
        #[derive(Debug)]
        pub struct OwnedWriteHalf {
            stream: Arc<$Stream>,
            on_drop: OnDrop,
        }

        /// `&mut` makes sure that there is one half of each kind.
        pub(super) fn split(stream: &mut $Stream) -> (ReadHalf<'_>, WriteHalf<'_>) {
            (ReadHalf(stream), WriteHalf(stream))
        }

        pub(super) fn into_split(stream: $Stream) -> (OwnedReadHalf, OwnedWriteHalf) {
            let stream = Arc::new(stream);
            let read = OwnedReadHalf {
                stream: stream.clone(),
            };
            let write = OwnedWriteHalf {
                stream,
                on_drop: OnDrop::ShutDown,
            };
            (read, write)
        }

        fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<$Stream, ReuniteError> {
            if !Arc::ptr_eq(&read.stream, &write.stream) {
                return Err(ReuniteError(read, write));
            }
            write.forget();
            Ok(Arc::into_inner(read.stream)
                .expect("a stream is shared by exactly two halves, and the other one is gone"))
        }

        impl ReadHalf<'_> {
            read_half_methods!();
            half_methods!($Stream, $Addr);
        }

        impl WriteHalf<'_> {
            write_half_methods!();
            half_methods!($Stream, $Addr);

            pub(crate) fn shutdown(&mut self) -> io::Result<()> {
                self.evented().end_writing()
            }
        }

        impl OwnedReadHalf {
            read_half_methods!();
            half_methods!($Stream, $Addr);

            /// Puts the stream back together.
            ///
            /// # Errors
            ///
            /// When the halves come from different streams; the error holds both.
            pub fn reunite(self, other: OwnedWriteHalf) -> Result<$Stream, ReuniteError> {
                reunite(self, other)
            }
        }

        impl OwnedWriteHalf {
            write_half_methods!();
            half_methods!($Stream, $Addr);

            /// Puts the stream back together.
            ///
            /// # Errors
            ///
            /// When the halves come from different streams; the error holds both.
            pub fn reunite(self, other: OwnedReadHalf) -> Result<$Stream, ReuniteError> {
                reunite(other, self)
            }

            /// Drops this half without shutting the write direction down.
            pub fn forget(mut self) {
                self.on_drop = OnDrop::Nothing;
            }

            pub(crate) fn shutdown(&mut self) -> io::Result<()> {
                self.evented().end_writing()?;
                self.on_drop = OnDrop::Nothing;
                Ok(())
            }
        }

        impl Drop for OwnedWriteHalf {
            fn drop(&mut self) {
                if mem::replace(&mut self.on_drop, OnDrop::Nothing) == OnDrop::ShutDown {
                    // Fails when the peer is gone already, and then there is nobody to tell.
                    let _ = self.evented().end_writing();
                }
            }
        }

        impl AsRef<$Stream> for ReadHalf<'_> {
            fn as_ref(&self) -> &$Stream {
                self.0
            }
        }

        impl AsRef<$Stream> for WriteHalf<'_> {
            fn as_ref(&self) -> &$Stream {
                self.0
            }
        }

        impl AsRef<$Stream> for OwnedReadHalf {
            fn as_ref(&self) -> &$Stream {
                &self.stream
            }
        }

        impl AsRef<$Stream> for OwnedWriteHalf {
            fn as_ref(&self) -> &$Stream {
                &self.stream
            }
        }

        /// Two halves that do not come from the same stream, given back.
        $(#[doc = $only])?
        #[derive(Debug)]
        pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

        impl fmt::Display for ReuniteError {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tried to reunite halves that are not from the same socket")
            }
        }

        impl Error for ReuniteError {}
    };
}

/// The methods of a half that reads.
macro_rules! read_half_methods {
    () => {
        crate::stream::try_read_methods!();

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
    };
}

/// The methods of a half that writes.
macro_rules! write_half_methods {
    () => {
        crate::stream::try_write_methods!();

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
    };
}

/// The methods of every half.
macro_rules! half_methods {
    ($Stream:ident, $Addr:ty) => {
        /// Waits until the stream is ready for any of `interest`.
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

        /// Returns the address of this end.
        ///
        /// # Errors
        ///
        /// Those of getsockname(2).
        pub fn local_addr(&self) -> std::io::Result<$Addr> {
            self.stream().local_addr()
        }

        /// Returns the address of the other end.
        ///
        /// # Errors
        ///
        /// Those of getpeername(2).
        pub fn peer_addr(&self) -> std::io::Result<$Addr> {
            self.stream().peer_addr()
        }

        /// Returns the whole stream, for what concerns both directions.
        fn stream(&self) -> &$Stream {
            self.as_ref()
        }

        pub(crate) fn evented(&self) -> &crate::Evented<mio::net::$Stream> {
            self.stream().evented()
        }
    };
}

pub(crate) use {half_methods, read_half_methods, split_halves, write_half_methods};
