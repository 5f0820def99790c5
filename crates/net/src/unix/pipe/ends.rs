//! The two ends of a pipe. Their bytes move through [`stream`](crate::stream).

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use heist_reactor::{Handle, Interest, Ready};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};

use super::options::not_a_pipe;
use crate::Evented;
use crate::descriptor::Descriptor;
use crate::readiness::poll_readiness_methods;
use crate::stream::{try_read_methods, try_write_methods};

/// The end of a pipe that writes. Unix only.
///
/// It writes through the traits of the ecosystem, as the streams do. Dropping it lets the reader see the
/// end, once it has read everything.
#[derive(Debug)]
pub struct Sender {
    io: Evented<Descriptor<OwnedFd>>,
}

impl Sender {
    /// Takes a FIFO opened as a file over.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the file is no pipe or was not opened for writing, else when the system
    /// refuses to register it.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Self> {
        Self::from_owned_fd(file.into())
    }

    /// Takes a pipe's descriptor over.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_owned_fd(fd: OwnedFd) -> io::Result<Self> {
        check(&fd, OFlags::WRONLY)?;
        Self::from_owned_fd_unchecked(fd)
    }

    /// As [`from_file`](Self::from_file), without the check that it is a pipe of this direction.
    ///
    /// # Errors
    ///
    /// When the system refuses to change its mode or to register it.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Self> {
        Self::from_owned_fd_unchecked(file.into())
    }

    /// As [`from_owned_fd`](Self::from_owned_fd), without the check that it is a pipe of this
    /// direction.
    ///
    /// # Errors
    ///
    /// When the system refuses to change its mode or to register it.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_owned_fd_unchecked(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd, true)?;
        Ok(Self {
            io: Evented::new(Descriptor(fd))?,
        })
    }

    /// Returns the descriptor, set to blocking mode: fit to be a child's standard stream.
    ///
    /// # Errors
    ///
    /// When the system refuses; the descriptor is then closed.
    pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
        let fd = self.into_nonblocking_fd()?;
        set_nonblocking(&fd, false)?;
        Ok(fd)
    }

    /// Returns the descriptor, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the descriptor; it is then closed.
    pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
        self.io.into_source().map(|Descriptor(fd)| fd)
    }

    /// Waits until this end is ready for any of `interest` and returns what it is ready for.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until a `try_` call finds it stale.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        Ok(self.io.registration().readiness(interest).await?.ready())
    }

    /// Waits until writing is worth a try.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, as [`ready`](Self::ready).
    pub async fn writable(&self) -> io::Result<()> {
        self.ready(Interest::WRITABLE).await.map(drop)
    }

    /// Runs `f`, a non-blocking operation on the descriptor, if it is ready for writing.
    ///
    /// `f` must return `WouldBlock` only when the pipe did: that clears the readiness.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it is not ready (`f` is not called then), else the error of `f`.
    pub fn try_io<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.io.registration().try_io(Interest::WRITABLE, f)
    }

    poll_readiness_methods!(@write poll_write_ready);
    try_write_methods!();

    pub(crate) fn evented(&self) -> &Evented<Descriptor<OwnedFd>> {
        &self.io
    }

    /// A pipe ends with its descriptor: this does nothing.
    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        self.io.end_writing()
    }
}

impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().0.as_fd()
    }
}

impl AsRawFd for Sender {
    fn as_raw_fd(&self) -> RawFd {
        self.io.source().0.as_raw_fd()
    }
}

/// The end of a pipe that reads. Unix only.
///
/// It reads through the traits of the ecosystem, as the streams do.
#[derive(Debug)]
pub struct Receiver {
    io: Evented<Descriptor<OwnedFd>>,
}

impl Receiver {
    /// Takes a FIFO opened as a file over.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the file is no pipe or was not opened for reading, else when the system
    /// refuses to register it.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Self> {
        Self::from_owned_fd(file.into())
    }

    /// Takes a pipe's descriptor over.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_owned_fd(fd: OwnedFd) -> io::Result<Self> {
        check(&fd, OFlags::RDONLY)?;
        Self::from_owned_fd_unchecked(fd)
    }

    /// As [`from_file`](Self::from_file), without the check that it is a pipe of this direction.
    ///
    /// # Errors
    ///
    /// When the system refuses to change its mode or to register it.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Self> {
        Self::from_owned_fd_unchecked(file.into())
    }

    /// As [`from_owned_fd`](Self::from_owned_fd), without the check that it is a pipe of this
    /// direction.
    ///
    /// # Errors
    ///
    /// When the system refuses to change its mode or to register it.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn from_owned_fd_unchecked(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd, true)?;
        // A read before the first writer has come would say that the pipe has ended.
        let io = Evented::event_first(Descriptor(fd), Interest::READABLE, &Handle::current());
        Ok(Self {
            io: io.map_err(|(_, error)| error)?,
        })
    }

    /// Returns the descriptor, set to blocking mode: fit to be a child's standard stream.
    ///
    /// # Errors
    ///
    /// When the system refuses; the descriptor is then closed.
    pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
        let fd = self.into_nonblocking_fd()?;
        set_nonblocking(&fd, false)?;
        Ok(fd)
    }

    /// Returns the descriptor, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// When the system refuses to deregister the descriptor; it is then closed.
    pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
        self.io.into_source().map(|Descriptor(fd)| fd)
    }

    /// Waits until this end is ready for any of `interest` and returns what it is ready for.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until a `try_` call finds it stale.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        Ok(self.io.registration().readiness(interest).await?.ready())
    }

    /// Waits until reading is worth a try.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, as [`ready`](Self::ready).
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Interest::READABLE).await.map(drop)
    }

    /// Runs `f`, a non-blocking operation on the descriptor, if it is ready for reading.
    ///
    /// `f` must return `WouldBlock` only when the pipe did: that clears the readiness.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it is not ready (`f` is not called then), else the error of `f`.
    pub fn try_io<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.io.registration().try_io(Interest::READABLE, f)
    }

    poll_readiness_methods!(@read poll_read_ready);
    try_read_methods!();

    pub(crate) fn evented(&self) -> &Evented<Descriptor<OwnedFd>> {
        &self.io
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.source().0.as_fd()
    }
}

impl AsRawFd for Receiver {
    fn as_raw_fd(&self) -> RawFd {
        self.io.source().0.as_raw_fd()
    }
}

/// Whether `fd` is a pipe opened for `access`, or for both.
fn check(fd: &OwnedFd, access: OFlags) -> io::Result<()> {
    if FileType::from_raw_mode(fstat(fd)?.st_mode) != FileType::Fifo {
        return Err(not_a_pipe());
    }
    let opened = fcntl_getfl(fd)? & OFlags::RWMODE;
    if opened == access || opened == OFlags::RDWR {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "the pipe is not opened for this direction",
    ))
}

fn set_nonblocking(fd: &OwnedFd, on: bool) -> io::Result<()> {
    let before = fcntl_getfl(fd)?;
    let mut flags = before;
    flags.set(OFlags::NONBLOCK, on);
    if flags != before {
        fcntl_setfl(fd, flags)?;
    }
    Ok(())
}
