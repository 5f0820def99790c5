//! [`File`]: an open file, over [`BlockingIo`].

use std::fs::{FileTimes, Metadata, Permissions};
use std::future::poll_fn;
use std::io::{self, IoSlice, Read as _, Seek as _, SeekFrom, Write as _};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use super::{OpenOptions, hop};
use crate::blocking_io::{BlockingIo, Device};
use crate::runtime::Handle;

type StdFile = std::fs::File;

/// An open file.
///
/// It reads, writes and seeks through the traits of [`heist::io`](crate::io). A read of a regular
/// file fetches ahead, up to half a megabyte; a write is accepted at once and done on another thread,
/// together with what is written meanwhile.
///
/// So a write that has returned may still fail: [`flush`](crate::io::AsyncWriteExt::flush) waits for
/// all of them and tells. What was accepted is written even if the file is dropped without a flush,
/// but nobody hears of a failure then. A shutdown of the runtime cancels what has not begun; after it writes
/// are refused ([`is_rt_shutdown_err`](crate::runtime::is_rt_shutdown_err)).
///
/// The position of a file that others share (inherited, or from [`try_clone`](File::try_clone)) is
/// the kernel's; a clone and its origin do not fetch ahead.
///
/// # Examples
///
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// use heist::fs::File;
/// use heist::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
///
/// let path = std::env::temp_dir().join(format!("heist-file-{}", std::process::id()));
/// let mut file = File::options().read(true).write(true).create(true).open(&path).await?;
/// file.write_all(b"loot").await?;
/// file.seek(SeekFrom::Start(2)).await?;
/// let mut rest = String::new();
/// file.read_to_string(&mut rest).await?;
/// assert_eq!(rest, "ot");
/// # heist::fs::remove_file(path).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct File {
    std: Arc<StdFile>,
    io: BlockingIo<Arc<StdFile>>,
}

impl Device for Arc<StdFile> {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        (&**self).read(buf)
    }

    fn write_all(&self, buf: &[u8]) -> io::Result<()> {
        (&**self).write_all(buf)
    }

    fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        (&**self).seek(to)
    }

    fn may_read_ahead(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.is_file())
    }

    fn home() -> Option<Handle> {
        Handle::try_current().ok()
    }

    fn run(job: impl FnOnce() + Send + 'static) {
        drop(crate::task::spawn_blocking(job));
    }
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a file opened too late is closed.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::options().read(true).open(path).await
    }

    /// Opens a file for writing, emptied or made.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A file opened too late is closed, but has been emptied or made.
    pub async fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = Self::options();
        options.write(true).create(true).truncate(true);
        options.open(path).await
    }

    /// Makes a file for reading and writing, which must not exist.
    ///
    /// # Errors
    ///
    /// Those of open(2), `AlreadyExists` among them.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A file opened too late is closed, but has been made.
    pub async fn create_new(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = Self::options();
        options.read(true).write(true).create_new(true);
        options.open(path).await
    }

    /// Returns options to open a file with.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes a file of the standard library over.
    pub fn from_std(std: StdFile) -> Self {
        let std = Arc::new(std);
        Self {
            io: BlockingIo::new(Arc::clone(&std)),
            std,
        }
    }

    /// Returns the standard library's file, at this file's position, once all is written.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped drops the file.
    pub async fn into_std(self) -> StdFile {
        let mut this = self;
        loop {
            // A failure has nobody left to hear of it.
            let _ = poll_fn(|cx| this.io.poll_flush(cx)).await;
            let left = this.io.forget_ahead();
            // It fails for what has no position, which was not read ahead either.
            let _ = this.give_back(left).await;
            match this.try_into_std() {
                Ok(std) => return std,
                // A call whose future was dropped is still under way, and tells nobody of its end.
                Err(file) => this = file,
            }
            crate::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns the standard library's file if nothing is under way; what was read ahead has to be
    /// taken back first, by a seek or with [`into_std`](Self::into_std).
    ///
    /// # Errors
    ///
    /// Gives the file back if something is under way.
    pub fn try_into_std(self) -> Result<StdFile, Self> {
        if !self.io.retire() {
            return Err(self);
        }
        Arc::try_unwrap(self.std).map_err(|std| Self {
            io: BlockingIo::new(Arc::clone(&std)),
            std,
        })
    }

    /// Makes a second handle to the same open file: with the same position, kept by the kernel.
    ///
    /// # Errors
    ///
    /// Those of dup(2), or of a write before.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn try_clone(&self) -> io::Result<Self> {
        poll_fn(|cx| self.io.poll_flush(cx)).await?;
        self.io.share_position();
        let left = self.io.forget_ahead();
        self.give_back(left).await?;
        let std = Arc::clone(&self.std);
        let mut clone = Self::from_std(hop(move || std.try_clone()).await?);
        clone.io.share_position();
        clone.set_max_buf_size(self.max_buf_size());
        Ok(clone)
    }

    /// Moves the kernel's position back by what was read ahead.
    async fn give_back(&self, left: usize) -> io::Result<()> {
        if left == 0 {
            return Ok(());
        }
        let back = i64::try_from(left).expect("less than a buffer's length");
        let std = Arc::clone(&self.std);
        hop(move || Device::seek(&std, SeekFrom::Current(-back)).map(drop)).await
    }

    /// Waits for what was written, then runs `f` on the file.
    async fn settled<T: Send + 'static>(
        &self,
        f: impl FnOnce(&StdFile) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        poll_fn(|cx| self.io.poll_flush(cx)).await?;
        let std = Arc::clone(&self.std);
        hop(move || f(&std)).await
    }

    /// Waits until the content and what the system knows about it are on the disk.
    ///
    /// # Errors
    ///
    /// Those of fsync(2), or those of a write before.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn sync_all(&self) -> io::Result<()> {
        self.settled(StdFile::sync_all).await
    }

    /// Waits until the content is on the disk.
    ///
    /// # Errors
    ///
    /// Those of fdatasync(2), or those of a write before.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn sync_data(&self) -> io::Result<()> {
        self.settled(StdFile::sync_data).await
    }

    /// Cuts the file, or fills it up with zeros, to `size` bytes.
    ///
    /// # Errors
    ///
    /// Those of ftruncate(2), or those of a write before.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn set_len(&self, size: u64) -> io::Result<()> {
        self.settled(move |std| std.set_len(size)).await
    }

    /// Returns what the system knows about the file.
    ///
    /// # Errors
    ///
    /// Those of fstat(2), or those of a write before.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.settled(StdFile::metadata).await
    }

    /// Sets the permissions.
    ///
    /// # Errors
    ///
    /// Those of fchmod(2), or those of a write before.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.settled(move |std| std.set_permissions(permissions))
            .await
    }

    /// Sets the times of access and change.
    ///
    /// # Errors
    ///
    /// Those of futimens(2), or those of a write before.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn set_times(&self, times: FileTimes) -> io::Result<()> {
        self.settled(move |std| std.set_times(times)).await
    }

    /// Sets the time of change.
    ///
    /// # Errors
    ///
    /// Those of futimens(2), or those of a write before.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.settled(move |std| std.set_modified(time)).await
    }

    /// Sets how many bytes one call reads, and how many written ones may gather, at most; 2 MiB by
    /// default.
    ///
    /// # Panics
    ///
    /// When it is 0.
    #[track_caller]
    pub fn set_max_buf_size(&mut self, max_buf_size: usize) {
        assert!(
            max_buf_size > 0,
            "a file whose buffer has no room could move nothing: give it at least one byte"
        );
        self.io.set_max(max_buf_size);
    }

    /// Returns how many bytes one call reads, and how many written ones may gather, at most.
    pub fn max_buf_size(&self) -> usize {
        self.io.max()
    }
}

impl AsyncRead for File {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.poll_read(cx, buf)
    }
}

impl AsyncWrite for File {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.io.start_seek(position)
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.io.poll_seek(cx)
    }
}

impl From<StdFile> for File {
    fn from(std: StdFile) -> Self {
        Self::from_std(std)
    }
}

#[cfg(unix)]
impl From<OwnedFd> for File {
    fn from(fd: OwnedFd) -> Self {
        Self::from_std(fd.into())
    }
}

#[cfg(unix)]
impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.std.as_fd()
    }
}

#[cfg(unix)]
impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.std.as_raw_fd()
    }
}
