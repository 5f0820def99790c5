//! The I/O traits of the ecosystem, on every stream, half and end of a pipe.
//!
//! Each file holds one pair of traits and differs from the others only in their signatures: reads
//! and writes come down to the operations of [`stream`](crate::stream). Nothing is buffered here, so
//! flushing is always done at once, and shutting down is one call that never waits.

// The implementations repeat these conditions: so rustdoc shows them in the facade's pages, too.
#[cfg(feature = "futures-io")]
mod futures;
#[cfg(feature = "hyper")]
mod hyper;
mod tokio;
