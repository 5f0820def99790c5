//! Sockets, pipes and other descriptors on the Heist reactor.
//!
//! The crate knows the reactor (readiness and timers) and no scheduler: a socket can be driven by
//! anything that calls `Reactor::turn`. Three ideas carry all of it:
//!
//! 1. [`Evented`] ties a non-blocking source to its [`Registration`](heist_reactor::Registration)
//!    and fixes the order in which the two end: deregister, then close.
//! 2. Every operation is one closure around one system call, handed to the registration's retry
//!    loop. Nothing in this crate waits, loops on `WouldBlock` or stores a waker by itself.
//! 3. All bytes of streams go through `stream.rs`, all datagrams through `datagram.rs`; the traits
//!    ([`tokio::io`], `futures-io`, `hyper::rt`) and the split halves are thin layers over those.
//!
//! # Invariants
//!
//! - No unsafe code: uninitialised read buffers are filled by [`heist_reactor::buf`].
//! - Every descriptor is close-on-exec and non-blocking from its first moment.
//! - A future dropped at an await never takes bytes or a connection with it.
//! - No thread blocks on a descriptor. Only host names block, on the few threads of `resolver.rs`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod evented;
mod system;

mod backoff;
#[cfg(unix)]
mod descriptor;
mod resolver;

mod addr;

mod accept;
mod readiness;

mod datagram;
mod stream;

mod halves;

#[cfg(unix)]
pub mod async_fd;
pub mod tcp;
pub mod udp;
#[cfg(unix)]
pub mod unix;

#[cfg(all(unix, feature = "listen-fds"))]
mod inherited;

#[cfg(target_os = "linux")]
mod splice;

mod traits;

pub use addr::{ToSocketAddrs, lookup_host};
#[cfg(unix)]
pub use async_fd::AsyncFd;
pub use evented::Evented;
#[cfg(all(unix, feature = "listen-fds"))]
pub use inherited::Inherited;
#[cfg(target_os = "linux")]
pub use splice::Splice;
pub use tcp::{TcpListener, TcpSocket, TcpStream};
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixDatagram, UnixListener, UnixSocket, UnixStream};

// What the sockets' signatures speak of.
pub use heist_reactor::{Interest, Ready};
