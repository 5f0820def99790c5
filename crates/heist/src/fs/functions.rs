//! The functions of [`std::fs`], each as one hop to the blocking pool.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use super::hop;

/// Returns the absolute path, without links, `.` and `..`, of what `path` names.
///
/// # Errors
///
/// Those of realpath(3), `NotFound` among them.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::canonicalize(path)).await
}

/// Copies the content and the permissions of a file and returns its length. The kernel copies, so memory
/// is not the limit.
///
/// # Errors
///
/// Those of open(2), read(2) and write(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let from = from.as_ref().to_path_buf();
    let to = to.as_ref().to_path_buf();
    hop(move || fs::copy(from, to)).await
}

/// Creates a directory.
///
/// # Errors
///
/// Those of mkdir(2): `AlreadyExists`, or `NotFound` without the parent.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::create_dir(path)).await
}

/// Creates a directory and all that are missing above it.
///
/// # Errors
///
/// Those of mkdir(2); one that exists is none.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::create_dir_all(path)).await
}

/// Gives a file a second name.
///
/// # Errors
///
/// Those of link(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let original = original.as_ref().to_path_buf();
    let link = link.as_ref().to_path_buf();
    hop(move || fs::hard_link(original, link)).await
}

/// Returns what the system knows about what `path` names, links followed.
///
/// # Errors
///
/// Those of stat(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::metadata(path)).await
}

/// Reads a whole file.
///
/// # Errors
///
/// Those of open(2) and read(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::read(path)).await
}

/// Returns where a symbolic link points.
///
/// # Errors
///
/// Those of readlink(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn read_link(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::read_link(path)).await
}

/// Reads a whole file of text.
///
/// # Errors
///
/// Those of open(2) and read(2); `InvalidData` when it is not UTF-8.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::read_to_string(path)).await
}

/// Removes an empty directory.
///
/// # Errors
///
/// Those of rmdir(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::remove_dir(path)).await
}

/// Removes a directory and all in it. Links are removed, not followed.
///
/// # Errors
///
/// Those of rmdir(2) and unlink(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::remove_dir_all(path)).await
}

/// Removes a file.
///
/// # Errors
///
/// Those of unlink(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::remove_file(path)).await
}

/// Renames a file or directory, replacing a file of the new name.
///
/// # Errors
///
/// Those of rename(2), as for another file system.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let from = from.as_ref().to_path_buf();
    let to = to.as_ref().to_path_buf();
    hop(move || fs::rename(from, to)).await
}

/// Sets the permissions of what `path` names.
///
/// # Errors
///
/// Those of chmod(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::set_permissions(path, permissions)).await
}

/// Makes a symbolic link. Unix only.
///
/// # Errors
///
/// Those of symlink(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
#[cfg(unix)]
pub async fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let original = original.as_ref().to_path_buf();
    let link = link.as_ref().to_path_buf();
    hop(move || std::os::unix::fs::symlink(original, link)).await
}

/// Returns what the system knows about what `path` names, a link itself.
///
/// # Errors
///
/// Those of lstat(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::symlink_metadata(path)).await
}

/// Tells whether `path` names something, links followed.
///
/// # Errors
///
/// Those of stat(2), but for that it is not there.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn try_exists(path: impl AsRef<Path>) -> io::Result<bool> {
    let path = path.as_ref().to_path_buf();
    hop(move || fs::exists(path)).await
}

/// Writes a whole file, replacing one that exists.
///
/// # Errors
///
/// Those of open(2) and write(2).
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A call that has begun goes on when the future is dropped; its result is lost.
pub async fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let path = path.as_ref().to_path_buf();
    let contents = contents.as_ref().to_vec();
    hop(move || fs::write(path, contents)).await
}
