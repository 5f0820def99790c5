//! What a server has to say when it has ended.

use std::{fmt, net::SocketAddr};

/// What a server did, and what its shutdown had to cut. Given by awaiting [`Serve`](crate::Serve).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Connections accepted over the server's life.
    pub served: u64,
    /// Connections that were alive when the shutdown began and ended on their own within its grace.
    pub finished: u64,
    /// Peers of the connections that the end of the grace cut, each with a request in flight.
    pub cut: Vec<SocketAddr>,
    /// Panics of the service: each ended its connection (HTTP/1) or its stream (HTTP/2).
    pub panicked: u64,
    /// Errors of `accept`; none of them ends a server.
    pub accept_errors: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections served, {} finished in grace, {} cut, {} panics, {} accept errors",
            self.served,
            self.finished,
            self.cut.len(),
            self.panicked,
            self.accept_errors
        )?;
        for (index, peer) in self.cut.iter().enumerate() {
            let lead = if index == 0 { "; cut: " } else { ", " };
            write!(f, "{lead}{peer}")?;
        }
        Ok(())
    }
}
