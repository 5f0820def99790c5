//! [`Child`]: a process that has been started.

use std::io;
use std::process::{ExitStatus, Output};

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::exit::Exit;
use super::stdio::{ChildStderr, ChildStdin, ChildStdout};

/// A child process, made by [`Command::spawn`](super::Command::spawn). Unix only.
///
/// Dropping it neither waits for the child nor ends it, unless
/// [`kill_on_drop`](super::Command::kill_on_drop) was set; either way the runtime reaps it when it
/// ends, so that no zombie stays. What of it still runs when the runtime shuts down is reaped by whoever
/// starts the next child.
///
/// It may be waited for in another runtime than the one it was started in, even after that one has shut
/// down. Its piped streams belong to the first.
#[derive(Debug)]
pub struct Child {
    exit: Exit,
    /// What the end was, once it is known.
    status: Option<ExitStatus>,
    /// The child's standard input, if it was piped. [`wait`](Child::wait) drops it.
    pub stdin: Option<ChildStdin>,
    /// The child's standard output, if it was piped.
    pub stdout: Option<ChildStdout>,
    /// The child's standard error, if it was piped.
    pub stderr: Option<ChildStderr>,
}

impl Child {
    pub(super) fn new(
        exit: Exit,
        stdin: Option<ChildStdin>,
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
    ) -> Self {
        Self {
            exit,
            status: None,
            stdin,
            stdout,
            stderr,
        }
    }

    /// Returns the number of the process, or `None` once it has been waited for: another may have
    /// the number by then.
    pub fn id(&self) -> Option<u32> {
        match self.status {
            Some(_) => None,
            None => Some(self.exit.id()),
        }
    }

    /// Ends the child with `SIGKILL` and returns at once; [`wait`](Self::wait) tells when it is gone.
    ///
    /// One that has been waited for is gone: nothing happens, and that is no error.
    ///
    /// # Errors
    ///
    /// Those of kill(2).
    pub fn start_kill(&mut self) -> io::Result<()> {
        match self.status {
            Some(_) => Ok(()),
            None => self.exit.kill(),
        }
    }

    /// Ends the child with `SIGKILL` and waits until it is gone.
    ///
    /// # Errors
    ///
    /// As [`start_kill`](Self::start_kill) and [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// The child is killed at the first poll; a future dropped later leaves the waiting to others.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.start_kill()?;
        self.wait().await?;
        Ok(())
    }

    /// Waits until the child has ended and returns how. Drops [`stdin`](Self::stdin) first, lest the
    /// child wait for more input.
    ///
    /// May be called again: the status is kept.
    ///
    /// # Errors
    ///
    /// Those of waitpid(2); those of [`Command::spawn`](super::Command::spawn) when the child has to be
    /// watched anew, because the runtime it was watched in has shut down; and when there is no other runtime
    /// on this thread then, or that one has shut down too ([`is_rt_shutdown_err`]).
    ///
    /// [`is_rt_shutdown_err`]: crate::runtime::is_rt_shutdown_err
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the status is kept for the next call. (The input stays dropped.)
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        match self.status {
            Some(status) => Ok(status),
            None => {
                let status = self.exit.wait().await?;
                Ok(*self.status.insert(status))
            }
        }
    }

    /// Returns how the child has ended, or `None` while it runs. Never waits, drops nothing.
    ///
    /// # Errors
    ///
    /// Those of waitpid(2).
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.exit.try_wait()?;
        }
        Ok(self.status)
    }

    /// Waits until the child has ended and all it has written to piped outputs is read.
    ///
    /// Both outputs are read at the same time, so that neither fills up while the other is read.
    /// They end when every process that inherited them has closed them.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), and those of read(2); also when the runtime that the child was started in has
    /// shut down, if there are outputs to read.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what was read is lost, and the child is dropped.
    pub async fn wait_with_output(mut self) -> io::Result<Output> {
        async fn all(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                stream.read_to_end(&mut bytes).await?;
            }
            Ok(bytes)
        }

        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let (status, stdout, stderr) = tokio::try_join!(self.wait(), all(stdout), all(stderr))?;
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }
}
