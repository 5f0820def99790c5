//! Heist net.
