//! `heist_hyper::serve` from outside.

mod world;

mod bounds;
mod protocols;
mod shutdown;
