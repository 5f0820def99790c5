//! [`tokio::io::AsyncRead`] and [`tokio::io::AsyncWrite`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{TcpStream, tcp};
#[cfg(unix)]
use crate::{
    UnixStream,
    unix::{self, pipe},
};

macro_rules! reads {
    ($($reader:ty),+) => {$(
        impl AsyncRead for $reader {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.evented().poll_read_buf(cx, buf)
            }
        }
    )+};
}

macro_rules! writes {
    ($($writer:ty),+) => {$(
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

            fn is_write_vectored(&self) -> bool {
                #[cfg(target_os = "linux")]
                crate::splice::answer(self.evented().source());
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
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
