//! From samples to judgements: per row and figure, what each peer did, the ratio to tokio and to the
//! better rival, the limit, and whether Heist is ahead.

use std::collections::BTreeMap;
use std::fmt;

use super::noise;
use super::row::{Metric, Peer, Row};
use super::run::Sample;
use super::stats::{Spread, median};

/// What was measured of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// In the order they were run.
    pub(crate) rounds: Vec<Round>,
    /// Instructions and the like, taken apart from the rounds.
    pub(crate) counts: BTreeMap<Peer, Sample>,
}

/// One run of each peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    /// The most that others used of the machine during one of its runs, in processors.
    pub(crate) others: f64,
    pub(crate) samples: BTreeMap<Peer, Sample>,
}

impl Measured {
    /// The rounds to believe: those that nobody disturbed, if these are at least two and at least half
    /// of all; else all, and then the flag is true.
    pub(crate) fn believed(&self) -> (Vec<&Round>, bool) {
        let clean = self
            .rounds
            .iter()
            .filter(|round| round.others <= noise::TOLERATED);
        let clean: Vec<&Round> = clean.collect();
        if clean.len() == self.rounds.len()
            || (clean.len() >= 2 && 2 * clean.len() >= self.rounds.len())
        {
            (clean, false)
        } else {
            (self.rounds.iter().collect(), true)
        }
    }

    /// A peer's figures, one per believed round; one in all for what was counted.
    fn figures(&self, peer: Peer, key: &str) -> Vec<Option<f64>> {
        if let Some(count) = self.counts.get(&peer).and_then(|counts| counts.get(key)) {
            return vec![Some(*count)];
        }
        let (rounds, _) = self.believed();
        let figure = |round: &&Round| round.samples.get(&peer)?.get(key).copied();
        rounds.iter().map(figure).collect()
    }
}

/// Where Heist stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Behind,
    Level,
    Ahead,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Behind => "behind",
            Verdict::Level => "level",
            Verdict::Ahead => "ahead",
        })
    }
}

/// One line of the table: one figure of one row.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) metric: Metric,
    /// Of each peer that was run.
    pub(crate) spreads: BTreeMap<Peer, Spread>,
    /// How many times better Heist is than each of the others, per round.
    pub(crate) advantages: BTreeMap<Peer, Spread>,
    /// Heist's figure over tokio's: the median of the per-round ratios.
    pub(crate) to_tokio: Option<f64>,
    /// The rival with the better median, and Heist's figure over its.
    pub(crate) to_best: Option<(Peer, f64)>,
    /// The best of those that share nothing, if it was run.
    pub(crate) limit: Option<(Peer, f64)>,
    /// Heist's figure over its own without the watchdog, if that was run.
    pub(crate) to_unwatched: Option<f64>,
    pub(crate) verdict: Option<Verdict>,
}

impl Line {
    /// Judges one figure of a row; `None` if nobody has it.
    pub(crate) fn new(metric: Metric, measured: &Measured) -> Option<Line> {
        let of = |peer| measured.figures(peer, metric.key);
        let spreads: BTreeMap<Peer, Spread> = Peer::ALL
            .into_iter()
            .chain([Peer::Unwatched])
            .filter_map(|peer| Some((peer, Spread::of(&seen(of(peer)))?)))
            .collect();
        if spreads.is_empty() {
            return None;
        }
        let best_of = |mut peers: Vec<Peer>| {
            peers.retain(|peer| spreads.contains_key(peer));
            peers.sort_by(|a, b| {
                let order = spreads[a].median.total_cmp(&spreads[b].median);
                if metric.more_is_better {
                    order.reverse()
                } else {
                    order
                }
            });
            peers.first().copied()
        };
        let ratios = |rival| ratios(&of(Peer::Heist), &of(rival));
        let advantages = |rival| {
            let advantages = ratios(rival)
                .into_iter()
                .map(|ratio| metric.advantage(ratio));
            advantages.collect::<Vec<f64>>()
        };
        let ratio = |rival| Some(median(&ratios(rival))).filter(|ratio| ratio.is_finite());
        let best = best_of(vec![Peer::Tokio, Peer::Smol]);
        let limit = best_of(
            Peer::ALL
                .into_iter()
                .filter(|peer| peer.is_limit())
                .collect(),
        );
        Some(Line {
            metric,
            to_tokio: ratio(Peer::Tokio),
            to_best: best.and_then(|best| Some((best, ratio(best)?))),
            limit: limit.map(|limit| (limit, spreads[&limit].median)),
            to_unwatched: ratio(Peer::Unwatched),
            verdict: best.and_then(|best| {
                let is_small = |peer| {
                    let spread: Option<&Spread> = spreads.get(&peer);
                    spread.is_some_and(|spread| spread.median < metric.negligible)
                };
                if is_small(Peer::Heist) && is_small(best) {
                    Some(Verdict::Level)
                } else {
                    judge(&advantages(best))
                }
            }),
            advantages: Peer::ALL
                .into_iter()
                .filter_map(|peer| Some((peer, Spread::of(&advantages(peer))?)))
                .collect(),
            spreads,
        })
    }
}

/// All lines of a row.
pub(crate) fn lines(row: &Row, measured: &Measured) -> Vec<Line> {
    let metrics = row.metrics.iter();
    metrics
        .filter_map(|metric| Line::new(*metric, measured))
        .collect()
}

/// Those figures that there are.
fn seen(figures: Vec<Option<f64>>) -> Vec<f64> {
    figures.into_iter().flatten().collect()
}

/// Heist's figure over the rival's, of each round that has both.
fn ratios(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Vec<f64> {
    let pairs = ours.iter().zip(theirs);
    let ratio = |(ours, theirs): (&Option<f64>, &Option<f64>)| match ((*ours)?, (*theirs)?) {
        (0.0, 0.0) => Some(1.0),
        (ours, theirs) => Some(ours / theirs),
    };
    pairs.filter_map(ratio).collect()
}

/// Ahead or behind is who is so by more than 5 % in the median and in two thirds of the rounds: less
/// than that this machine cannot tell apart.
fn judge(advantages: &[f64]) -> Option<Verdict> {
    let share = |wins: &dyn Fn(f64) -> bool| {
        let wins = advantages.iter().filter(|advantage| wins(**advantage));
        3 * wins.count() >= 2 * advantages.len()
    };
    let median = median(advantages);
    if median.is_nan() {
        None
    } else if median > MARGIN && share(&|advantage| advantage > 1.0) {
        Some(Verdict::Ahead)
    } else if median < 1.0 / MARGIN && share(&|advantage| advantage < 1.0) {
        Some(Verdict::Behind)
    } else {
        Some(Verdict::Level)
    }
}

const MARGIN: f64 = 1.05;

#[cfg(test)]
mod tests;
