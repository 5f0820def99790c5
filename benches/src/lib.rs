//! The peers that Heist is measured against, one program each under `src/bin/`. They take the same
//! arguments as the examples (`--addr`, `--workers`) and print the same `listening on ADDR`, so the
//! load generator in `xtask` drives both alike.

use std::ffi::OsString;
use std::net::SocketAddr;

use lexopt::ValueExt as _;

/// The arguments that every server under test takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerArgs {
    /// Where to listen; port 0 asks the system for a free one.
    pub addr: SocketAddr,
    /// How many worker threads; at least 1.
    pub workers: usize,
}

impl ServerArgs {
    /// Reads `--addr ADDR` and `--workers N`; the defaults are a free loopback port and 2 workers.
    ///
    /// # Errors
    /// Fails on an unknown argument, a malformed address, and on zero workers.
    pub fn parse<I>(args: I) -> Result<ServerArgs, lexopt::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut parsed = ServerArgs {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            workers: 2,
        };
        let mut args = lexopt::Parser::from_args(args);
        while let Some(arg) = args.next()? {
            match arg {
                lexopt::Arg::Long("addr") => parsed.addr = args.value()?.parse()?,
                lexopt::Arg::Long("workers") => parsed.workers = args.value()?.parse()?,
                other => return Err(other.unexpected()),
            }
        }
        if parsed.workers == 0 {
            return Err("--workers must be at least 1".into());
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests;
