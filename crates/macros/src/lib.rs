//! Heist macros.
