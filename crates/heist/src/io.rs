//! Asynchronous input and output: tokio's traits and utilities, which need no runtime.
//!
//! These *are* tokio's items, re-exported, so that a type written for one runtime fits the other.
//! Sockets of [`heist::net`](crate::net) implement the traits. [`Interest`] and [`Ready`] are
//! Heist's own, and so are the standard streams, [`stdin`], [`stdout`], [`stderr`], and
//! [`copy_bidirectional`], which lets the kernel copy where it can.

mod bidirectional;
mod stdio;

pub use bidirectional::copy_bidirectional;
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};

/// Descriptors that something else made. Unix only.
#[cfg(unix)]
pub mod unix {
    pub use heist_net::async_fd::{
        AsyncFd, AsyncFdReadyGuard, AsyncFdReadyMutGuard, AsyncFdTryNewError, TryIoError,
    };
}

pub use std::io::{Error, ErrorKind, Result, SeekFrom};

pub use heist_net::{Interest, Ready};
pub use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWrite,
    AsyncWriteExt, ReadBuf,
};
pub use tokio::io::{
    BufReader, BufStream, BufWriter, Chain, DuplexStream, Empty, Join, Lines, ReadHalf, Repeat,
    SimplexStream, Sink, Split, Take, WriteHalf,
};
pub use tokio::io::{
    copy, copy_bidirectional_with_sizes, copy_buf, duplex, empty, join, repeat, simplex, sink,
    split,
};
