//! Heist reactor.
