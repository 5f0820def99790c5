//! [`Inherited`]: sockets that whoever started the process has opened, as systemd and `systemfd` do.

use std::fmt;
use std::io;

use listenfd::ListenFd;

use crate::{TcpListener, UdpSocket, UnixDatagram, UnixListener};

/// The sockets passed in by the environment variables `LISTEN_FDS` and `LISTEN_PID`, in the order in
/// which they were configured.
///
/// So a service can be restarted without its port ever being closed, and serve ports below 1024
/// without being root. Each is close-on-exec from the moment it is taken.
///
/// # Examples
///
/// ```
/// # mod heist { pub use heist_net as net; }
/// # async fn run() -> std::io::Result<()> {
/// use heist::net::{Inherited, TcpListener};
///
/// let listener = match Inherited::from_env().tcp_listener(0)? {
///     Some(listener) => listener,
///     None => TcpListener::bind("127.0.0.1:8080").await?,
/// };
/// # Ok(())
/// # }
/// ```
pub struct Inherited(ListenFd);

impl Inherited {
    /// Takes over what the environment offers to this process. Later calls find nothing: the
    /// variables are removed, so that children are not offered the same.
    pub fn from_env() -> Self {
        Self(ListenFd::from_env())
    }

    /// Returns how many sockets there are, taken or not.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no socket was passed in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the TCP listener at `index`; `None` when there is no such index or it was taken.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when there is something else, which stays; or when the system refuses to
    /// register it.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn tcp_listener(&mut self, index: usize) -> io::Result<Option<TcpListener>> {
        let taken = self.0.take_tcp_listener(index)?;
        taken.map(TcpListener::from_std).transpose()
    }

    /// Takes the Unix listener at `index`; as [`tcp_listener`](Self::tcp_listener). Unix only.
    ///
    /// # Errors
    ///
    /// As [`tcp_listener`](Self::tcp_listener).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[cfg(unix)]
    #[track_caller]
    pub fn unix_listener(&mut self, index: usize) -> io::Result<Option<UnixListener>> {
        let taken = self.0.take_unix_listener(index)?;
        taken.map(UnixListener::from_std).transpose()
    }

    /// Takes the UDP socket at `index`; as [`tcp_listener`](Self::tcp_listener).
    ///
    /// # Errors
    ///
    /// As [`tcp_listener`](Self::tcp_listener).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn udp_socket(&mut self, index: usize) -> io::Result<Option<UdpSocket>> {
        let taken = self.0.take_udp_socket(index)?;
        taken.map(UdpSocket::from_std).transpose()
    }

    /// Takes the Unix socket for datagrams at `index`; as [`tcp_listener`](Self::tcp_listener).
    /// Unix only.
    ///
    /// # Errors
    ///
    /// As [`tcp_listener`](Self::tcp_listener).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[cfg(unix)]
    #[track_caller]
    pub fn unix_datagram(&mut self, index: usize) -> io::Result<Option<UnixDatagram>> {
        let taken = self.0.take_unix_datagram(index)?;
        taken.map(UnixDatagram::from_std).transpose()
    }
}

impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inherited")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
