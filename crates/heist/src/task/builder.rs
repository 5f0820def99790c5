//! [`Builder`]: spawning with a name.

use std::future::Future;
use std::io;

use super::JoinHandle;
use crate::runtime::Handle;
use crate::runtime::local_set::{LocalSet, spawn_local_named};

/// Spawns a task with a name, which dumps and reports show.
///
/// # Examples
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// let task = heist::task::Builder::new().name("acceptor").spawn(async {})?;
/// assert_eq!(task.name(), Some("acceptor"));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// A builder for a task without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the task's name.
    pub fn name(self, name: &'a str) -> Self {
        Self { name: Some(name) }
    }

    /// Spawns on the current runtime; see [`spawn`](crate::spawn).
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(Handle::spawned(heist_scheduler::spawn(future, self.name)))
    }

    /// Spawns on the runtime of `handle`.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(handle.scheduler.spawn(future, self.name))
    }

    /// Runs `f` on the blocking pool of the current runtime; see [`spawn_blocking`](super::spawn_blocking).
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, f: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Ok(Handle::current().spawn_blocking_named(f, self.name))
    }

    /// Runs `f` on the blocking pool of the runtime of `handle`.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(self, f: F, handle: &Handle) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Ok(handle.spawn_blocking_named(f, self.name))
    }

    /// Spawns into the [`LocalSet`] that the thread is in; see [`spawn_local`](super::spawn_local).
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    ///
    /// # Panics
    /// If the thread is in no set.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Ok(spawn_local_named(future, self.name))
    }

    /// Spawns into `local_set`.
    ///
    /// # Errors
    /// Never today; tokio's signature is kept.
    #[track_caller]
    pub fn spawn_local_on<F>(
        self,
        future: F,
        local_set: &LocalSet,
    ) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Ok(local_set.spawn_named(future, self.name))
    }
}
