//! The sockets against real sockets: the other end is the kernel's loopback, driven by a bare
//! reactor. One binary, so that the modules share their support.

#[cfg(unix)]
mod async_fd;
#[cfg(feature = "udp-batch")]
mod batch;
#[cfg(unix)]
mod exhaustion;
#[cfg(all(unix, feature = "listen-fds"))]
mod inherited;
mod listener;
#[cfg(unix)]
mod pipe;
mod race;
#[cfg(target_os = "linux")]
mod splice;
mod split;
mod stream;
mod support;
mod traits;
mod udp;
#[cfg(unix)]
mod unix;
