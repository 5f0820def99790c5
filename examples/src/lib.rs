//! Heist examples.
