//! Readiness and timers over [`mio`], shared by all workers of a Heist runtime.
//!
//! This crate knows no task and no scheduler: what becomes ready calls a [`std::task::Waker`], and
//! whoever owns the threads decides who calls [`Reactor::turn`]. One [`Reactor`] serves any number
//! of threads; each reaches it through a [`Handle`].
//!
//! | Question | File |
//! |---|---|
//! | What does one descriptor remember between an event and a read? | `scheduled_io.rs` |
//! | Why can an event never reach the successor of a closed socket? | `slots.rs` |
//! | Who sets the clock that ends an idle wait, and when? | `alarm/mod.rs` |
//! | Where does a timer live, who fires it, who may free it? | `timer/mod.rs` |
//! | What does one turn of the reactor do, in which order? | `reactor.rs` |
//! | When does a thread look for events before it blocks, and how long? | `busy_wait.rs` |
//! | When is a syscall tried, when is readiness cleared? | `registration.rs` |
//!
//! Modules stand in the order of their layers: each uses only those above it.

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod sync;

mod clock;
mod coop;
mod interest;
mod ready;
mod shut_down;
mod wake_batch;

mod scheduled_io;
mod slots;

mod alarm;
mod timer;

mod busy_wait;

mod handle;
mod reactor;

mod registration;
mod sleep;

#[cfg(any(feature = "tokio", feature = "hyper"))]
#[expect(
    unsafe_code,
    reason = "the one place that hands uninitialised memory to the kernel and vouches for what it filled"
)]
pub mod buf;

#[cfg(all(test, heist_loom))]
mod models;

#[cfg(all(test, heist_shuttle, not(heist_loom)))]
mod stress;

pub use clock::{Clock, Control, SystemClock};
pub use coop::Coop;
pub use handle::{EnterGuard, Handle, Metrics};
pub use interest::{Direction, Interest};
pub use reactor::{Config, DEFAULT_MAX_BUSY_WAIT, DEFAULT_MAX_EVENTS, Reactor, Turn};
pub use ready::{Ready, ReadyEvent};
pub use registration::Registration;
pub use shut_down::is_shut_down;
pub use sleep::Sleep;
