//! One module per peer.

#[cfg(feature = "heist")]
mod heist;

#[cfg(feature = "peers")]
mod compio;
#[cfg(feature = "peers")]
mod floor;
#[cfg(feature = "peers")]
mod mio;
#[cfg(feature = "peers")]
mod monoio;
#[cfg(feature = "peers")]
mod rayon;
#[cfg(feature = "peers")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use anyhow::{Context as _, bail};

use crate::Job;
use crate::measure::Outcome;

/// Runs a workload on the peer of that name.
///
/// # Errors
/// Fails when there is no such peer, or when it cannot do that workload.
pub(crate) fn run(peer: &str, job: &Job) -> anyhow::Result<Outcome> {
    let outcome: Option<Outcome> = match peer {
        #[cfg(feature = "heist")]
        "heist" => heist::run(job)?,
        #[cfg(feature = "heist")]
        "unwatched" => heist::run(&Job {
            watched: false,
            ..job.clone()
        })?,
        #[cfg(feature = "tokio")]
        "tokio" => tokio::run(job)?,
        #[cfg(feature = "peers")]
        "smol" => smol::run(job)?,
        #[cfg(feature = "peers")]
        "monoio" => monoio::run(job)?,
        #[cfg(feature = "peers")]
        "compio" => compio::run(job)?,
        #[cfg(feature = "peers")]
        "rayon" => rayon::run(job),
        #[cfg(feature = "peers")]
        "mio" => mio::run(job)?,
        #[cfg(feature = "peers")]
        "floor" => floor::run(job),
        other => bail!("no peer `{other}` in this build"),
    };
    outcome.with_context(|| format!("{peer} does not do the workload `{}`", job.workload))
}
