//! `cargo xtask bench`: one file per workload. Each run of each peer is a fresh process, rounds
//! are interleaved (A B A B), and ratios are medians of per-round ratios: what slows the machine
//! for a while slows both sides of a round.

mod stats;
mod http;

use lexopt::ValueExt as _;

/// Runs the command.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let workload = match args.next()? {
        Some(lexopt::Arg::Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(lexopt::Error::from("which workload? there is: http").into()),
    };
    match workload.as_str() {
        "http" => http::run(args),
        name => Err(lexopt::Error::from(format!("no workload `{name}`; there is: http")).into()),
    }
}
