//! What the workloads ask of a runtime. A peer implements as much of it as it has.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use crate::Job;
use crate::workloads::net::Service;

/// Tasks and timers. All of it is called from inside the runtime, [`Runtime::run`] apart.
///
/// Futures are `Send` although thread-per-core peers do not ask for it: their adapters wrap what is
/// not.
pub(crate) trait Runtime: Sized + Send + Sync + 'static {
    /// Yields a task's output; panics if the task did. What becomes of the task when this is
    /// dropped is the runtime's own custom.
    type Join<T: Send + 'static>: Future<Output = T> + Send + Unpin + 'static;

    /// How many root tasks [`Runtime::run`] starts: one, or with a thread-per-core peer one per
    /// thread.
    fn roots(workers: usize) -> usize {
        let _ = workers;
        1
    }

    /// Starts the runtime, runs `root(0)`, `root(1)`, … as tasks of it, and ends it when all are
    /// done.
    fn run<F>(job: &Job, root: impl Fn(usize) -> F + Send + Sync)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Spawns a task to be joined.
    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Spawns a task that nobody waits for.
    fn detach<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Lets the others run.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// Waits.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;

    /// Waits for `future` no longer than `limit`; true if it was in time.
    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = bool> + Send
    where
        F: Future<Output = ()> + Send;
}

/// A runtime whose workers share their tasks.
pub(crate) trait Shared: Runtime {
    /// Starts it with as many workers as the job says.
    fn start(job: &Job) -> Self;

    /// Spawns from a thread that is none of the runtime's.
    fn spawn_from_outside<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Runs `work` on a thread that may block; called from inside.
    fn spawn_blocking(work: impl FnOnce() + Send + 'static) -> Self::Join<()>;
}

/// A runtime with sockets.
pub(crate) trait Net: Runtime {
    /// Accepts on the listeners, one per root, and serves until the process is ended.
    fn serve(job: &Job, listeners: Vec<TcpListener>, service: Service) -> io::Result<()>;
}

/// A runtime that is shown bad tasks.
pub(crate) trait Stalled: Shared {
    /// Accepts connections, each a task that does as [`crate::workloads::stall::connection`] says.
    fn accept(&self, listener: TcpListener);

    /// Spawns a task of this name, if the runtime knows names.
    #[track_caller]
    fn spawn_named<F>(&self, name: &str, future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Runs `work` of this name on a thread that may block.
    #[track_caller]
    fn block_named(&self, name: &str, work: impl FnOnce() + Send + 'static);

    /// Ends it after `grace` at the latest, and names what was still there, if it can.
    fn end(self, grace: Duration) -> Vec<String>;

    /// What it has said of bad tasks so far.
    fn reports() -> Vec<String>;

    /// Workers that it has started beyond those it was built with.
    fn spare_workers(&self) -> u64;
}

/// One connection. Buffers are handed over and back, as completion-based peers want it.
pub(crate) trait Stream {
    /// Reads into all of `buffer`, as far as it goes.
    fn read(&mut self, buffer: Vec<u8>) -> impl Future<Output = (io::Result<usize>, Vec<u8>)>;

    /// Writes the first `count` bytes of `buffer`.
    fn write(
        &mut self,
        buffer: Vec<u8>,
        count: usize,
    ) -> impl Future<Output = (io::Result<()>, Vec<u8>)>;
}
