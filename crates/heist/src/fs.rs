//! Files: [`File`], and the functions of [`std::fs`] for asynchronous code.
//!
//! No system tells when a file is ready, so every call blocks a thread of the blocking pool
//! ([`Builder::max_blocking_threads`](crate::runtime::Builder::max_blocking_threads)) for its
//! duration. A [`File`] batches: reads fetch ahead, writes gather, so that small ones do not cost a
//! hop each. The functions here cost one hop each, however much they do; prefer [`read`] and
//! [`write()`] where the whole content is wanted.
//!
//! A call that has begun cannot be taken back: a future dropped at its await leaves it to finish.
//!
//! ```
//! # #[heist::main] async fn main() -> std::io::Result<()> {
//! use heist::fs;
//!
//! let path = std::env::temp_dir().join(format!("heist-doc-{}", std::process::id()));
//! fs::write(&path, b"loot").await?;
//! assert_eq!(fs::read_to_string(&path).await?, "loot");
//! fs::remove_file(&path).await?;
//! # Ok(()) }
//! ```

mod dir;
mod file;
mod functions;
mod open_options;

pub use dir::{DirBuilder, DirEntry, ReadDir, read_dir};
pub use file::File;
#[cfg(unix)]
pub use functions::symlink;
pub use functions::{
    canonicalize, copy, create_dir, create_dir_all, hard_link, metadata, read, read_link,
    read_to_string, remove_dir, remove_dir_all, remove_file, rename, set_permissions,
    symlink_metadata, try_exists, write,
};
pub use open_options::OpenOptions;

pub use std::fs::FileTimes;

use std::io;

use crate::blocking_io::gone;
use crate::runtime::Handle;

/// Runs `f` on the blocking pool of the current runtime.
async fn hop<T: Send + 'static>(
    f: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let home = Handle::current();
    match home.spawn_blocking(f).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(gone(Some(&home))),
        },
    }
}
