//! `cargo xtask demo --stall`: bad tasks, and what the others notice of them, on Heist and on tokio.
//!
//! The scenes are workloads of `benches/` (`workloads/stall.rs`), the same program for both, each run in
//! a process of its own with two workers. Both runtimes are in one executable here: it is pauses of
//! seconds that are to be seen, not nanoseconds.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::cargo::{self, cargo};
use crate::process;
use crate::signals;
use crate::table::Table;

/// One scene.
struct Scene {
    /// The workload's name.
    workload: &'static str,
    /// What happens.
    title: &'static str,
    /// What is looked at: the figure's name, and what it says.
    figures: &'static [(&'static str, &'static str)],
}

/// What one runtime made of one scene: the median of each figure, and what it said in the last run.
#[derive(Debug, Default)]
struct Shown {
    figures: BTreeMap<String, f64>,
    said: Vec<String>,
}

/// Runs all scenes so many times, and shows what came of each.
pub(super) fn run(runs: usize) -> anyhow::Result<()> {
    println!("building Heist and tokio in release mode");
    let mut build = cargo(&["build", "--release", "--package", "heist-benches"]);
    build.args(["--features", "tokio", "--bin", "bench-run"]);
    let built = cargo::build(build)?.pop();
    let program = built.context("cargo built no `bench-run`")?.path;
    println!(
        "two workers; 100 connections echo, a timer rings every 5 ms and spawns a task each time;\n\
         a bad task is bad for 3 s; the worst that was seen meanwhile, median of {runs}"
    );
    for scene in SCENES {
        println!("\n{}", scene.title);
        let [heist, tokio] = ["heist", "tokio"].map(|peer| show(&program, peer, scene, runs));
        let (heist, tokio) = (heist?, tokio?);
        let mut table = Table::new(["", "Heist", "tokio"]);
        for (name, what) in scene.figures {
            let cell = |shown: &Shown| figure(name, shown.figures.get(*name).copied());
            table.row([(*what).to_owned(), cell(&heist), cell(&tokio)]);
        }
        print!("{table}");
        for (peer, shown) in [("Heist", &heist), ("tokio", &tokio)] {
            for line in shown.said.iter().take(MOST_SAID) {
                println!("  {peer} says: {line}");
            }
            if shown.said.is_empty() {
                println!("  {peer} says nothing");
            }
        }
    }
    Ok(())
}

/// Runs one scene on one runtime.
fn show(program: &Path, peer: &str, scene: &Scene, runs: usize) -> anyhow::Result<Shown> {
    let mut samples: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut said = Vec::new();
    for _ in 0..runs {
        signals::check()?;
        let mut command = Command::new(program);
        command.args([peer, scene.workload, "--workers", "2"]);
        said.clear();
        let mut figures = None;
        process::run_lines(&command, LIMIT, |line| match line.strip_prefix("said ") {
            Some(report) => said.push(report.to_owned()),
            None => figures = serde_json::from_str(line).ok().or(figures.take()),
        })?;
        let figures: BTreeMap<String, f64> =
            figures.with_context(|| format!("{peer} printed no figures of {}", scene.workload))?;
        for (name, value) in figures {
            samples.entry(name).or_default().push(value);
        }
    }
    let figures = samples
        .into_iter()
        .map(|(name, values)| (name, median(values)));
    Ok(Shown {
        figures: figures.collect(),
        said,
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// In the unit that its name ends in.
fn figure(name: &str, value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if name.ends_with("_ms") => format!("{value:.1} ms"),
        Some(value) => format!("{value:.0}"),
    }
}

const GAP: (&str, &str) = ("gap_ms", "longest round of 100 echoes");
const TIMER: (&str, &str) = ("timer_ms", "latest timer");
const TASK: (&str, &str) = ("task_ms", "longest wait of such a task");

/// In the order shown.
const SCENES: &[Scene] = &[
    Scene {
        workload: "stall_sleep",
        title: "One worker sleeps in a task that has just come from the reactor",
        figures: &[GAP, TIMER, TASK],
    },
    Scene {
        workload: "stall_slot",
        title: "The same, with another task in that worker's slot",
        figures: &[
            GAP,
            TIMER,
            TASK,
            ("slot_ms", "wait of the task in the slot"),
        ],
    },
    Scene {
        workload: "stall_always",
        title: "A task that sleeps every time it is polled, ten times 300 ms",
        figures: &[GAP, TIMER, TASK],
    },
    Scene {
        workload: "stall_both",
        title: "Both workers sleep",
        figures: &[
            GAP,
            TIMER,
            TASK,
            ("spares", "spare workers started"),
            ("threads_before", "threads before"),
            ("threads_after", "threads afterwards"),
        ],
    },
    Scene {
        workload: "stall_spin",
        title: "One worker computes without a pause",
        figures: &[GAP, TIMER, TASK],
    },
    Scene {
        workload: "stall_shutdown",
        title: "A shutdown under 10,000 waiting tasks, a stuck one and a stuck blocking job",
        figures: &[
            ("grace_ms", "grace"),
            ("took_ms", "took"),
            ("named", "stragglers named"),
        ],
    },
];

/// Lines of what a runtime says that are shown.
const MOST_SAID: usize = 3;

/// A scene that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
