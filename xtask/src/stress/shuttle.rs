//! `cargo xtask stress --shuttle`: the scenes of scheduler and reactor under shuttle, each with
//! random and with PCT schedules, as many at a time as there are cores.
//!
//! A scene is a test in a `stress` module, built with `--cfg heist_shuttle` into a target directory
//! of its own. What it is to play goes through the environment (`crates/shuttle/`).

mod job;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::cargo::{self, cargo};
use crate::process::{self, Guarded};
use crate::signals;
use crate::table::{Table, grouped};
use crate::test::Tally;
use job::{Job, jobs};

/// What to play.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Only scenes whose name contains this.
    pub(super) filter: String,
    /// Print the names instead of playing.
    pub(crate) list: bool,
    /// How long all of it may take, builds apart; a minute if nothing is said about the schedules
    /// either.
    pub(crate) time: Option<Duration>,
    /// Schedules at most, for each scene and kind of schedule.
    pub(super) iterations: Option<usize>,
    /// The first seed.
    pub(crate) seed: Option<u64>,
    /// Only this kind of schedule.
    pub(super) kind: Option<Kind>,
    /// Play the schedule in this file, and nothing else.
    pub(super) replay: Option<PathBuf>,
}

/// How shuttle chooses the thread that runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any of them, at each step.
    Random,
    /// The one of highest priority; priorities change a few times (Burckhardt et al., ASPLOS 2010).
    Pct,
}

impl Kind {
    pub(super) fn named(name: &str) -> Result<Kind, &'static str> {
        let mut kinds = [Kind::Random, Kind::Pct].into_iter();
        kinds
            .find(|kind| kind.name() == name)
            .ok_or("neither `random` nor `pct`")
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Random => "random",
            Kind::Pct => "pct",
        }
    }
}

/// Builds, plays and counts.
pub(crate) fn check(options: &Options, tally: &mut Tally) -> anyhow::Result<()> {
    let scenes = scenes(&options.filter)?;
    if options.list {
        scenes
            .iter()
            .for_each(|scene| println!("{}", scene.title()));
        return Ok(());
    }
    if scenes.is_empty() {
        println!("no scene matches");
        return Ok(());
    }
    let jobs = match &options.replay {
        Some(file) => vec![Job::replay(&scenes, file)?],
        None => jobs(&scenes, options),
    };
    let results = play_all(&jobs)?;
    report(&jobs, &results, tally)
}

/// A test in a built test program.
#[derive(Debug)]
struct Scene {
    package: String,
    name: String,
    program: PathBuf,
}

impl Scene {
    fn title(&self) -> String {
        format!("{} {}", self.package, self.short())
    }

    /// Its name without modules.
    fn short(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or(&self.name)
    }
}

/// Builds the crates under the cfg and asks their test programs what they hold.
fn scenes(filter: &str) -> anyhow::Result<Vec<Scene>> {
    let mut command = cargo(&["test", "--release", "--lib", "--no-run"]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command
        .arg("--target-dir")
        .arg(target()?)
        .env("RUSTFLAGS", "--cfg heist_shuttle")
        // Played by the ten thousand: checks on, slow optimizations off.
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    let mut scenes = Vec::new();
    for built in cargo::build(command)? {
        let mut list = Command::new(&built.path);
        list.args(["--list", "--format", "terse"]);
        let output = list.output().context("cannot list a crate's scenes")?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some(name) = line.strip_suffix(": test") else {
                continue;
            };
            if name.split("::").any(|part| part == "stress") && name.contains(filter) {
                scenes.push(Scene {
                    package: built.package.clone(),
                    name: name.to_owned(),
                    program: built.path.clone(),
                });
            }
        }
    }
    Ok(scenes)
}

fn target() -> anyhow::Result<PathBuf> {
    Ok(cargo::target_directory()?.join("shuttle"))
}

/// What came of one job.
struct Outcome {
    seconds: f64,
    schedules: u64,
    /// The seed that failed, if it was one.
    seed: Option<String>,
    error: Option<String>,
}

/// Plays them, a few at a time; the results are in the jobs' order.
fn play_all(jobs: &[Job<'_>]) -> anyhow::Result<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Outcome>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if signals::interrupted() || index >= jobs.len() {
                        return;
                    }
                    let outcome = play(&jobs[index]);
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

fn play(job: &Job<'_>) -> Outcome {
    let start = Instant::now();
    let mut outcome = Outcome {
        seconds: 0.0,
        schedules: 0,
        seed: None,
        error: None,
    };
    if let Err(error) = play_quietly(job, &mut outcome) {
        outcome.error = Some(format!("{error:#}"));
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    let (how, count) = (job.how(), grouped(outcome.schedules));
    println!(
        "  {:>6.1} s  {count:>9} {how:<6}  {}",
        outcome.seconds,
        job.scene.title()
    );
    outcome
}

/// Plays one job; its output is shown when it fails.
fn play_quietly(job: &Job<'_>, outcome: &mut Outcome) -> anyhow::Result<()> {
    let failures = job.failures()?;
    // What an earlier run left there would be taken for this one's.
    let _ = fs::remove_dir_all(&failures);
    fs::create_dir_all(&failures).context("cannot make room for schedules that fail")?;
    let (mut child, stdout) = Guarded::spawn_piped(&job.command()?)?;
    let lines = process::lines(stdout);
    let status = child.wait(job.limit());
    let lines: Vec<String> = process::rest(&lines).collect();
    let after = |key: &str| lines.iter().find_map(|line| line.strip_prefix(key));
    outcome.schedules = after("explored ").map_or(0, |count| count.parse().unwrap_or(0));
    outcome.seed = after("failing seed ").map(str::to_owned);
    let failed = !matches!(&status, Ok(status) if status.success());
    if failed && !signals::interrupted() {
        lines.iter().for_each(|line| println!("    {line}"));
    }
    let status = status?;
    if !status.success() {
        bail!("it {}", process::ended(status));
    }
    Ok(())
}

fn report(jobs: &[Job<'_>], results: &[Outcome], tally: &mut Tally) -> anyhow::Result<()> {
    let mut table = Table::new(["scene", "schedules", "played", "result", "seconds"]);
    for (job, result) in jobs.iter().zip(results) {
        let verdict = if result.error.is_none() {
            "ok"
        } else {
            "FAILED"
        };
        table.row([
            job.scene.title(),
            job.how().to_owned(),
            grouped(result.schedules),
            verdict.to_owned(),
            format!("{:.1}", result.seconds),
        ]);
    }
    println!("\n{table}");
    let mut failed = 0;
    for (job, result) in jobs.iter().zip(results) {
        if result.error.is_some() {
            failed += 1;
            job.explain(result.seed.as_deref())?;
        }
    }
    tally.failed += failed;
    tally.passed += results.len() as u64 - failed;
    if failed > 0 {
        bail!("{failed} of {} runs of a scene failed", results.len());
    }
    Ok(())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The crates that have scenes.
const PACKAGES: [&str; 2] = ["heist-scheduler", "heist-reactor"];
