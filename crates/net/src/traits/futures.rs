//! [`futures_io::AsyncRead`] and [`futures_io::AsyncWrite`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use tokio::io::ReadBuf;

use crate::{TcpStream, tcp};
#[cfg(unix)]
use crate::{
    UnixStream,
    unix::{self, pipe},
};

macro_rules! reads {
    ($($reader:ty),+) => {$(
        #[cfg(feature = "futures-io")]
        impl AsyncRead for $reader {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                let mut buf = ReadBuf::new(buf);
                ready!(self.evented().poll_read_buf(cx, &mut buf))?;
                Poll::Ready(Ok(buf.filled().len()))
            }
        }
    )+};
}

macro_rules! writes {
    ($($writer:ty),+) => {$(
        #[cfg(feature = "futures-io")]
        impl AsyncWrite for $writer {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.evented().poll_write_slice(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.evented().poll_write_slices(cx, bufs)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Shuts the write direction down; the descriptor closes when the value is dropped.
            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.get_mut().shutdown())
            }
        }
    )+};
}

reads!(TcpStream, tcp::ReadHalf<'_>, tcp::OwnedReadHalf);
#[cfg(unix)]
reads!(UnixStream, unix::ReadHalf<'_>, unix::OwnedReadHalf);
#[cfg(unix)]
reads!(pipe::Receiver);
writes!(TcpStream, tcp::WriteHalf<'_>, tcp::OwnedWriteHalf);
#[cfg(unix)]
writes!(UnixStream, unix::WriteHalf<'_>, unix::OwnedWriteHalf);
#[cfg(unix)]
writes!(pipe::Sender);
