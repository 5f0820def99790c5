//! The reactor as its users see it: real sockets, real time, real threads.

mod busy_wait;
mod connection;
mod io;
mod lifetime;
mod reactor;
mod support;
mod timers;
mod waiting;
