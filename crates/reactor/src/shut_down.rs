//! The error of every operation on a reactor that has shut down.

use std::error::Error;
use std::fmt;
use std::io;

#[derive(Debug)]
struct HasShutDown;

impl fmt::Display for HasShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Heist runtime this source belongs to has shut down")
    }
}

impl Error for HasShutDown {}

pub(crate) fn error() -> io::Error {
    io::Error::other(HasShutDown)
}

/// Whether `error` says that the reactor of a source has shut down.
pub fn is_shut_down(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<HasShutDown>())
}
