//! Who else used the machine during a run.
//!
//! The kernel counts the busy time of all processors (`/proc/stat`) and that of this process and of
//! its children that have ended (`/proc/self/stat`), both in clock ticks. What is left over belongs to
//! others, to the hypervisor included. Time in interrupts is left out: the network's own part of it
//! belongs to nobody.

use std::fs;
use std::time::Instant;

use anyhow::Context as _;

/// A moment to compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    at: Instant,
    all: u64,
    ours: u64,
}

impl Noise {
    /// Reads the counters.
    pub(crate) fn begin() -> anyhow::Result<Noise> {
        let read = |path| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
        Ok(Noise {
            at: Instant::now(),
            all: busy(&read("/proc/stat")?).context("unknown format of /proc/stat")?,
            ours: ours(&read("/proc/self/stat")?).context("unknown format of /proc/self/stat")?,
        })
    }

    /// How many processors others used on average since then.
    pub(crate) fn others(self) -> anyhow::Result<f64> {
        let now = Noise::begin()?;
        let theirs = (now.all - self.all).saturating_sub(now.ours - self.ours);
        // Each counter may be off by a tick at either end.
        let theirs = theirs.saturating_sub(SLACK_TICKS);
        let seconds = now.at.duration_since(self.at).as_secs_f64();
        Ok(theirs as f64 / rustix::param::clock_ticks_per_second() as f64 / seconds)
    }
}

/// Ticks of all processors in user and system code, and those stolen from this machine.
fn busy(stat: &str) -> Option<u64> {
    let fields: Vec<u64> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    match fields.as_slice() {
        [
            user,
            nice,
            system,
            _idle,
            _iowait,
            _irq,
            _softirq,
            steal,
            ..,
        ] => Some(user + nice + system + steal),
        _ => None,
    }
}

/// Ticks of this process and of its reaped children.
fn ours(stat: &str) -> Option<u64> {
    // The name in parentheses may hold anything, so count fields from its end.
    let (_, tail) = stat.rsplit_once(") ")?;
    let fields = tail.split(' ').skip(11).take(4);
    let fields: Option<Vec<u64>> = fields.map(|field| field.parse().ok()).collect();
    Some(fields?.iter().sum())
}

/// A round in which others used more than so many processors is not believed.
pub(crate) const TOLERATED: f64 = 0.2;

const SLACK_TICKS: u64 = 3;

#[cfg(test)]
mod tests;
