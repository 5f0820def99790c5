//! The I/O traits of the ecosystem, on the stream and on all four halves.
//!
//! Each file holds one pair of traits and differs from the others only in their signatures: reads
//! come down to [`TcpStream::poll_read_buf`] (or its twin for hyper's buffer), writes to
//! [`TcpStream::poll_write_slice`] and [`TcpStream::poll_write_slices`]. Nothing is buffered here, so flushing is
//! always done at once, and shutting down is one call that never waits.
//!
//! [`TcpStream::poll_read_buf`]: crate::TcpStream::poll_read_buf
//! [`TcpStream::poll_write_slice`]: crate::TcpStream::poll_write_slice
//! [`TcpStream::poll_write_slices`]: crate::TcpStream::poll_write_slices

#[cfg(feature = "futures-io")]
mod futures;
#[cfg(feature = "hyper")]
mod hyper;
mod tokio;
