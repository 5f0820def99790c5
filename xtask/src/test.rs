//! `cargo xtask test`: everything a change must pass, step by step, and each step as a command of
//! its own. Stops at the first step that fails, naming the command that repeats it.

use std::fmt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::cargo::cargo;
use crate::signals::Interrupted;
use crate::{bench, coming_from, loom, process, tidy};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Formatting.
    Fmt,
    /// The workspace's own rules.
    Tidy,
    /// Lints.
    Clippy,
    /// Documentation.
    Doc,
    /// What of tokio is here.
    ComingFrom,
    /// Unit, integration and doc tests.
    Suite,
    /// Loom models.
    Loom,
    /// Instruction counts beside the committed ones.
    Instructions,
}

/// The error of a step that cannot be taken here: it fails nobody, but it is said, and said again at
/// the end.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skipped {}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those that passed.
    pub(crate) passed: u64,
    /// Those that failed.
    pub(crate) failed: u64,
}

/// Runs all steps, or all quick ones.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut quick = false;
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("quick") => quick = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let steps = Step::ALL
        .into_iter()
        .filter(|step| !(quick && step.is_slow()));
    let mut tally = Tally::default();
    let mut skipped = Vec::new();
    let start = Instant::now();
    for step in steps {
        match timed(step, &mut tally) {
            Err(error) if error.is::<Skipped>() => skipped.push((step, error)),
            outcome => outcome.inspect_err(|_| {
                println!("\n{} passed, {} failed", tally.passed, tally.failed);
            })?,
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    match skipped.is_empty() {
        true => println!("\nall steps ok in {seconds:.0} s"),
        false => println!("\nall steps that were taken ok in {seconds:.0} s"),
    }
    for (step, why) in skipped {
        println!("SKIPPED {}: {why:#}", step.name());
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(())
}

/// Runs a single step.
pub(crate) fn run_one(step: Step, mut args: lexopt::Parser) -> anyhow::Result<()> {
    if let Some(arg) = args.next()? {
        return Err(arg.unexpected().into());
    }
    let mut tally = Tally::default();
    let outcome = timed(step, &mut tally);
    if step == Step::Suite {
        println!("\n{} passed, {} failed", tally.passed, tally.failed);
    }
    match outcome {
        Err(error) if error.is::<Skipped>() => Ok(()),
        outcome => outcome,
    }
}

fn timed(step: Step, tally: &mut Tally) -> anyhow::Result<()> {
    println!("\n── {} ──", step.title());
    let start = Instant::now();
    let outcome = step.run(tally);
    let seconds = start.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => println!("── {} ok, {seconds:.1} s", step.name()),
        Err(error) if error.is::<Interrupted>() => return Err(error),
        Err(error) if error.is::<Skipped>() => {
            println!("── {} SKIPPED: {error:#} ──", step.name());
            return Err(error);
        }
        Err(error) => {
            return Err(error.context(format!(
                "{} failed after {seconds:.1} s; repeat it with `cargo xtask {}`",
                step.name(),
                step.name()
            )));
        }
    }
    Ok(())
}

impl Tally {
    /// Adds what a closing line of libtest says, if it is one.
    pub(crate) fn count(&mut self, line: &str) {
        if let Some((passed, failed)) = test_result(line) {
            self.passed += passed;
            self.failed += failed;
        }
    }
}

impl Step {
    /// In the order they run: the quick and the likely to fail first.
    const ALL: [Step; 8] = [
        Step::Fmt,
        Step::Tidy,
        Step::Clippy,
        Step::Doc,
        Step::ComingFrom,
        Step::Suite,
        Step::Loom,
        Step::Instructions,
    ];

    /// The step that `cargo xtask NAME` runs.
    pub(crate) fn named(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Step::Fmt => "fmt",
            Step::Tidy => "tidy",
            Step::Clippy => "clippy",
            Step::Doc => "doc",
            Step::ComingFrom => "coming-from",
            Step::Suite => "suite",
            Step::Loom => "loom",
            Step::Instructions => "instructions",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Step::Fmt => "fmt: formatting",
            Step::Tidy => "tidy: the workspace's own rules",
            Step::Clippy => "clippy: lints, warnings denied",
            Step::Doc => "doc: documentation with private items, warnings denied",
            Step::ComingFrom => "coming-from: docs/coming-from.md beside rustdoc's pages",
            Step::Suite => "suite: unit, integration and doc tests",
            Step::Loom => "loom: the models",
            Step::Instructions => "instructions: per operation, beside benches/baselines/main.json",
        }
    }

    /// Left out by `--quick`.
    fn is_slow(self) -> bool {
        matches!(
            self,
            Step::Doc | Step::ComingFrom | Step::Loom | Step::Instructions
        )
    }

    /// How long the step may take, dependencies built and all, on two slow cores. The sum stays
    /// below an hour.
    fn limit(self) -> Duration {
        Duration::from_secs(60)
            * match self {
                Step::Fmt | Step::Tidy => 1,
                Step::Clippy => 10,
                Step::Doc => 7,
                Step::ComingFrom => 3,
                Step::Suite => 18,
                Step::Loom => 14,
                Step::Instructions => 5,
            }
    }

    fn run(self, tally: &mut Tally) -> anyhow::Result<()> {
        match self {
            Step::Fmt => process::run(&cargo(&["fmt", "--all", "--check"]), self.limit()),
            Step::Tidy => tidy::run(),
            Step::Clippy => {
                let mut command = workspace("clippy");
                command.args(["--all-targets", "--keep-going", "--", "-D", "warnings"]);
                process::run(&command, self.limit())?;
                process::run(&loom::clippy()?, self.limit())
            }
            Step::Doc => {
                let mut command = workspace("doc");
                command
                    .args(["--no-deps", "--document-private-items", "--keep-going"])
                    .env("RUSTDOCFLAGS", "-D warnings");
                process::run(&command, self.limit())
            }
            Step::ComingFrom => coming_from::check(self.limit(), false),
            Step::Suite => suite(self.limit(), tally),
            Step::Instructions => bench::compare_with_main(self.limit()),
            Step::Loom => {
                let models = loom::Options {
                    limit: self.limit(),
                    ..loom::Options::default()
                };
                loom::check(&models, tally)
            }
        }
    }
}

/// A cargo command over everything that is in the workspace.
fn workspace(command: &str) -> Command {
    cargo(&[command, "--workspace", "--all-features"])
}

/// Runs the tests, all of them even when some fail, and counts.
fn suite(limit: Duration, tally: &mut Tally) -> anyhow::Result<()> {
    let mut all = workspace("test");
    all.args(["--no-fail-fast", "--exclude", "heist-benches"]);
    // Without the rival runtimes: no test needs them, and they take as long to build as the rest.
    let benches = cargo(&["test", "--no-fail-fast", "--package", "heist-benches"]);
    let outcomes = [all, benches].map(|command| {
        process::run_lines(&command, limit, |line| {
            println!("{line}");
            tally.count(line);
        })
    });
    let both: anyhow::Result<()> = outcomes.into_iter().collect();
    both.context("a test failed, did not build or hangs (see above)")
}

/// The counts in one of libtest's closing lines: `test result: ok. 3 passed; 0 failed; …`.
fn test_result(line: &str) -> Option<(u64, u64)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = counts.split("; ").map(|part| part.split_once(' '));
    let mut next = |word: &str| match counts.next()?? {
        (count, name) if name == word => count.parse().ok(),
        _ => None,
    };
    Some((next("passed")?, next("failed")?))
}

#[cfg(test)]
mod tests;
