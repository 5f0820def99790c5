//! [`hyper::rt::Read`] and [`hyper::rt::Write`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::{TcpStream, tcp};
#[cfg(unix)]
use crate::{
    UnixStream,
    unix::{self, pipe},
};

macro_rules! reads {
    ($($reader:ty),+) => {$(
        #[cfg(feature = "hyper")]
        impl Read for $reader {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: ReadBufCursor<'_>,
            ) -> Poll<io::Result<()>> {
                self.evented().poll_read_cursor(cx, buf)
            }
        }
    )+};
}

macro_rules! writes {
    ($($writer:ty),+) => {$(
        #[cfg(feature = "hyper")]
        impl Write for $writer {
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
