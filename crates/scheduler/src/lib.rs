//! Heist scheduler.
