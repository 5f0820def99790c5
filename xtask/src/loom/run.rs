//! Running models: each in a process of its own (one that hangs or aborts takes no other along),
//! as many at a time as asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::report::{Follower, Report};
use super::tree::Model;
use crate::process::{self, Guarded};
use crate::signals;

/// How far, how long, and how many at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Every bound raised by one.
    pub(crate) deep: bool,
    /// How long one model may take.
    pub(crate) each: Duration,
    /// When all of them must be over.
    pub(crate) deadline: Instant,
    /// How many run at once.
    pub(crate) jobs: usize,
}

impl How {
    /// As many at once as there are cores, and all of them within `limit`.
    pub(crate) fn within(limit: Duration, deep: bool) -> How {
        How {
            deep,
            each: limit,
            deadline: Instant::now() + limit,
            jobs: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// What came of one model.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// What it told.
    pub(crate) report: Report,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Why it failed, if it did.
    pub(crate) failure: Option<Failure>,
}

/// Why a model failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A permutation panicked: an assertion, or loom. The message, where it came from first.
    Panicked(Vec<String>),
    /// The process ended otherwise than by a panic, and what it printed last.
    Ended(String, Vec<String>),
    /// A permutation does not end: something waits or spins out of loom's sight.
    Hangs(Duration),
    /// There were more permutations than time.
    TooLong(Duration),
    /// It succeeded without exploring anything.
    Nothing,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panicked(message) => {
                let said = message.iter().find(|line| !line.starts_with("at "));
                let said = said.map_or("panicked without a message", String::as_str);
                match said.starts_with("deadlock;") {
                    true => f.write_str("deadlock: no thread can go on"),
                    false => f.write_str(said),
                }
            }
            Failure::Ended(how, _) => f.write_str(how),
            Failure::Hangs(limit) => write!(
                f,
                "a permutation did not end within {} s: something waits or spins out of loom's sight",
                limit.as_secs()
            ),
            Failure::TooLong(limit) => write!(
                f,
                "not all permutations were explored within {} s: shrink the scene or its bound",
                limit.as_secs()
            ),
            Failure::Nothing => {
                f.write_str("fewer than two permutations: it explores nothing with `model`")
            }
        }
    }
}

/// Runs them, the longest first as far as `seconds` knows them; the outcomes are in the models'
/// order. `watch` is told of each as it goes on, and of its outcome in the end.
pub(crate) fn run_all(
    models: &[Model],
    how: &How,
    seconds: &BTreeMap<String, f64>,
    watch: &(dyn Fn(&Model, Progress<'_>) + Sync),
) -> anyhow::Result<Vec<Outcome>> {
    let mut order: Vec<usize> = (0..models.len()).collect();
    // Those that are not known might be long.
    let known = |index: usize| *seconds.get(models[index].name()).unwrap_or(&f64::INFINITY);
    order.sort_by(|&a, &b| known(b).total_cmp(&known(a)));
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<anyhow::Result<Outcome>>>> =
        models.iter().map(|_| Mutex::new(None)).collect();
    let runner = || {
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let model = &models[index];
            let outcome = run_one(model, how, &|progress| watch(model, progress));
            let failed = outcome.is_err();
            *outcomes[index].lock().expect("no runner panics") = Some(outcome);
            if failed {
                return;
            }
        }
    };
    thread::scope(|scope| (0..how.jobs).for_each(|_| drop(scope.spawn(runner))));
    signals::check()?;
    let outcomes = outcomes
        .into_iter()
        .filter_map(|cell| cell.into_inner().expect("as above"));
    // A model that could not be run at all is an error, and leaves those after it without outcome.
    outcomes.collect()
}

/// A sign of life.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Progress<'a> {
    /// It goes on, and this is what it has told.
    Runs(&'a Report),
    /// It is over.
    Ended(&'a Outcome),
}

/// Runs one model from its beginning.
pub(crate) fn run_one(
    model: &Model,
    how: &How,
    watch: &dyn Fn(Progress<'_>),
) -> anyhow::Result<Outcome> {
    let directory = fresh_directory(model)?;
    let limits = Limits {
        silence: SILENCE,
        end: how.deadline.min(Instant::now() + how.each),
    };
    let start = Instant::now();
    let (report, ended) = follow(&model.command(how.deep), &directory, limits, |report| {
        watch(Progress::Runs(report));
    })?;
    let failure = failure(&report, ended, &directory);
    let outcome = Outcome {
        report,
        seconds: start.elapsed().as_secs_f64(),
        failure,
    };
    watch(Progress::Ended(&outcome));
    Ok(outcome)
}

/// The bound that a model would be run with, if it explores anything.
pub(crate) fn bound(model: &Model, how: &How) -> anyhow::Result<Option<usize>> {
    let directory = fresh_directory(model)?;
    let limits = Limits {
        silence: SILENCE,
        end: how.deadline,
    };
    let mut command = model.command(how.deep);
    command.env("HEIST_LOOM_ASK", "bounds");
    let (report, _) = follow(&command, &directory, limits, |_| ())?;
    Ok(report.bound)
}

fn fresh_directory(model: &Model) -> anyhow::Result<PathBuf> {
    let directory = model.directory();
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).context("cannot make a directory for a model's files")?;
    Ok(directory)
}

/// How long a model may be silent, and when it must be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) silence: Duration,
    pub(super) end: Instant,
}

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    Itself(ExitStatus),
    Silent(Duration),
    Late(Duration),
}

/// Runs a model's command to its end and reads its report meanwhile. What it prints goes to
/// `output` in `directory`.
pub(super) fn follow(
    command: &Command,
    directory: &Path,
    limits: Limits,
    mut watch: impl FnMut(&Report),
) -> anyhow::Result<(Report, Ended)> {
    let output = File::create(directory.join("output")).context("cannot create a file")?;
    let mut child = Guarded::spawn_into(command, output)?;
    let mut follower = Follower::new(&directory.join("report"));
    let mut report = Report::default();
    let start = Instant::now();
    let mut heard = start;
    loop {
        // In this order: what it tells before it ends is read after it has.
        let status = child.try_wait()?;
        if follower.read(&mut report).context("cannot read a report")? {
            heard = Instant::now();
        }
        watch(&report);
        if let Some(status) = status {
            return Ok((report, Ended::Itself(status)));
        }
        signals::check()?;
        let ended = match () {
            () if heard.elapsed() > limits.silence => Ended::Silent(limits.silence),
            () if Instant::now() > limits.end => Ended::Late(start.elapsed()),
            () => {
                thread::sleep(POLL);
                continue;
            }
        };
        child.stop(Duration::from_secs(1))?;
        return Ok((report, ended));
    }
}

fn failure(report: &Report, ended: Ended, directory: &Path) -> Option<Failure> {
    match ended {
        Ended::Silent(limit) => Some(Failure::Hangs(limit)),
        Ended::Late(limit) => Some(Failure::TooLong(limit)),
        Ended::Itself(status) => match report.panics.first() {
            Some(panic) if !status.success() => Some(Failure::Panicked(panic.clone())),
            _ if !status.success() => {
                let output = fs::read_to_string(directory.join("output")).unwrap_or_default();
                let lines: Vec<String> = output.lines().map(str::to_owned).collect();
                let last = lines[lines.len().saturating_sub(OUTPUT)..].to_vec();
                Some(Failure::Ended(process::ended(status), last))
            }
            _ => (report.explored < 2).then_some(Failure::Nothing),
        },
    }
}

/// A model that tells nothing for so long hangs: it tells of every few permutations, and each is a
/// matter of milliseconds.
const SILENCE: Duration = Duration::from_secs(60);

/// How often a running model is looked at.
const POLL: Duration = Duration::from_millis(10);

/// So many lines of a process's output are shown.
const OUTPUT: usize = 20;

#[cfg(test)]
mod tests;
