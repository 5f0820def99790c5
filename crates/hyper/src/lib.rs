//! Heist hyper.
