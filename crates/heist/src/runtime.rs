//! Building, entering and shutting down a runtime.
//!
//! A [`Runtime`] owns one scheduler, one reactor and the worker threads. `#[heist::main]` makes one
//! with the defaults; [`Builder`] makes any other, also one without threads
//! ([`Builder::new_current_thread`]). Several runtimes may live side by side.
//!
//! # Fairness
//! In its worker's queue a task with `n` others before it is polled after at most `4 n + 3` other
//! polls: each poll from the queue may be followed by three of tasks that were woken just then. A turn
//! is as many polls as tasks were queued when it began, at least 64, at most 1 ms of them; after each
//! the worker looks for I/O and timers and fetches its share of the tasks that came from other
//! threads. One poll of a task does at most [`Builder::budget_per_poll`] operations. These are bounds
//! in polls: a poll that does not return is another matter.
//!
//! # Waiting
//! A worker that has run out of tasks blocks, and an idle runtime makes no system call at all. Where
//! waits have been short, as between the requests of a client that waits for each answer, it looks for
//! events for some microseconds before that, a few times what blocking costs it at most:
//! [`Builder::max_busy_wait`].
//!
//! # Tasks that block or spin
//! A watchdog sees a worker stay in one poll. Within a few milliseconds a sleeping worker takes over
//! its queue, I/O and timers; if all workers are stuck a spare one does ([`Builder::max_spare_workers`]).
//! A poll of 100 ms is reported ([`Builder::on_slow_poll`]): task, spawn site, blocked or spinning.
//!
//! # Shutdown
//! Dropping a runtime, [`Runtime::shutdown_timeout`] and [`Runtime::shutdown_background`] do the
//! same in order: new tasks are refused (their handles report a cancellation); every worker, at its
//! next step, cancels the tasks of its share, an idle one at once, a running one at the end of its
//! poll; blocking jobs that have not begun are cancelled; when the last worker has stopped, sockets
//! and timers that someone outside still waits on report an error. They differ in how long they
//! wait for that: without limit, for the given time, not at all. On a thread that belongs to a
//! runtime (a worker, a blocking thread) a drop never waits, since it might wait for itself.

mod builder;
mod clock;
mod driver;
mod handle;
mod local_home;
mod local_runtime;
pub(crate) mod local_set;
mod metrics;
mod owner;
mod probe;
mod shut_down;
mod slow_poll;
mod threads;

#[doc(inline)]
pub use heist_scheduler::{SlowPoll, Stall};

pub use shut_down::is_rt_shutdown_err;
pub(crate) use shut_down::shut_down;

pub use builder::{Builder, UnhandledPanic};
pub use handle::{EnterGuard, Handle, Id, RuntimeFlavor, TryCurrentError, worker_index};
pub use local_runtime::{LocalOptions, LocalRuntime};
pub use metrics::RuntimeMetrics;
pub use owner::{Runtime, ShutdownReport};
