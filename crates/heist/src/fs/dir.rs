//! Directories: [`DirBuilder`] makes them, [`ReadDir`] lists them, many entries per hop.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, FileType, Metadata};
use std::future::poll_fn;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, DirEntryExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::hop;

/// How many entries one hop fetches, at most.
const BATCH: usize = 64;

/// Makes directories, in the way that was set.
#[derive(Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
    #[cfg(unix)]
    mode: Option<u32>,
}

impl DirBuilder {
    /// A builder that makes one directory, with the usual permissions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether missing parents are made too; a directory that exists is no error then.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// Sets the permission bits, of which the process's umask is taken away. Unix only.
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = Some(mode);
        self
    }

    /// Makes the directory.
    ///
    /// # Errors
    ///
    /// Those of mkdir(2).
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A call that has begun goes on when the future is dropped.
    pub async fn create(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref().to_path_buf();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(self.recursive);
        #[cfg(unix)]
        if let Some(mode) = self.mode {
            builder.mode(mode);
        }
        hop(move || builder.create(path)).await
    }
}

/// Lists a directory.
///
/// # Errors
///
/// Those of opendir(3).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// Cancel safe: the listing that was begun is dropped.
///
/// # Examples
///
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// let mut entries = heist::fs::read_dir("/").await?;
/// while let Some(entry) = entries.next_entry().await? {
///     println!("{}", entry.path().display());
/// }
/// # Ok(()) }
/// ```
pub async fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let path = path.as_ref().to_path_buf();
    let listing = hop(move || {
        let mut listing = Listing {
            std: fs::read_dir(path)?,
            ready: VecDeque::new(),
            ended: false,
        };
        listing.fetch();
        Ok(listing)
    })
    .await?;
    Ok(ReadDir(State::Here(listing)))
}

/// The entries of a directory, from [`read_dir`], in no order.
#[derive(Debug)]
#[must_use = "a listing does nothing unless it is asked for entries"]
pub struct ReadDir(State);

enum State {
    Here(Listing),
    /// On the blocking pool, fetching more.
    Away(Pin<Box<dyn Future<Output = io::Result<Listing>> + Send + Sync>>),
    /// Its hop has failed.
    Lost,
}

struct Listing {
    std: fs::ReadDir,
    ready: VecDeque<io::Result<DirEntry>>,
    ended: bool,
}

impl Listing {
    fn fetch(&mut self) {
        for entry in self.std.by_ref().take(BATCH) {
            let entry = entry.map(DirEntry::new);
            let failed = entry.is_err();
            self.ready.push_back(entry);
            if failed {
                return;
            }
        }
        self.ended = self.ready.len() < BATCH;
    }
}

impl ReadDir {
    /// Returns the next entry, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of readdir(3).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an entry fetched while nobody asked is returned by the next call.
    pub async fn next_entry(&mut self) -> io::Result<Option<DirEntry>> {
        poll_fn(|cx| self.poll_next_entry(cx)).await
    }

    /// Polls for the next entry; as [`next_entry`](Self::next_entry).
    ///
    /// # Errors
    ///
    /// As [`next_entry`](Self::next_entry).
    pub fn poll_next_entry(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        loop {
            match &mut self.0 {
                State::Away(fetch) => {
                    let fetched = ready!(fetch.as_mut().poll(cx));
                    self.0 = State::Lost;
                    self.0 = State::Here(fetched?);
                }
                State::Here(listing) => {
                    if let Some(entry) = listing.ready.pop_front() {
                        return Poll::Ready(entry.map(Some));
                    }
                    if listing.ended {
                        return Poll::Ready(Ok(None));
                    }
                    let State::Here(mut listing) = std::mem::replace(&mut self.0, State::Lost)
                    else {
                        continue;
                    };
                    self.0 = State::Away(Box::pin(hop(move || {
                        listing.fetch();
                        Ok(listing)
                    })));
                }
                State::Lost => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Here(_) => "Here",
            State::Away(_) => "Away",
            State::Lost => "Lost",
        })
    }
}

/// One entry of a directory.
#[derive(Debug)]
pub struct DirEntry {
    std: Arc<fs::DirEntry>,
    /// Known from the listing on most file systems.
    file_type: io::Result<FileType>,
}

impl DirEntry {
    fn new(std: fs::DirEntry) -> Self {
        Self {
            file_type: std.file_type(),
            std: Arc::new(std),
        }
    }

    /// Returns the path: the directory's, as it was given, and the name.
    pub fn path(&self) -> PathBuf {
        self.std.path()
    }

    /// Returns the name.
    pub fn file_name(&self) -> OsString {
        self.std.file_name()
    }

    /// Returns the inode number. Unix only.
    #[cfg(unix)]
    pub fn ino(&self) -> u64 {
        self.std.ino()
    }

    /// Returns what the system knows about the entry, a link itself.
    ///
    /// # Errors
    ///
    /// Those of lstat(2).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        let std = Arc::clone(&self.std);
        hop(move || std.metadata()).await
    }

    /// Returns what kind of entry it is. Never waits: the listing has told.
    ///
    /// # Errors
    ///
    /// Those of lstat(2), where the file system's listings do not tell.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn file_type(&self) -> io::Result<FileType> {
        match &self.file_type {
            Ok(file_type) => Ok(*file_type),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}
