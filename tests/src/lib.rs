//! Heist tests.
