//! Pipes and FIFOs: one direction each, a [`Sender`] and a [`Receiver`]. Unix only.

mod channel;
mod ends;
mod options;

use std::io;

pub use ends::{Receiver, Sender};
pub use options::OpenOptions;

/// Makes an anonymous pipe. Unix only.
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
    let (writer, reader) = mio::unix::pipe::new()?;
    let sender = Sender::from_owned_fd_unchecked(writer.into())?;
    Ok((sender, Receiver::from_owned_fd_unchecked(reader.into())?))
}
