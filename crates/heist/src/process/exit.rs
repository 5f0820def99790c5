//! [`Exit`]: a child that is watched until it is reaped, and how its end is noticed.
//!
//! # Protocol
//!
//! 1. Where the kernel has them (Linux 5.3), the child gets a pidfd, which becomes readable when it
//!    ends: one event, for the one who waits, and no signal handler.
//! 2. Elsewhere, or where pidfds are forbidden, a listener for `SIGCHLD` is made. Any child's end
//!    makes it look at its own; the listener is there before the first look, so none is missed.
//! 3. Either way the status is asked for with `waitpid`, which reaps; the standard library's `Child`
//!    keeps it, so that it can be asked for again and is never asked of a number that is reused.
//! 4. The bell hangs in the child's home, the runtime it was started in. When that shuts down, whoever waits
//!    is told so by the bell; the child does not end with it. So the wait asks once more, then hangs
//!    another bell in the runtime it is polled in, which is the child's home from then on.
//! 5. Dropped before its end, the child goes to the [orphans](super::orphan).
//!
//! # Invariants
//!
//! - Nothing is awaited between a bell's failure and the next one's place: a wait dropped at any await leaves
//!   child, bell and home as they belong together.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};

#[cfg(target_os = "linux")]
use heist_net::{AsyncFd, Interest};

use super::orphan;
use crate::runtime::{Handle, is_rt_shutdown_err, shut_down};
use crate::signal::unix::{Signal, SignalKind, signal};

/// A child process, watched.
#[derive(Debug)]
pub(super) struct Exit {
    /// `None` only once dropped.
    watched: Option<Watched>,
    kill_on_drop: bool,
}

#[derive(Debug)]
struct Watched {
    child: Child,
    bell: Bell,
    /// The runtime of the bell; where the child is waited for when nobody else does.
    home: Handle,
}

/// What rings when the child may have ended.
#[derive(Debug)]
pub(super) enum Bell {
    #[cfg(target_os = "linux")]
    Pidfd(AsyncFd<OwnedFd>),
    Signal(Signal),
}

impl Bell {
    /// The best one there is for this child.
    pub(super) fn new(child: &Child) -> io::Result<Self> {
        match Self::pidfd(child)? {
            Some(bell) => Ok(bell),
            None => Self::signal(),
        }
    }

    #[cfg(target_os = "linux")]
    fn pidfd(child: &Child) -> io::Result<Option<Self>> {
        let fd = pidfd(child).map(|fd| AsyncFd::with_interest(fd, Interest::READABLE));
        Ok(fd.transpose()?.map(Self::Pidfd))
    }

    #[cfg(not(target_os = "linux"))]
    fn pidfd(_: &Child) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// The one that is always there.
    pub(super) fn signal() -> io::Result<Self> {
        signal(SignalKind::child()).map(Self::Signal)
    }

    /// Waits for a ring; `asked` looks whether it was for us. Fails with the error of a runtime that has
    /// shut down if it never rings again.
    async fn next(
        &mut self,
        asked: impl FnOnce() -> io::Result<Option<ExitStatus>>,
    ) -> io::Result<Option<ExitStatus>> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pidfd(fd) => {
                let mut ready = fd.readable().await?;
                let status = asked()?;
                if status.is_none() {
                    ready.clear_ready();
                }
                Ok(status)
            }
            Self::Signal(signal) => {
                if let Some(status) = asked()? {
                    return Ok(Some(status));
                }
                let ring = signal.recv().await;
                ring.ok_or_else(shut_down).map(|()| None)
            }
        }
    }
}

/// `None` where the kernel has none, forbids them, or is out of descriptors.
#[cfg(target_os = "linux")]
fn pidfd(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let pid = Pid::from_child(child);
    pidfd_open(pid, PidfdFlags::NONBLOCK)
        .or_else(|_| pidfd_open(pid, PidfdFlags::empty()))
        .ok()
}

impl Watched {
    async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            let Self { child, bell, .. } = self;
            match bell.next(|| child.try_wait()).await {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(error) if is_rt_shutdown_err(&error) => {
                    if let Some(status) = child.try_wait()? {
                        return Ok(status);
                    }
                    self.move_here(error)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the current runtime the child's home, as the one it had has shut down; without one, fails
    /// with `error`, which said that.
    fn move_here(&mut self, error: io::Error) -> io::Result<()> {
        let here = Handle::try_current().map_err(|_| error)?;
        self.bell = match self.bell {
            #[cfg(target_os = "linux")]
            Bell::Pidfd(_) => Bell::new(&self.child)?,
            Bell::Signal(_) => Bell::signal()?,
        };
        self.home = here;
        Ok(())
    }
}

impl Exit {
    /// Watches `child` with `bell`.
    pub(super) fn new(child: Child, bell: Bell, home: Handle, kill_on_drop: bool) -> Self {
        Self {
            watched: Some(Watched { child, bell, home }),
            kill_on_drop,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.watched().child.id()
    }

    /// Waits for the child's end. Nothing is lost when the future is dropped.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.watched_mut().wait().await
    }

    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.watched_mut().child.try_wait()
    }

    /// Sends `SIGKILL`; does nothing to a child that has been reaped.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.watched_mut().child.kill()
    }

    fn watched(&self) -> &Watched {
        self.watched.as_ref().expect("taken by `drop` only")
    }

    fn watched_mut(&mut self) -> &mut Watched {
        self.watched.as_mut().expect("taken by `drop` only")
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        let Some(mut watched) = self.watched.take() else {
            return;
        };
        if self.kill_on_drop {
            // Fails for one that is gone already.
            let _ = watched.child.kill();
        }
        if matches!(watched.child.try_wait(), Ok(None)) {
            let mut runtime = watched.home.clone();
            if runtime.has_shut_down() {
                runtime = Handle::try_current().unwrap_or(runtime);
            }
            // Refused if that one has shut down, too: the child is left to others then.
            drop(runtime.spawn(Reaper(Some(watched)).run()));
        }
    }
}

/// What the task that reaps an orphan owns: dropped halfway, it leaves the child to others.
struct Reaper(Option<Watched>);

impl Reaper {
    async fn run(mut self) {
        if let Some(watched) = &mut self.0 {
            if watched.wait().await.is_ok() {
                self.0 = None;
            }
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        if let Some(Watched { child, bell, .. }) = self.0.take() {
            drop(bell);
            orphan::leave(child);
        }
    }
}

#[cfg(test)]
mod tests;
