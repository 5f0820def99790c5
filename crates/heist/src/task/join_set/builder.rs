//! [`Builder`]: spawning a named task into a set.

use std::future::Future;
use std::io;

use super::JoinSet;
use crate::runtime::Handle;
use crate::task::{self, AbortHandle, LocalSet};

/// Spawns a named task into a [`JoinSet`].
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// let mut set = heist::task::JoinSet::new();
/// set.build_task().name("one of many").spawn(async { 1 })?;
/// assert_eq!(set.join_all().await, [1]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing unless it spawns"]
pub struct Builder<'a, T> {
    set: &'a mut JoinSet<T>,
    task: task::Builder<'a>,
}

impl<'a, T: 'static> Builder<'a, T> {
    pub(super) fn new(set: &'a mut JoinSet<T>) -> Self {
        let task = task::Builder::new();
        Self { set, task }
    }

    /// Sets the task's name.
    pub fn name(self, name: &'a str) -> Self {
        Self {
            task: self.task.name(name),
            ..self
        }
    }

    /// Spawns on the current runtime.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let handle = self.task.spawn(future)?;
        Ok(self.set.insert(handle))
    }

    /// Spawns on the runtime of `handle`.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let handle = self.task.spawn_on(future, handle)?;
        Ok(self.set.insert(handle))
    }

    /// Runs `f` on the blocking pool of the current runtime.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(self, f: F) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let handle = self.task.spawn_blocking(f)?;
        Ok(self.set.insert(handle))
    }

    /// Runs `f` on the blocking pool of the runtime of `handle`.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    #[track_caller]
    pub fn spawn_blocking_on<F>(self, f: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let handle = self.task.spawn_blocking_on(f, handle)?;
        Ok(self.set.insert(handle))
    }

    /// Spawns into the [`LocalSet`] that the thread is in.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the thread is in no set.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        let handle = self.task.spawn_local(future)?;
        Ok(self.set.insert(handle))
    }

    /// Spawns into `local_set`.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, local_set: &LocalSet) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        let handle = self.task.spawn_local_on(future, local_set)?;
        Ok(self.set.insert(handle))
    }
}
