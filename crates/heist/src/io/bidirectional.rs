//! [`copy_bidirectional`]: tokio's, and the kernel's where both ends are sockets.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

/// Copies between `a` and `b` in both directions until both have ended, and returns how many bytes
/// went from `a` to `b` and from `b` to `a`.
///
/// The end of one direction is passed on by shutting the other's writing down, while the other
/// direction goes on.
///
/// Between two [`TcpStream`](crate::net::TcpStream)s or [`UnixStream`](crate::net::UnixStream)s on
/// Linux the bytes never enter this process: splice(2) moves them, through a pipe per direction.
/// That takes six descriptors; without them, or with anything else than the bare streams, the bytes
/// are copied through buffers as by tokio's function.
///
/// # Errors
///
/// The first that occurs in either direction.
///
/// # Cancel safety
///
/// Not cancel safe: bytes that were read but not written are lost.
///
/// # Examples
///
/// ```no_run
/// # async fn proxy() -> std::io::Result<()> {
/// use heist::io::copy_bidirectional;
/// use heist::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:8080").await?;
/// let (mut near, _) = listener.accept().await?;
/// let mut far = TcpStream::connect("127.0.0.1:9090").await?;
/// let (sent, received) = copy_bidirectional(&mut near, &mut far).await?;
/// println!("{sent} bytes there, {received} back");
/// # Ok(())
/// # }
/// ```
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    #[cfg(target_os = "linux")]
    if let Some(splice) = heist_net::Splice::between(a, b) {
        return splice.copy().await;
    }
    tokio::io::copy_bidirectional(a, b).await
}
