//! Pipes and FIFOs: one direction each, a [`Sender`] and a [`Receiver`].

mod ends;
mod options;

use std::io;

use rustix::pipe::{PipeFlags, pipe_with};

pub use ends::{Receiver, Sender};
pub use options::OpenOptions;

/// Makes an anonymous pipe.
///
/// # Errors
///
/// Those of pipe(2).
///
/// # Panics
///
/// When the calling thread is not inside a runtime.
///
/// # Examples
///
/// ```
/// # mod heist { pub use heist_net as net; pub use tokio::io; }
/// # async fn run() -> std::io::Result<()> {
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
/// use heist::net::unix::pipe;
///
/// let (mut sender, mut receiver) = pipe::pipe()?;
/// sender.write_all(b"loot").await?;
/// drop(sender);
/// let mut text = String::new();
/// receiver.read_to_string(&mut text).await?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let sender = Sender::from_owned_fd_unchecked(writer)?;
    Ok((sender, Receiver::from_owned_fd_unchecked(reader)?))
}
