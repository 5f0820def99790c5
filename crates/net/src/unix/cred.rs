//! [`UCred`]: who is at the other end of a Unix socket. Linux only.

use std::io;
use std::os::fd::AsFd;

use rustix::net::sockopt;

/// A user's number. Linux only.
#[cfg(target_os = "linux")]
#[expect(non_camel_case_types, reason = "the system's name for it, and tokio's")]
pub type uid_t = u32;
/// A group's number. Linux only.
#[cfg(target_os = "linux")]
#[expect(non_camel_case_types, reason = "the system's name for it, and tokio's")]
pub type gid_t = u32;
/// A process's number. Linux only.
#[cfg(target_os = "linux")]
#[expect(non_camel_case_types, reason = "the system's name for it, and tokio's")]
pub type pid_t = i32;

/// The credentials the peer had when it connected, or when the pair was made. Linux only.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UCred {
    pid: Option<pid_t>,
    uid: uid_t,
    gid: gid_t,
}

impl UCred {
    /// Returns the user the peer ran as.
    pub fn uid(&self) -> uid_t {
        self.uid
    }

    /// Returns the group the peer ran as.
    pub fn gid(&self) -> gid_t {
        self.gid
    }

    /// Returns the peer's process. It may have ended since, and its number may be another's now.
    pub fn pid(&self) -> Option<pid_t> {
        self.pid
    }

    pub(super) fn of_peer(socket: impl AsFd) -> io::Result<Self> {
        let cred = sockopt::socket_peercred(socket)?;
        Ok(Self {
            pid: Some(cred.pid.as_raw_nonzero().get()),
            uid: cred.uid.as_raw(),
            gid: cred.gid.as_raw(),
        })
    }
}
