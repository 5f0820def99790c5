//! A model that failed: which permutation it was, its steps, and how to see it again.
//!
//! The permutation is found by going on from the last checkpoint with one before each
//! (`crates/loom/src/lib.rs` tells how), and then played once more, recorded. Its schedule is kept in a
//! file, from which it can be played again as long as the code stays the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::run::{Ended, Failure, Limits, Outcome, follow};
use super::trace::Trace;
use super::tree::Model;

/// A permutation that can be played again.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// The model's package and name.
    package: String,
    name: String,
    /// Which of the model's scenes.
    scene: usize,
    /// Loom's own: each decision that led there.
    path: Value,
    /// The program it was found in.
    program: u64,
}

/// Prints why a model failed, and the last steps of the permutation that did.
pub(crate) fn explain(model: &Model, outcome: &Outcome, deep: bool) -> anyhow::Result<()> {
    let Some(failure) = &outcome.failure else {
        return Ok(());
    };
    println!("\nFAILED {} {}", model.package, model.name());
    println!("  claim: {}", model.claim);
    let repeat = format!(
        "cargo xtask loom {}{}",
        model.name(),
        if deep { " --deep" } else { "" }
    );
    let explored = outcome.report.explored;
    match failure {
        Failure::TooLong(_) | Failure::Nothing => {
            println!("  {failure} ({explored} so far)\n  repeat it with: {repeat}");
            return Ok(());
        }
        Failure::Ended(how, output) => {
            println!("  {how} after at least {explored} permutations; it printed last:");
            output.iter().for_each(|line| println!("    {line}"));
        }
        Failure::Hangs(_) => println!("  {failure}, after at least {explored} others"),
        Failure::Panicked(_) => println!("  permutation {explored}"),
    }
    let Some(replay) = Replay::find(model, outcome.report.scene, deep)? else {
        println!("  it did not fail when it was played again; repeat it with: {repeat}");
        return Ok(());
    };
    let trace = replay.play(model)?.trace;
    tell(&trace, Some(LAST));
    let file = replay.save(&model.directory())?;
    let file = file.strip_prefix(model.root()).unwrap_or(&file);
    println!(
        "  see all of it: cargo xtask loom {} --replay {}",
        model.name(),
        file.display()
    );
    println!("  repeat it with: {repeat}");
    Ok(())
}

/// Plays what a file holds and prints all of it; whether it fails still.
pub(crate) fn replay(models: &[Model], filter: &str, file: &Path) -> anyhow::Result<bool> {
    let replay = Replay::load(file)?;
    if !replay.name.contains(filter) {
        bail!(
            "{} holds a permutation of {}, not of {filter}",
            file.display(),
            replay.name
        );
    }
    let is_it = |model: &&Model| model.package == replay.package && model.name() == replay.name;
    let Some(model) = models.iter().find(is_it) else {
        bail!(
            "there is no model {} {} any more",
            replay.package,
            replay.name
        );
    };
    println!(
        "{} {}\n  claim: {}",
        model.package,
        model.name(),
        model.claim
    );
    if replay.program != model.fingerprint()? {
        println!("  built otherwise than when this was found: the schedule may not fit any more");
    }
    let played = replay.play(model)?;
    tell(&played.trace, None);
    Ok(played.failed)
}

struct Played {
    trace: Trace,
    failed: bool,
}

impl Replay {
    /// Finds the permutation that made a model fail just now: its directory holds the last
    /// checkpoint before that. `None` if it does not fail again.
    fn find(model: &Model, scene: usize, deep: bool) -> anyhow::Result<Option<Replay>> {
        let directory = model.directory();
        let _ = fs::remove_file(directory.join("report"));
        let mut command = model.command(deep);
        command
            .env("HEIST_LOOM_ASK", "narrow")
            .env("HEIST_LOOM_SCENE", scene.to_string());
        let (_, ended) = follow(&command, &directory, limits(), |_| ())?;
        if matches!(ended, Ended::Itself(status) if status.success()) {
            return Ok(None);
        }
        let checkpoint = directory.join("checkpoint.json");
        let Ok(text) = fs::read_to_string(&checkpoint) else {
            return Ok(None);
        };
        Ok(Some(Replay {
            package: model.package.clone(),
            name: model.name().to_owned(),
            scene,
            path: serde_json::from_str(&text).context("loom left a checkpoint that is none")?,
            program: model.fingerprint()?,
        }))
    }

    /// Plays it once, recorded.
    fn play(&self, model: &Model) -> anyhow::Result<Played> {
        let directory = model.directory();
        fs::create_dir_all(&directory).context("cannot make a directory for a model's files")?;
        for stale in ["report", "trace"] {
            let _ = fs::remove_file(directory.join(stale));
        }
        fs::write(directory.join("checkpoint.json"), self.path.to_string())
            .context("cannot write a checkpoint")?;
        // The schedule has its bound with it.
        let mut command = model.command(false);
        command
            .env("HEIST_LOOM_ASK", "trace")
            .env("HEIST_LOOM_SCENE", self.scene.to_string());
        let (_, ended) = follow(&command, &directory, limits(), |_| ())?;
        let text = fs::read_to_string(directory.join("trace")).unwrap_or_default();
        Ok(Played {
            trace: Trace::read(&text, &model.root().to_string_lossy()),
            failed: !matches!(ended, Ended::Itself(status) if status.success()),
        })
    }

    /// Keeps it in a file beside the models' directories.
    fn save(&self, directory: &Path) -> anyhow::Result<PathBuf> {
        let target = directory.ancestors().nth(2).unwrap_or(directory);
        let failures = target.join("failures");
        fs::create_dir_all(&failures).context("cannot make a directory for failures")?;
        let name = self.name.replace("::", ".");
        let file = failures.join(format!("{}.{name}.json", self.package));
        let content = json!({
            "package": self.package,
            "model": self.name,
            "scene": self.scene,
            "program": self.program,
            "path": self.path,
        });
        fs::write(&file, content.to_string())
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }

    fn load(file: &Path) -> anyhow::Result<Replay> {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let held = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|mut content| {
                Some(Replay {
                    package: content["package"].as_str()?.to_owned(),
                    name: content["model"].as_str()?.to_owned(),
                    scene: usize::try_from(content["scene"].as_u64()?).ok()?,
                    program: content["program"].as_u64()?,
                    path: content["path"].take(),
                })
            });
        held.with_context(|| {
            let file = file.display();
            format!("{file} is no replay: a failing model leaves one under target/loom/failures")
        })
    }
}

/// What happened, in the end.
fn tell(trace: &Trace, last: Option<usize>) {
    let shown = trace.lines(last);
    match trace.steps.len() - shown.len() {
        0 => println!("  its steps:"),
        before => println!("  its last {} steps, after {before} others:", shown.len()),
    }
    shown.iter().for_each(|line| println!("  {line}"));
    let message = Failure::Panicked(trace.panic.clone()).to_string();
    match &trace.panic[..] {
        [] => println!("  there it ended, without a panic"),
        [at, said @ ..] => {
            println!("  {message}");
            let more = said.iter().skip(1).filter(|line| !line.is_empty());
            more.take(LAST).for_each(|line| println!("    {line}"));
            if at.starts_with("at crates/") {
                println!("    {at}");
            }
        }
    }
    for step in &trace.waiting {
        println!("    waiting: {step}");
    }
}

/// A permutation, and a few hundred before it, are a matter of a second.
fn limits() -> Limits {
    Limits {
        silence: Duration::from_secs(20),
        end: Instant::now() + Duration::from_secs(60),
    }
}

/// So many steps are shown at once.
const LAST: usize = 60;
