//! The sockets against real sockets: the other end is the kernel's loopback, driven by a bare
//! reactor. One binary, so that the modules share their support.

mod async_fd;
#[cfg(feature = "udp-batch")]
mod batch;
mod exhaustion;
#[cfg(feature = "listen-fds")]
mod inherited;
mod listener;
mod pipe;
mod race;
mod splice;
mod split;
mod stream;
mod support;
mod traits;
mod udp;
mod unix;
