//! The parent's ends of a child's standard streams: pipes of the reactor.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

use heist_net::unix::pipe::{Receiver, Sender};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What all three have: conversions, and the descriptor.
macro_rules! common {
    ($Stream:ident, $End:ident) => {
        impl $Stream {
            /// Takes over the stream of a child that the standard library has started.
            ///
            /// # Errors
            ///
            /// When the system refuses to change its mode or to register it.
            ///
            /// # Panics
            ///
            /// When the calling thread is not inside a runtime.
            #[track_caller]
            pub fn from_std(inner: std::process::$Stream) -> io::Result<Self> {
                let pipe = $End::from_owned_fd_unchecked(inner.into())?;
                Ok(Self { pipe })
            }

            /// Returns the descriptor, set to blocking mode.
            ///
            /// # Errors
            ///
            /// When the system refuses; the descriptor is then closed.
            pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
                self.pipe.into_blocking_fd()
            }
        }

        /// For another child to inherit, in blocking mode.
        impl TryFrom<$Stream> for Stdio {
            type Error = io::Error;

            fn try_from(stream: $Stream) -> io::Result<Self> {
                stream.into_owned_fd().map(Stdio::from)
            }
        }

        impl AsFd for $Stream {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.pipe.as_fd()
            }
        }

        impl AsRawFd for $Stream {
            fn as_raw_fd(&self) -> RawFd {
                self.pipe.as_raw_fd()
            }
        }
    };
}

/// Writes to a child's standard input. Dropping it lets the child see the end. Unix only.
#[derive(Debug)]
pub struct ChildStdin {
    pipe: Sender,
}

common!(ChildStdin, Sender);

/// Reads a child's standard output. Unix only.
#[derive(Debug)]
pub struct ChildStdout {
    pipe: Receiver,
}

common!(ChildStdout, Receiver);

/// Reads a child's standard error. Unix only.
#[derive(Debug)]
pub struct ChildStderr {
    pipe: Receiver,
}

common!(ChildStderr, Receiver);

macro_rules! reads {
    ($Stream:ident) => {
        impl AsyncRead for $Stream {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.pipe).poll_read(cx, buf)
            }
        }
    };
}

reads!(ChildStdout);
reads!(ChildStderr);

impl AsyncWrite for ChildStdin {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    /// Does nothing: a pipe ends when it is dropped.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
