//! A copy of the workspace to break, with a target directory of its own: nobody else's build sees
//! the mutants, and only what changed is compiled again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::Mutant;
use crate::cargo;
use crate::loom::tree::{Model, Tree};
use crate::process;
use crate::source;

/// One copy.
#[derive(Debug)]
pub(super) struct Scratch {
    tree: Tree,
}

/// The models of one crate, or what the compiler says.
pub(super) type Built = Result<Vec<Model>, String>;

impl Scratch {
    /// Keeps others out of the copies for as long as the file is open.
    pub(super) fn lock() -> anyhow::Result<fs::File> {
        let directory = directory()?;
        fs::create_dir_all(&directory).context("cannot make a place for scratch copies")?;
        let file = fs::File::create(directory.join("lock")).context("cannot make a lock file")?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .context("another run breaks the scratch copies: wait for its end")?;
        Ok(file)
    }

    /// Makes the copy of this number, or brings it up to date. Files that are as they should be
    /// are left alone, so that cargo does not take them for new.
    pub(super) fn prepare(number: usize) -> anyhow::Result<Scratch> {
        let directory = directory()?.join(number.to_string());
        let root = directory.join("workspace");
        fs::create_dir_all(&root).context("cannot make a scratch copy")?;
        let files: BTreeSet<String> = source::files(cargo::root(), "".as_ref())
            .context("cannot list the workspace")?
            .into_iter()
            .collect();
        for stale in source::files(&root, "".as_ref())? {
            if !files.contains(&stale) {
                fs::remove_file(root.join(stale))?;
            }
        }
        for file in &files {
            let content = fs::read(cargo::root().join(file)).with_context(|| file.clone())?;
            write(&root.join(file), &content)?;
        }
        let target = directory.join("target");
        Ok(Scratch {
            tree: Tree { root, target },
        })
    }

    /// Builds the models of a crate.
    pub(super) fn build(&self, krate: &str) -> anyhow::Result<Built> {
        let package = format!("heist-{krate}");
        let mut command = self.tree.build_command(&[&package]);
        command
            .args(["--quiet", "--message-format=json"])
            // A mutant may leave something unused; that is none of its faults.
            .env("RUSTFLAGS", "--cfg heist_loom -A warnings")
            // Built a hundred times, and run for a second each.
            .env("CARGO_PROFILE_RELEASE_INCREMENTAL", "true")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        let mut program = None;
        let mut errors = String::new();
        let outcome = process::run_lines(&command, BUILD_LIMIT, |line| {
            let Ok(message) = serde_json::from_str::<Value>(line) else {
                return;
            };
            if let Some(path) = message["executable"].as_str() {
                program = Some(PathBuf::from(path));
            }
            if message["message"]["level"] == "error" {
                errors += message["message"]["rendered"].as_str().unwrap_or("");
            }
        });
        if !errors.is_empty() {
            return Ok(Err(errors));
        }
        outcome?;
        let program = program.context("cargo built no test program")?;
        self.tree.list(&package, &program).map(Ok)
    }

    /// The same with one change; the copy is as before when it returns.
    pub(super) fn build_mutant(&self, mutant: &Mutant) -> anyhow::Result<Built> {
        let path = self.tree.root.join(&mutant.path);
        let text = fs::read_to_string(&path).with_context(|| mutant.path.clone())?;
        fs::write(&path, mutant.apply(&text))?;
        let built = self.build(&mutant.krate);
        fs::write(&path, text)?;
        built
    }
}

/// The model whose test function has this name.
pub(super) fn model<'a>(models: &'a [Model], name: &str) -> anyhow::Result<&'a Model> {
    let is_it = |model: &&Model| model.test.rsplit("::").next() == Some(name);
    let mut found = models.iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(model), None) => Ok(model),
        (None, _) => bail!("there is no model `{name}`: is it compiled under a condition only?"),
        (Some(one), Some(other)) => {
            let (one, other) = (one.name(), other.name());
            bail!("{one} and {other} have one name: rename one")
        }
    }
}

/// Where the copies are.
fn directory() -> anyhow::Result<PathBuf> {
    Ok(cargo::target_directory()?.join("mutants"))
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let parent = path.parent().context("a file is in a directory")?;
    fs::create_dir_all(parent)?;
    fs::write(path, content).with_context(|| path.display().to_string())
}

/// The first build compiles loom and the rest.
const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);
