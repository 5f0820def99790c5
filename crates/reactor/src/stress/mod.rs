//! Scenes of readiness and timers, too large for loom: some owners of sockets and sleeps, who come and
//! go, beside an event loop and a shutdown. Shuttle plays them under many schedules; what it finds is
//! the order of operations (a lost wakeup is a deadlock, which it reports), never a missing `Release`.
//!
//! `cargo xtask stress --shuttle [NAME]` runs them. Each is named for its claim. The kernel is the
//! scene's: [`sockets`] has queues and a list of events in flight, [`timers`] a clock that jumps to
//! the alarm when nobody has anything else to do.

mod sockets;
mod timers;

use shuttle::rand::{Rng as _, thread_rng};

/// A number below `limit`, by chance.
fn below(limit: usize) -> usize {
    thread_rng().gen_range(0..limit)
}
