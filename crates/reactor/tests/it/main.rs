//! The reactor as its users see it: real sockets, real time, real threads.

mod io;
mod reactor;
mod support;
mod timers;
