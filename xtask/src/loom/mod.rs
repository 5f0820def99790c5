//! `cargo xtask loom`: the models, each in a process of its own, as many at a time as there are
//! cores, with a table of what each explored; and for one that fails, the steps that led there.

pub(crate) mod tree;
mod report;
pub(crate) mod run;
mod screen;
mod stack;
mod trace;
mod failure;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use lexopt::ValueExt as _;

use crate::mutants;
use crate::table::{Table, grouped};
use crate::test::Tally;
use run::{How, Outcome};
use screen::Screen;
use tree::{Model, Tree};

/// What to check.
#[derive(Debug)]
pub(crate) struct Options {
    /// Only models whose name contains this.
    pub(crate) filter: String,
    /// Every bound raised by one.
    pub(crate) deep: bool,
    /// Print what there is instead of running it.
    pub(crate) list: bool,
    /// Play the permutation in this file instead.
    pub(crate) replay: Option<PathBuf>,
    /// How long all of it may take.
    pub(crate) limit: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            filter: String::new(),
            deep: false,
            list: false,
            replay: None,
            limit: Duration::from_secs(60 * 60),
        }
    }
}

/// Runs the command.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("list") => options.list = true,
            lexopt::Arg::Long("mutants") => {
                return mutants::run(args, options.filter, options.list);
            }
            lexopt::Arg::Long("deep") => {
                options.deep = true;
                options.limit = DEEP;
            }
            lexopt::Arg::Long("replay") => options.replay = Some(args.value()?.into()),
            lexopt::Arg::Value(filter) => options.filter = filter.string()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let mut tally = Tally::default();
    let outcome = check(&options, &mut tally);
    if !options.list {
        println!("{} passed, {} failed", tally.passed, tally.failed);
    }
    outcome
}

/// Lints what only a build for loom compiles.
pub(crate) fn clippy() -> anyhow::Result<Command> {
    let mut command = Tree::ours()?.cargo("clippy");
    command.args(["--all-targets", "--keep-going", "--", "-D", "warnings"]);
    Ok(command)
}

/// Builds, runs and counts the models.
pub(crate) fn check(options: &Options, tally: &mut Tally) -> anyhow::Result<()> {
    let tree = Tree::ours()?;
    let mut models = tree.build()?;
    if let Some(file) = &options.replay {
        let failed = failure::replay(&models, &options.filter, file)?;
        tally.failed += u64::from(failed);
        tally.passed += u64::from(!failed);
        return match failed {
            true => bail!("it fails still"),
            false => Ok(()),
        };
    }
    models.retain(|model| model.test.contains(&options.filter));
    if models.is_empty() {
        bail!(
            "no model's name contains `{}`: see cargo xtask loom --list",
            options.filter
        );
    }
    let how = How::within(options.limit, options.deep);
    if options.list {
        return list(&models, &how);
    }
    let outcomes = run_shown(&models, &how, &tree.target)?;
    let failed: Vec<(&Model, &Outcome)> = models
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| outcome.failure.is_some())
        .collect();
    tally.failed += failed.len() as u64;
    tally.passed += (outcomes.len() - failed.len()) as u64;
    for (model, outcome) in failed.iter().take(EXPLAINED) {
        failure::explain(model, outcome, options.deep)?;
    }
    println!("\n{}", table(&models, &outcomes));
    match failed.len() {
        0 => Ok(()),
        failed => bail!("{failed} of {} models failed", outcomes.len()),
    }
}

/// Prints what there is.
fn list(models: &[Model], how: &How) -> anyhow::Result<()> {
    let mut table = Table::new(["package", "model", "bound", "claim"]).left([1, 3]);
    for model in models {
        let bound = run::bound(model, how)?;
        table.row([
            model.package.clone(),
            model.name().to_owned(),
            bound.map_or("-".to_owned(), |bound| bound.to_string()),
            model.claim.clone(),
        ]);
    }
    print!("{table}");
    Ok(())
}

/// Runs them, shown on the screen; remembers how long each takes.
fn run_shown(models: &[Model], how: &How, target: &Path) -> anyhow::Result<Vec<Outcome>> {
    let file = target.join("seconds.json");
    let known = fs::read_to_string(&file).unwrap_or_default();
    let mut seconds: BTreeMap<String, f64> = serde_json::from_str(&known).unwrap_or_default();
    let screen = Screen::new(models.len());
    let outcomes = run::run_all(models, how, &seconds, &|model, progress| {
        screen.show(model, progress);
    });
    screen.clear();
    let outcomes = outcomes?;
    for (model, outcome) in models.iter().zip(&outcomes) {
        seconds.insert(model.name().to_owned(), outcome.seconds);
    }
    // Only a hint for the next time: nothing is lost without it.
    let _ = serde_json::to_string(&seconds).map(|text| fs::write(file, text));
    Ok(outcomes)
}

fn table(models: &[Model], outcomes: &[Outcome]) -> Table {
    let columns = ["model", "claim", "bound", "permutations", "seconds", ""];
    let mut table = Table::new(columns).left([1, 5]);
    for (model, outcome) in models.iter().zip(outcomes) {
        let bound = outcome.report.bound;
        let verdict = if outcome.failure.is_none() {
            ""
        } else {
            "FAILED"
        };
        table.row([
            model.name().to_owned(),
            model.claim.clone(),
            bound.map_or("-".to_owned(), |bound| bound.to_string()),
            grouped(outcome.report.explored),
            format!("{:.1}", outcome.seconds),
            verdict.to_owned(),
        ]);
    }
    table
}

/// So many failures are told step by step; the others only named.
const EXPLAINED: usize = 5;

/// How long one bound deeper may take.
const DEEP: Duration = Duration::from_secs(24 * 60 * 60);
