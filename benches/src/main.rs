//! `bench-run PEER WORKLOAD [--workers N] [--ops N] [--width N] [--seconds S] [--counted]
//! [--no-busy-waits]`: one workload on one peer, once, in this process. Prints its figures as one line of
//! JSON, or, for a network workload, `listening on ADDR`, and serves until it is ended.
//!
//! `cargo xtask bench` starts it, a fresh process for each run.

#![cfg_attr(
    not(any(feature = "heist", feature = "tokio")),
    expect(unused, reason = "a build without peers only refuses their names")
)]

mod measure;
mod runtime;
mod workloads;
mod peers;

use std::process::ExitCode;

use lexopt::ValueExt as _;

/// What to run and how much of it. What a number means is said where the workload is.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The workload's name.
    pub(crate) workload: String,
    /// Worker threads; at least 1.
    pub(crate) workers: usize,
    /// Operations, over all workers.
    pub(crate) ops: u64,
    /// Tasks, pairs or bytes side by side, whatever the workload has several of.
    pub(crate) width: usize,
    /// How long a workload takes that lasts for a time instead of a number of operations.
    pub(crate) seconds: f64,
    /// Whether instructions are being counted. Then there is no warm-up, because it would be counted
    /// too, and nothing that a runtime does by the clock.
    pub(crate) counted: bool,
    /// Whether Heist's watchdog is there, and reports slow polls.
    #[cfg_attr(not(feature = "heist"), expect(dead_code, reason = "Heist's alone"))]
    pub(crate) watched: bool,
    /// Whether Heist's workers may look for events before they block.
    pub(crate) busy_waits: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let (peer, job) = parse(lexopt::Parser::from_env())?;
    let outcome = peers::run(&peer, &job)?;
    println!("{}", outcome.json());
    Ok(())
}

fn parse(mut args: lexopt::Parser) -> Result<(String, Job), lexopt::Error> {
    let mut names = Vec::new();
    let mut job = Job {
        workload: String::new(),
        workers: 2,
        ops: 1000,
        width: 1,
        seconds: 1.0,
        counted: false,
        watched: true,
        busy_waits: true,
    };
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Value(name) => names.push(name.string()?),
            lexopt::Arg::Long("workers") => job.workers = args.value()?.parse()?,
            lexopt::Arg::Long("ops") => job.ops = args.value()?.parse()?,
            lexopt::Arg::Long("width") => job.width = args.value()?.parse()?,
            lexopt::Arg::Long("seconds") => job.seconds = args.value()?.parse()?,
            lexopt::Arg::Long("counted") => job.counted = true,
            lexopt::Arg::Long("no-busy-waits") => job.busy_waits = false,
            other => return Err(other.unexpected()),
        }
    }
    if job.workers == 0 || job.ops == 0 || job.width == 0 {
        return Err("--workers, --ops and --width must be at least 1".into());
    }
    match <[String; 2]>::try_from(names) {
        Ok([peer, workload]) => Ok((peer, Job { workload, ..job })),
        Err(_) => Err("which peer and which workload? bench-run PEER WORKLOAD".into()),
    }
}
