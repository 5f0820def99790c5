//! Building, entering and shutting down a runtime.
//!
//! A [`Runtime`] owns one scheduler, one reactor and the worker threads. `#[heist::main]` makes one
//! with the defaults; [`Builder`] makes any other. Several runtimes may live side by side.
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
mod driver;
mod handle;
mod metrics;
mod owner;
mod probe;
mod slow_poll;
mod threads;

pub use heist_scheduler::{SlowPoll, Stall};

pub use builder::Builder;
pub use handle::{EnterGuard, Handle, TryCurrentError};
pub use metrics::RuntimeMetrics;
pub use owner::{Runtime, ShutdownReport};
