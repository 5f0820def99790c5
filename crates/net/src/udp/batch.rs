//! [`UdpBatch`]: many datagrams per system call, with the offloads that the kernel has (GSO, GRO).
//!
//! What the kernel can do is found out, and spoken to, by `quinn-udp`; here it waits for the socket.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};

use heist_reactor::Interest;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};

use super::UdpSocket;

/// The longest content of one send, of all its datagrams together.
const MOST_BYTES: usize = 65_507;

/// A UDP socket that sends and receives many datagrams per system call.
///
/// Sending hands the kernel one long content to be cut into datagrams of equal length (generic
/// segmentation offload); receiving takes several messages at once, each of which may hold several
/// datagrams of one sender (generic receive offload). Where the kernel has neither, the same calls
/// move one datagram each.
///
/// Datagrams sent from here are not fragmented: one that is longer than the path allows is an error.
///
/// # Examples
///
/// ```
/// # mod heist { pub use heist_net as net; }
/// # async fn run(socket: heist::net::UdpSocket, peer: std::net::SocketAddr) -> std::io::Result<()> {
/// use heist::net::udp::{Received, UdpBatch};
/// use std::io::IoSliceMut;
///
/// let batch = UdpBatch::new(socket)?;
/// // Ten datagrams of 1200 bytes.
/// batch.send_to(&[0; 12_000], 1200, peer).await?;
///
/// let mut room = vec![0; 65_536];
/// let mut received = [Received::default(); 1];
/// batch.recv(&mut [IoSliceMut::new(&mut room)], &mut received).await?;
/// for datagram in received[0].datagrams(&room) {
///     println!("{} bytes from {}", datagram.len(), received[0].from);
/// }
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "udp-batch")]
#[derive(Debug)]
pub struct UdpBatch {
    socket: UdpSocket,
    state: UdpSocketState,
}

/// What one buffer holds after [`UdpBatch::recv`].
#[cfg(feature = "udp-batch")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub from: SocketAddr,
    /// How many bytes of the buffer are filled.
    pub length: usize,
    /// The length of each datagram in there, but for the last, which may be shorter.
    pub segment: usize,
}

impl Default for Received {
    /// Nothing, from nobody.
    fn default() -> Self {
        Self {
            from: (Ipv4Addr::UNSPECIFIED, 0).into(),
            length: 0,
            segment: 0,
        }
    }
}

impl Received {
    /// Returns the datagrams in `buf`, the buffer this is about: at least one, which may be empty.
    pub fn datagrams<'a>(&self, buf: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let filled = &buf[..self.length.min(buf.len())];
        let empty = filled.is_empty().then_some(filled);
        empty.into_iter().chain(filled.chunks(self.segment.max(1)))
    }
}

impl UdpBatch {
    /// Sets the socket up for batches.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }

    /// Returns the socket. The options that were set for batches stay.
    pub fn into_inner(self) -> UdpSocket {
        self.socket
    }

    /// Returns the socket.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Returns how many datagrams one system call sends, at most; 1 without segmentation offload.
    pub fn max_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Returns how many datagrams one buffer may receive, at most; 1 without receive offload.
    pub fn max_received_segments(&self) -> usize {
        self.state.gro_segments()
    }

    /// Returns how many buffers one system call fills, at most.
    pub fn max_buffers(&self) -> usize {
        BATCH_SIZE
    }

    /// Sends `content` to `target` as datagrams of `segment` bytes each; the last may be shorter.
    /// No content is one empty datagram.
    ///
    /// # Errors
    ///
    /// Those of sendmsg(2); datagrams before the error have been sent.
    ///
    /// # Panics
    ///
    /// When `segment` is 0 and there is content.
    ///
    /// # Cancel safety
    ///
    /// Datagrams are sent in batches; a future that is dropped leaves the rest unsent.
    pub async fn send_to(
        &self,
        content: &[u8],
        segment: usize,
        target: SocketAddr,
    ) -> io::Result<()> {
        assert!(
            segment > 0 || content.is_empty(),
            "a segment has at least one byte"
        );
        let mut rest = content;
        loop {
            let segments = self.max_segments().min(MOST_BYTES / segment.max(1)).max(1);
            let (now, later) = rest.split_at(rest.len().min(segments * segment));
            let transmit = Transmit {
                destination: target,
                ecn: None,
                contents: now,
                segment_size: (now.len() > segment).then_some(segment),
                src_ip: None,
            };
            let socket = &self.socket;
            let send = || self.state.try_send(socket.into(), &transmit);
            match socket.async_io(Interest::WRITABLE, send).await {
                Ok(()) if later.is_empty() => return Ok(()),
                Ok(()) => rest = later,
                // The kernel or the card cannot segment after all: shorter batches from now on.
                Err(_) if self.max_segments() < segments => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Receives into `bufs` and says in `received` what came; returns how many buffers were filled.
    ///
    /// Buffers of 64 KiB take whatever receive offload puts together; what does not fit is cut off.
    /// At most [`max_buffers`](Self::max_buffers) are filled, and as many as `received` has room for.
    ///
    /// # Errors
    ///
    /// Those of recvmmsg(2); see [`UdpSocket::recv`] about refusals.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future dropped before it completes has taken nothing.
    pub async fn recv(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        received: &mut [Received],
    ) -> io::Result<usize> {
        let room = bufs.len().min(received.len()).min(BATCH_SIZE);
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let socket = &self.socket;
        let recv = || {
            self.state
                .recv(socket.into(), &mut bufs[..room], &mut metas[..room])
        };
        let count = socket.async_io(Interest::READABLE, recv).await?;
        for (received, meta) in received.iter_mut().zip(&metas[..count]) {
            *received = Received {
                from: meta.addr,
                length: meta.len,
                segment: meta.stride,
            };
        }
        Ok(count)
    }
}
