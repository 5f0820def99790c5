//! Heist heist.
