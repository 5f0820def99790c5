//! [`OpenOptions`]: opening a FIFO by its path.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::{Receiver, Sender};

/// Which kind of FIFO may be opened, and how. Unix only.
///
/// # Examples
///
/// ```no_run
/// # mod heist { pub use heist_net as net; }
/// # fn run() -> std::io::Result<()> {
/// use heist::net::unix::pipe;
///
/// let receiver = pipe::OpenOptions::new().open_receiver("/run/orders")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    #[cfg(target_os = "linux")]
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// Options that check for a FIFO and open one direction.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the FIFO is opened for reading *and* writing: then opening a sender needs no reader,
    /// and a receiver sees no end when the last writer goes. Linux only.
    #[cfg(target_os = "linux")]
    pub fn read_write(&mut self, value: bool) -> &mut Self {
        self.read_write = value;
        self
    }

    /// Sets whether the check that the file is a FIFO is left out.
    pub fn unchecked(&mut self, value: bool) -> &mut Self {
        self.unchecked = value;
        self
    }

    /// Opens a FIFO for reading. Needs no writer.
    ///
    /// # Errors
    ///
    /// Those of open(2); `InvalidInput` when the file is no FIFO.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn open_receiver<P: AsRef<Path>>(&self, path: P) -> io::Result<Receiver> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(self.both());
        Receiver::from_owned_fd_unchecked(self.open(&mut options, path.as_ref())?.into())
    }

    /// Opens a FIFO for writing.
    ///
    /// # Errors
    ///
    /// Those of open(2), among them `ENXIO` when nobody reads; `InvalidInput` when the file is no
    /// FIFO.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn open_sender<P: AsRef<Path>>(&self, path: P) -> io::Result<Sender> {
        let mut options = fs::OpenOptions::new();
        options.write(true).read(self.both());
        Sender::from_owned_fd_unchecked(self.open(&mut options, path.as_ref())?.into())
    }

    fn both(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.read_write;
        #[cfg(not(target_os = "linux"))]
        false
    }

    fn open(&self, options: &mut fs::OpenOptions, path: &Path) -> io::Result<File> {
        let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).expect("a bit below the sign");
        let file = options.custom_flags(nonblock).open(path)?;
        if !self.unchecked && !file.metadata()?.file_type().is_fifo() {
            return Err(not_a_pipe());
        }
        Ok(file)
    }
}

pub(super) fn not_a_pipe() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a pipe")
}
