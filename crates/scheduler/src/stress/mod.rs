//! Scenes of a whole scheduler, too large for loom: four workers, threads from outside, dozens of
//! tasks that do what chance tells them. Shuttle plays them under many schedules; see
//! `sync/shuttle.rs` for what that finds and what it cannot.
//!
//! `cargo xtask stress --shuttle [NAME]` runs them. Each is named for its claim; [`stage`] sets the
//! scheduler up and holds it to its promises at the end, [`book`] notes what every task did,
//! [`program`] is what they do, [`bells`] who wakes them.

mod bells;
mod book;
mod program;
mod scenes;
mod stage;
