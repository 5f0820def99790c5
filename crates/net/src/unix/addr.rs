//! [`SocketAddr`]: the name of a Unix socket.

use std::fmt;
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::SocketAddr as StdAddr;
use std::path::Path;

use rustix::net::{SocketAddrAny, SocketAddrUnix};

/// The name of a Unix socket: a path, an abstract name (on Linux), or none. Unix only.
///
/// # Examples
///
/// ```
/// # mod heist { pub use heist_net as net; }
/// # #[cfg(target_os = "linux")] {
/// use heist::net::unix::SocketAddr;
///
/// let addr = SocketAddr::from_abstract_name("vault").expect("short enough");
/// assert_eq!(addr.as_abstract_name(), Some(&b"vault"[..]));
/// assert_eq!(addr.as_pathname(), None);
/// # }
/// ```
#[derive(Clone)]
pub struct SocketAddr(StdAddr);

impl SocketAddr {
    /// Names a socket by a path of the file system.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the path is longer than a name may be (108 bytes on Linux).
    pub fn from_pathname(path: impl AsRef<Path>) -> io::Result<Self> {
        StdAddr::from_pathname(path).map(Self)
    }

    /// Names a socket by bytes that are no path: no file, gone with the last socket of that name.
    /// Linux only.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the name is longer than 107 bytes.
    #[cfg(target_os = "linux")]
    pub fn from_abstract_name(name: impl AsRef<[u8]>) -> io::Result<Self> {
        StdAddr::from_abstract_name(name).map(Self)
    }

    /// Whether the socket has no name: it was never bound.
    pub fn is_unnamed(&self) -> bool {
        self.0.is_unnamed()
    }

    /// Returns the path, if the name is one.
    pub fn as_pathname(&self) -> Option<&Path> {
        self.0.as_pathname()
    }

    /// Returns the abstract name, if the name is one. Linux only.
    #[cfg(target_os = "linux")]
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        self.0.as_abstract_name()
    }

    /// Takes the name over from what recvfrom(2) returned.
    pub(super) fn from_received(addr: Option<SocketAddrAny>) -> io::Result<Self> {
        let Some(addr) = addr else {
            return Self::from_pathname("");
        };
        let addr = SocketAddrUnix::try_from(addr)?;
        #[cfg(target_os = "linux")]
        if let Some(name) = addr.abstract_name() {
            return Self::from_abstract_name(name);
        }
        let path = addr.path_bytes().unwrap_or_default();
        Self::from_pathname(Path::new(std::ffi::OsStr::from_bytes(path)))
    }
}

impl From<StdAddr> for SocketAddr {
    fn from(addr: StdAddr) -> Self {
        Self(addr)
    }
}

impl From<SocketAddr> for StdAddr {
    fn from(addr: SocketAddr) -> Self {
        addr.0
    }
}

impl fmt::Debug for SocketAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
