//! `cargo xtask loom --mutants`: shows that the models can fail. Each happens-before edge is
//! weakened and each guarding check broken, one at a time, in a scratch copy of the workspace; the
//! models that are said to notice must fail.
//!
//! The weakened orderings are [derived](mod@derive) from the sources, with the models of their ORDERING
//! comments; the broken checks are listed in `xtask/mutants.toml` ([`data`]), as are the arguments
//! for those that no model can kill. [`plan`] holds both against the sources; [`sweep`] builds them
//! ([`scratch`]) and runs the models ([`trial`]).

mod data;
mod derive;
pub(crate) mod plan;
mod scratch;
mod sweep;
mod trial;

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lexopt::ValueExt as _;
use serde_json::{Value, json};

use trial::{Trial, Verdict};

/// One change to one file, and the models that must notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// Unique; starts with the crate's directory.
    name: String,
    /// The crate's directory.
    krate: String,
    /// Relative to the workspace's root.
    path: String,
    /// The bytes to replace.
    range: Range<usize>,
    /// What with.
    new: String,
    /// Each of them fails.
    models: Vec<String>,
    /// Why no model fails, if none does.
    argument: Option<String>,
}

impl Mutant {
    /// The mutated file.
    fn apply(&self, text: &str) -> String {
        let (before, after) = (&text[..self.range.start], &text[self.range.end..]);
        format!("{before}{}{after}", self.new)
    }
}

/// What to do.
#[derive(Debug, Default)]
struct Options {
    /// Only mutants whose name contains this.
    filter: String,
    /// Name them, and run nothing.
    list: bool,
    /// Let a survivor meet every model of its crate.
    search: bool,
    /// Where to write the results as JSON.
    json: Option<PathBuf>,
}

/// Runs the command; `--mutants` has been read, and what stood before it.
pub(crate) fn run(mut args: lexopt::Parser, filter: String, list: bool) -> anyhow::Result<()> {
    let mut options = Options {
        filter,
        list,
        ..Options::default()
    };
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("list") => options.list = true,
            lexopt::Arg::Long("search") => options.search = true,
            lexopt::Arg::Long("json") => options.json = Some(args.value()?.into()),
            lexopt::Arg::Value(filter) => options.filter = filter.string()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let mut mutants = plan::read()?;
    mutants.retain(|mutant| mutant.name.contains(&options.filter));
    if options.list {
        for mutant in &mutants {
            let survives = mutant.argument.as_ref().map_or("", |_| " (argued)");
            println!("{}{survives}", mutant.name);
        }
        return Ok(());
    }
    if mutants.is_empty() {
        bail!("no mutant's name contains `{}`", options.filter);
    }
    let start = Instant::now();
    let trials = sweep::run(&mutants, options.search)?;
    if let Some(path) = &options.json {
        let text = format!("{:#}\n", json(&mutants, &trials));
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    report(&mutants, &trials, start.elapsed())
}

fn report(mutants: &[Mutant], trials: &[Trial], took: Duration) -> anyhow::Result<()> {
    println!();
    for (mutant, trial) in mutants.iter().zip(trials) {
        // Two lines: names and verdicts are both long.
        println!("{:>7.1} s  {}", trial.seconds, mutant.name);
        println!("{:>11}{}", "", trial.verdict);
    }
    println!();
    for (mutant, trial) in mutants.iter().zip(trials) {
        match (&trial.verdict, &mutant.argument) {
            (Verdict::Argued, Some(argument)) => {
                println!("argued: {}\n    {}", mutant.name, argument.trim());
            }
            (verdict, _) => {
                if let Some(remedy) = verdict.remedy() {
                    println!("FAILED: {}: {verdict}\n    {remedy}", mutant.name);
                }
            }
        }
    }
    let count = |wanted: fn(&Verdict) -> bool| {
        let verdicts = trials.iter().map(|trial| &trial.verdict);
        verdicts.filter(|verdict| wanted(verdict)).count()
    };
    let wrong = count(|verdict| verdict.remedy().is_some());
    println!("{:.0} s", took.as_secs_f64());
    println!(
        "{} killed, {} argued, {} survived of {}",
        count(Verdict::is_killed),
        count(|verdict| matches!(verdict, Verdict::Argued)),
        count(|verdict| matches!(verdict, Verdict::Survived { .. })),
        trials.len()
    );
    if wrong > 0 {
        bail!(
            "{wrong} of {} mutants are not as they are said to be",
            trials.len()
        );
    }
    Ok(())
}

fn json(mutants: &[Mutant], trials: &[Trial]) -> Value {
    let all = mutants.iter().zip(trials).map(|(mutant, trial)| {
        json!({
            "name": mutant.name,
            "file": mutant.path,
            "verdict": trial.verdict.to_string(),
            "ok": trial.verdict.remedy().is_none(),
            "seconds": trial.seconds,
            "argument": mutant.argument,
        })
    });
    Value::Array(all.collect())
}

#[cfg(test)]
mod tests;
