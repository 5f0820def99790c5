//! Heist benches.
