//! [`Descriptor`]: anything that holds a descriptor, as a source of the reactor.
//!
//! # Invariants
//!
//! - The value returns the same descriptor for as long as it is registered. Safe code can break that
//!   (a `RefCell` behind `as_fd`) and then harms itself and nobody's memory: the registration it
//!   leaves behind is keyed by a generation that never comes again.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// A descriptor of any kind that the kernel can watch.
#[derive(Debug)]
pub(crate) struct Descriptor<T>(pub(crate) T);

impl<T: AsFd> Source for Descriptor<T> {
    fn register(&mut self, registry: &Registry, token: Token, mask: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).register(registry, token, mask)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, mask: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).reregister(registry, token, mask)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_fd().as_raw_fd()).deregister(registry)
    }
}

impl<T: AsFd> AsFd for Descriptor<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
