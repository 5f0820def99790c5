//! One mutant against its models, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::Mutant;
use super::scratch::{self, Scratch};
use crate::loom::run::{self, Failure, How};
use crate::loom::tree::Model;

/// What came of one mutant.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) verdict: Verdict,
    pub(super) seconds: f64,
}

/// How a mutant ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every model named fails.
    Killed(Vec<Death>),
    /// Some of the models named fail, these do not.
    KilledByOthers(Vec<Death>, Vec<String>),
    /// None fails, as is argued.
    Argued,
    /// None fails. With `--search`: those of the crate's others that do.
    Survived { searched: bool },
    /// It is argued that none fails, but these do.
    Stale(Vec<Death>),
    /// None that is named, but these others of the crate.
    Misnamed(Vec<Death>),
    /// The mutant does not compile.
    Broken(String),
}

/// A model that failed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Death {
    pub(super) model: String,
    pub(super) how: String,
}

impl Verdict {
    pub(super) fn is_killed(&self) -> bool {
        matches!(self, Verdict::Killed(_) | Verdict::KilledByOthers(..))
    }

    /// What to do about it, if it is not as it should be.
    pub(super) fn remedy(&self) -> Option<&str> {
        match self {
            Verdict::Killed(_) | Verdict::Argued => None,
            Verdict::KilledByOthers(..) => Some(
                "name only models that fail without it: in the ORDERING comment or in xtask/mutants.toml",
            ),
            Verdict::Survived { .. } => Some(
                "add or sharpen a model; or find it needless and remove it; or argue in \
                 xtask/mutants.toml why no model can see it",
            ),
            Verdict::Stale(_) => Some("remove the argument from xtask/mutants.toml"),
            Verdict::Misnamed(_) => {
                Some("name these in the ORDERING comment or in xtask/mutants.toml")
            }
            Verdict::Broken(errors) => Some(errors),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |deaths: &[Death]| {
            let names = deaths
                .iter()
                .map(|death| format!("{} ({})", death.model, death.how));
            names.collect::<Vec<_>>().join(", ")
        };
        match self {
            Verdict::Killed(deaths) => write!(f, "killed by {}", list(deaths)),
            Verdict::KilledByOthers(deaths, unmoved) => {
                let unmoved = unmoved.join(", ");
                write!(f, "killed by {}, NOT BY {unmoved}", list(deaths))
            }
            Verdict::Argued => f.write_str("argued"),
            Verdict::Survived { searched: false } => f.write_str("SURVIVED"),
            Verdict::Survived { searched: true } => f.write_str("SURVIVED all models"),
            Verdict::Stale(deaths) => write!(f, "ARGUED, BUT killed by {}", list(deaths)),
            Verdict::Misnamed(deaths) => write!(f, "SURVIVED, but is killed by {}", list(deaths)),
            Verdict::Broken(_) => f.write_str("DOES NOT COMPILE"),
        }
    }
}

/// How long each unchanged model took, by crate and name.
pub(super) type Baseline = BTreeMap<(String, String), Duration>;

/// Builds a mutant and lets its models at it.
pub(super) fn of(
    mutant: &Mutant,
    scratch: &Scratch,
    baseline: &Baseline,
    search: bool,
) -> anyhow::Result<Trial> {
    let start = Instant::now();
    let verdict = match scratch.build_mutant(mutant)? {
        Ok(models) => verdict(mutant, &models, baseline, search)?,
        Err(errors) => Verdict::Broken(errors),
    };
    Ok(Trial {
        verdict,
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn verdict(
    mutant: &Mutant,
    models: &[Model],
    baseline: &Baseline,
    search: bool,
) -> anyhow::Result<Verdict> {
    let (mut deaths, mut unmoved) = (Vec::new(), Vec::new());
    for name in &mutant.models {
        let usual = baseline.get(&(mutant.krate.clone(), name.clone()));
        let limit = limit(usual.copied().unwrap_or_default());
        let model = scratch::model(models, name)?;
        match play(model, limit)? {
            Outcome::Passed(_) | Outcome::Endless => unmoved.push(name.clone()),
            Outcome::Failed(how) => deaths.push(Death {
                model: name.clone(),
                how,
            }),
        }
    }
    if !deaths.is_empty() || mutant.argument.is_some() || !search {
        return Ok(judge(deaths, unmoved, mutant.argument.is_some()));
    }
    for model in models {
        if let Outcome::Failed(how) = play(model, SEARCH_LIMIT)? {
            let model = model.name().to_owned();
            deaths.push(Death { model, how });
        }
    }
    Ok(if deaths.is_empty() {
        Verdict::Survived { searched: true }
    } else {
        Verdict::Misnamed(deaths)
    })
}

/// What follows from the models named.
fn judge(deaths: Vec<Death>, unmoved: Vec<String>, argued: bool) -> Verdict {
    match (deaths.is_empty(), argued) {
        (true, true) => Verdict::Argued,
        (true, false) => Verdict::Survived { searched: false },
        (false, true) => Verdict::Stale(deaths),
        (false, false) if unmoved.is_empty() => Verdict::Killed(deaths),
        (false, false) => Verdict::KilledByOthers(deaths, unmoved),
    }
}

/// One model, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed(Duration),
    /// It fails, in this way.
    Failed(String),
    /// More permutations than time: that tells nothing.
    Endless,
}

/// Runs a model, no longer than `limit`.
pub(super) fn play(model: &Model, limit: Duration) -> anyhow::Result<Outcome> {
    let mut how = How::within(limit, false);
    how.jobs = 1;
    let outcome = run::run_one(model, &how, &|_| ())?;
    Ok(match outcome.failure {
        None => Outcome::Passed(Duration::from_secs_f64(outcome.seconds)),
        Some(Failure::TooLong(_)) => Outcome::Endless,
        Some(Failure::Hangs(_)) => Outcome::Failed("hangs".to_owned()),
        Some(failure) => Outcome::Failed(short(&failure.to_string())),
    })
}

/// The beginning of a failure's first line.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("").trim();
    let line = line.split([';', ':']).next().unwrap_or(line);
    line.chars().take(60).collect()
}

/// How long a mutant's model may take: what the unchanged one takes many times over, and a breath
/// for those that take no time at all.
fn limit(usual: Duration) -> Duration {
    Duration::from_secs(90) + 10 * usual
}

/// How long a model of a searched crate may take.
pub(super) const SEARCH_LIMIT: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests;
