//! One run of one scene: which process plays what, and how to see its failure again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Kind, Options, Scene, cores, target};
use crate::cargo;
use crate::stress::{DEFAULT_TIME, any_seed};

/// One scene and what to play of it.
pub(super) struct Job<'a> {
    pub(super) scene: &'a Scene,
    what: What,
}

enum What {
    Explore {
        kind: Kind,
        seed: u64,
        iterations: Option<usize>,
        time: Option<Duration>,
    },
    Replay(PathBuf),
}

/// Each scene with each kind of schedule, all of them within the time on the cores there are.
pub(super) fn jobs<'a>(scenes: &'a [Scene], options: &Options) -> Vec<Job<'a>> {
    let kinds = match options.kind {
        Some(kind) => vec![kind],
        None => vec![Kind::Random, Kind::Pct],
    };
    let limited = options.time.is_some() || options.iterations.is_some();
    let time = if limited {
        options.time
    } else {
        Some(DEFAULT_TIME)
    };
    let rounds = (scenes.len() * kinds.len()).div_ceil(cores());
    let time = time.map(|time| time.div_f64(rounds as f64));
    let seed = options.seed.unwrap_or_else(any_seed);
    let jobs = scenes.iter().flat_map(|scene| {
        kinds.iter().map(move |&kind| Job {
            scene,
            what: What::Explore {
                kind,
                seed,
                iterations: options.iterations,
                time,
            },
        })
    });
    println!("seed {seed}");
    jobs.collect()
}

impl<'a> Job<'a> {
    pub(super) fn replay(scenes: &'a [Scene], file: &Path) -> anyhow::Result<Job<'a>> {
        let [scene] = scenes else {
            bail!("a schedule is one scene's: name it, as the failure did");
        };
        let file = fs::canonicalize(file)
            .with_context(|| format!("cannot find the schedule {}", file.display()))?;
        Ok(Job {
            scene,
            what: What::Replay(file),
        })
    }

    /// When it must be over: shuttle stops by itself at a scene that hangs, unless a schedule never
    /// comes back to it.
    pub(super) fn limit(&self) -> Duration {
        match &self.what {
            What::Explore {
                time: Some(time), ..
            } => *time + Duration::from_secs(10 * 60),
            _ => Duration::from_secs(24 * 60 * 60),
        }
    }

    pub(super) fn how(&self) -> &'static str {
        match &self.what {
            What::Explore { kind, .. } => kind.name(),
            What::Replay(_) => "replay",
        }
    }

    /// Where a schedule that fails is written to.
    pub(super) fn failures(&self) -> anyhow::Result<PathBuf> {
        let name = format!("{}-{}", self.scene.short(), self.how());
        Ok(target()?.join("failures").join(name))
    }

    pub(super) fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.scene.program);
        command
            .args(["--exact", &self.scene.name])
            // What the scene and shuttle print comes to us at the end, in one piece.
            .args(["--test-threads=1", "--show-output"]);
        match &self.what {
            What::Explore {
                kind,
                seed,
                iterations,
                time,
            } => {
                let most = iterations.unwrap_or(usize::MAX);
                command
                    .env("RUST_BACKTRACE", "0")
                    .env("HEIST_SCHEDULE", kind.name())
                    .env("HEIST_SEED", seed.to_string())
                    .env("HEIST_ITERATIONS", most.to_string())
                    .env("HEIST_FAILURES", self.failures()?);
                if let Some(time) = time {
                    command.env("HEIST_SECONDS", time.as_secs_f64().to_string());
                }
            }
            What::Replay(file) => {
                // Once is cheap enough to tell where everyone was.
                command
                    .env("RUST_BACKTRACE", "1")
                    .env("HEIST_REPLAY", file)
                    .env("SHUTTLE_CAPTURE_BACKTRACE", "1");
            }
        }
        Ok(command)
    }

    /// Tells how to see a failure again.
    pub(super) fn explain(&self, seed: Option<&str>) -> anyhow::Result<()> {
        println!("{} failed ({})", self.scene.title(), self.how());
        let scene = self.scene.short();
        if let (What::Explore { kind, .. }, Some(seed)) = (&self.what, seed) {
            let kind = kind.name();
            println!(
                "  that seed again:  cargo xtask stress --shuttle {scene} --schedule {kind} --seed {seed} --iterations 1"
            );
        }
        if let (What::Explore { .. }, Some(file)) = (&self.what, last_file(&self.failures()?)) {
            let file = file.strip_prefix(cargo::root()).unwrap_or(&file).display();
            println!("  that schedule:    cargo xtask stress --shuttle {scene} --replay {file}");
        }
        Ok(())
    }
}

/// The file that was written last: a schedule is written when the first panic comes, and again
/// with what followed.
fn last_file(directory: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    entries.map(|entry| entry.path()).max()
}
