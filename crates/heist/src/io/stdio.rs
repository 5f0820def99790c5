//! The process's standard streams, whose calls block; see [`BlockingIo`].

use std::io::{self, IoSlice, Read as _, SeekFrom, Write as _};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::thread;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::blocking_io::{BlockingIo, Device};
use crate::runtime::Handle;

/// Returns a handle to the process's standard input.
///
/// All handles share what has been read but not taken, so that dropping one loses nothing; the
/// standard library's handle does not see it. A read waits on a thread of its own, which does not
/// hold a runtime's shutdown up.
///
/// # Examples
///
/// ```no_run
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// use heist::io::{AsyncBufReadExt, BufReader, stdin};
///
/// let mut lines = BufReader::new(stdin()).lines();
/// while let Some(line) = lines.next_line().await? {
///     println!("{line}");
/// }
/// # Ok(()) }
/// ```
pub fn stdin() -> Stdin {
    static STDIN: LazyLock<BlockingIo<Input>> = LazyLock::new(|| BlockingIo::new(Input));
    Stdin(STDIN.clone())
}

/// Returns a handle to the process's standard output.
///
/// What is written is accepted at once and written by another thread. [Flush](crate::io::AsyncWriteExt::flush)
/// before the program ends, or the last of it may be missing. Once the runtime has shut down writes are
/// refused ([`is_rt_shutdown_err`](crate::runtime::is_rt_shutdown_err)).
///
/// # Examples
///
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// use heist::io::{AsyncWriteExt, stdout};
///
/// let mut out = stdout();
/// out.write_all(b"loot\n").await?;
/// out.flush().await?;
/// # Ok(()) }
/// ```
pub fn stdout() -> Stdout {
    static STDOUT: LazyLock<BlockingIo<Output>> = LazyLock::new(|| BlockingIo::new(Output));
    Stdout(STDOUT.clone())
}

/// Returns a handle to the process's standard error; as [`stdout`].
pub fn stderr() -> Stderr {
    static STDERR: LazyLock<BlockingIo<Errors>> = LazyLock::new(|| BlockingIo::new(Errors));
    Stderr(STDERR.clone())
}

/// A handle to the process's standard input; see [`stdin`].
#[derive(Debug)]
pub struct Stdin(BlockingIo<Input>);

/// A handle to the process's standard output; see [`stdout`].
#[derive(Debug)]
pub struct Stdout(BlockingIo<Output>);

/// A handle to the process's standard error; see [`stderr`].
#[derive(Debug)]
pub struct Stderr(BlockingIo<Errors>);

impl AsyncRead for Stdin {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_read(cx, buf)
    }
}

macro_rules! writes {
    ($Stream:ident) => {
        impl AsyncWrite for $Stream {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write_vectored(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }
        }
    };
}

writes!(Stdout);
writes!(Stderr);

macro_rules! descriptor {
    ($Stream:ident, $stream:path) => {
        #[cfg(unix)]
        impl AsFd for $Stream {
            fn as_fd(&self) -> BorrowedFd<'_> {
                // The standard library's handle vouches for the number.
                static STREAM: LazyLock<io::$Stream> = LazyLock::new($stream);
                STREAM.as_fd()
            }
        }

        #[cfg(unix)]
        impl AsRawFd for $Stream {
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }
    };
}

descriptor!(Stdin, io::stdin);
descriptor!(Stdout, io::stdout);
descriptor!(Stderr, io::stderr);

/// Standard input as a device.
#[derive(Clone, Debug)]
struct Input;

impl Device for Input {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        io::stdin().read(buf)
    }

    fn write_all(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn seek(&self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// It is this process's own, and all handles share what was read.
    fn may_read_ahead(&self) -> bool {
        true
    }

    fn home() -> Option<Handle> {
        None
    }

    /// A read may never end, so it takes no thread of a pool that is waited for.
    fn run(job: impl FnOnce() + Send + 'static) {
        // Without a thread the job is dropped, and reports that.
        drop(thread::Builder::new().name("heist-stdin".into()).spawn(job));
    }
}

macro_rules! output {
    ($(#[$doc:meta])* $Device:ident, $stream:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        struct $Device;

        impl Device for $Device {
            fn read(&self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::Unsupported.into())
            }

            fn write_all(&self, buf: &[u8]) -> io::Result<()> {
                let mut stream = $stream().lock();
                stream.write_all(buf)?;
                stream.flush()
            }

            fn seek(&self, _: SeekFrom) -> io::Result<u64> {
                Err(io::ErrorKind::Unsupported.into())
            }

            fn may_read_ahead(&self) -> bool {
                false
            }

            fn home() -> Option<Handle> {
                Handle::try_current().ok()
            }

            fn run(job: impl FnOnce() + Send + 'static) {
                drop(crate::task::spawn_blocking(job));
            }
        }
    };
}

output!(
    /// Standard output as a device.
    Output,
    io::stdout
);
output!(
    /// Standard error as a device.
    Errors,
    io::stderr
);
