//! What the example servers share: their arguments, their start, their end.
//!
//! `resp` and `store` are the two halves of the `kv` example.

#![forbid(unsafe_code)]

pub mod options;
pub mod prometheus;
pub mod resp;
pub mod store;
pub mod tcp;

mod program;

pub use options::Options;
pub use program::{Shutdown, announce, run};
