//! The threads of a runtime: names, stack size, hooks, and the flag that says "this is one".

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::thread;

use heist_scheduler::{ThreadHook, Watchdog};

use super::{Handle, probe};

/// How threads are made. Shared by the workers and the blocking pool.
#[derive(Clone)]
pub(super) struct Threads {
    pub(super) name: Arc<dyn Fn() -> String + Send + Sync>,
    pub(super) stack_size: Option<usize>,
    pub(super) on_start: Option<ThreadHook>,
    pub(super) on_stop: Option<ThreadHook>,
}

thread_local! {
    static OWNED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread belongs to a runtime.
pub(super) fn is_runtime_thread() -> bool {
    OWNED.try_with(Cell::get).unwrap_or(true)
}

impl Threads {
    /// Starts a thread that runs `body` between the hooks.
    ///
    /// # Errors
    /// When the operating system refuses the thread.
    pub(super) fn start(
        &self,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<thread::JoinHandle<()>> {
        let mut builder = thread::Builder::new().name((self.name)());
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        let (on_start, on_stop) = (self.on_start.clone(), self.on_stop.clone());
        builder.spawn(move || {
            OWNED.with(|owned| owned.set(true));
            if let Some(hook) = on_start {
                hook();
            }
            body();
            if let Some(hook) = on_stop {
                hook();
            }
        })
    }
}

/// Starts the watchdog's thread. It polls no task, so the hooks pass it by.
///
/// # Errors
/// When the operating system refuses the thread.
pub(super) fn start_watchdog(
    watchdog: Watchdog,
    handle: Handle,
) -> io::Result<thread::JoinHandle<()>> {
    let builder = thread::Builder::new().name("heist-watchdog".to_owned());
    builder.spawn(move || {
        OWNED.with(|owned| owned.set(true));
        let _entered = handle.enter(); // At a shutdown it may drop futures.
        watchdog.run(probe::set_leeway);
    })
}
