//! How bytes get in and out of a pipe.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;

use heist_reactor::buf::{self, Unfilled};

use crate::descriptor::Descriptor;
use crate::stream::{Channel, MAX_SLICES};

/// One end of a pipe. Writing to one that nobody reads fails with `BrokenPipe`, because programs in
/// Rust ignore `SIGPIPE` from their start.
impl Channel for Descriptor<OwnedFd> {
    const SHORT_IS_ALL: bool = false;

    fn fill(&self, buf: &mut impl Unfilled) -> io::Result<usize> {
        buf::read(&self.0, buf)
    }

    fn read_slices(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let count = bufs.len().min(MAX_SLICES);
        Ok(rustix::io::readv(&self.0, &mut bufs[..count])?)
    }

    fn write_slice(&self, buf: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.0, buf)?)
    }

    fn write_slices(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(&self.0, bufs)?)
    }

    /// A pipe ends with its descriptor and not before.
    fn end_writing(&self) -> io::Result<()> {
        Ok(())
    }
}
