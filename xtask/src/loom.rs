//! `cargo xtask loom`: the models, each in a process of its own (a model that hangs or aborts takes
//! no other one along), as many at a time as there are cores, with a table of what each took.
//!
//! A model is a test in a `models` module of scheduler or reactor, built with `--cfg heist_loom`
//! into a target directory of its own: the cfg changes every crate, and alternating would rebuild
//! the world.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lexopt::ValueExt as _;

use crate::cargo::{self, cargo};
use crate::process::{self, Guarded};
use crate::signals;
use crate::table::Table;
use crate::test::Tally;

/// What to check.
#[derive(Debug)]
pub(crate) struct Options {
    /// Only models whose name contains this.
    pub(crate) filter: String,
    /// Print the names instead of running them.
    pub(crate) list: bool,
    /// How long all of it may take.
    pub(crate) limit: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            filter: String::new(),
            list: false,
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

/// Builds, runs and counts the models.
pub(crate) fn check(options: &Options, tally: &mut Tally) -> anyhow::Result<()> {
    let deadline = Instant::now() + options.limit;
    let models = models(&options.filter)?;
    if options.list {
        models
            .iter()
            .for_each(|model| println!("{}", model.title()));
        return Ok(());
    }
    if models.is_empty() {
        println!("no model matches");
        return Ok(());
    }
    let results = run_all(&models, deadline)?;
    let mut table = Table::new(["model", "result", "seconds"]);
    for (model, result) in models.iter().zip(&results) {
        let verdict = if result.error.is_none() {
            "ok"
        } else {
            "FAILED"
        };
        let seconds = format!("{:.1}", result.seconds);
        table.row([model.title(), verdict.to_owned(), seconds]);
    }
    println!("\n{table}");
    let failed = results
        .iter()
        .filter(|result| result.error.is_some())
        .count();
    tally.failed += failed as u64;
    tally.passed += (results.len() - failed) as u64;
    for (model, result) in models.iter().zip(&results) {
        if let Some(error) = &result.error {
            println!("{}: {error}", model.title());
            println!("  repeat it with: cargo xtask loom {}", model.name);
        }
    }
    if failed > 0 {
        bail!("{failed} of {} models failed", results.len());
    }
    Ok(())
}

/// One model: a test in a built test program.
#[derive(Debug)]
struct Model {
    package: String,
    name: String,
    program: PathBuf,
}

impl Model {
    fn title(&self) -> String {
        format!("{} {}", self.package, self.name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            // Its output is captured: models of panics print in every execution.
            .args(["--exact", &self.name, "--test-threads=1"])
            .env("LOOM_MAX_PREEMPTIONS", PREEMPTIONS);
        command
    }
}

/// Builds the crates under the cfg and asks their test programs what they hold.
fn models(filter: &str) -> anyhow::Result<Vec<Model>> {
    let mut command = cargo(&["test", "--release", "--lib", "--no-run"]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command
        .arg("--target-dir")
        .arg(cargo::target_directory()?.join("loom"))
        .env("RUSTFLAGS", "--cfg heist_loom")
        // Models are explored for minutes and built often: checks on, slow optimizations off.
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    let mut models = Vec::new();
    for built in cargo::build(command)? {
        let mut list = Command::new(&built.path);
        list.args(["--list", "--format", "terse"]);
        let output = list.output().context("cannot list a crate's models")?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some(name) = line.strip_suffix(": test") else {
                continue;
            };
            if name.split("::").any(|part| part == "models") && name.contains(filter) {
                models.push(Model {
                    package: built.package.clone(),
                    name: name.to_owned(),
                    program: built.path.clone(),
                });
            }
        }
    }
    Ok(models)
}

struct Outcome {
    seconds: f64,
    error: Option<String>,
}

/// Runs them, a few at a time; the results are in the models' order.
fn run_all(models: &[Model], deadline: Instant) -> anyhow::Result<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Outcome>>> = models.iter().map(|_| Mutex::new(None)).collect();
    let runners = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..runners {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if signals::interrupted() || index >= models.len() {
                        return;
                    }
                    let outcome = run_model(&models[index], deadline);
                    println!("  {:>6.1} s  {}", outcome.seconds, models[index].title());
                    *results[index].lock().expect("no runner panics") = Some(outcome);
                }
            });
        }
    });
    signals::check()?;
    let results = results.into_iter().map(|cell| {
        let outcome = cell.into_inner().expect("no runner panics");
        outcome.expect("each index is taken once and filled")
    });
    Ok(results.collect())
}

fn run_model(model: &Model, deadline: Instant) -> Outcome {
    let start = Instant::now();
    let error = run_quietly(model, deadline).err();
    Outcome {
        seconds: start.elapsed().as_secs_f64(),
        error: error.map(|error| format!("{error:#}")),
    }
}

/// Runs one model; its output is shown when it fails.
fn run_quietly(model: &Model, deadline: Instant) -> anyhow::Result<()> {
    let (mut child, stdout) = Guarded::spawn_piped(&model.command())?;
    let lines = process::lines(stdout);
    let status = child.wait(deadline.saturating_duration_since(Instant::now()));
    let failed = !matches!(&status, Ok(status) if status.success());
    if failed && !signals::interrupted() {
        process::rest(&lines).for_each(|line| println!("    {line}"));
    }
    let status = status?;
    if !status.success() {
        bail!("it {}", process::ended(status));
    }
    Ok(())
}

/// The crates that synchronize.
const PACKAGES: [&str; 2] = ["heist-scheduler", "heist-reactor"];

/// Loom's bound: how often a thread may be preempted in one execution. Two finds all but the most
/// contrived interleavings and keeps every model in seconds.
const PREEMPTIONS: &str = "2";
