//! The models of a source tree: built, listed, and what each of them claims.
//!
//! A model is a test in a `models` module of scheduler or reactor, built with `--cfg heist_loom`
//! into a target directory of its own: the cfg changes every crate, and alternating would rebuild
//! the world.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::cargo::{self, cargo};

/// A workspace whose models are wanted: this one, or a changed copy of it.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// Where it is built, and where its models leave their files.
    pub(crate) target: PathBuf,
}

/// One model: a test in a built test program.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// Whose it is.
    pub(crate) package: String,
    /// The test's name inside its program: `models::idle::push_races_with_the_last_searcher`.
    pub(crate) test: String,
    /// What it claims, from its comment; else its name in words.
    pub(crate) claim: String,
    program: PathBuf,
    tree: Tree,
}

impl Tree {
    /// This workspace.
    pub(crate) fn ours() -> anyhow::Result<Tree> {
        Ok(Tree {
            root: cargo::root().to_owned(),
            target: cargo::target_directory()?.join("loom"),
        })
    }

    /// Builds the crates that synchronize, and lists their models by package and name.
    pub(crate) fn build(&self) -> anyhow::Result<Vec<Model>> {
        let mut models = Vec::new();
        for built in cargo::build(self.build_command(&PACKAGES.map(|(package, _)| package)))? {
            models.extend(self.list(&built.package, &built.path)?);
        }
        models.sort_by(|a, b| (&a.package, &a.test).cmp(&(&b.package, &b.test)));
        Ok(models)
    }

    /// The cargo command that builds the models of these packages.
    pub(crate) fn build_command(&self, packages: &[&str]) -> Command {
        let mut command = self.cargo_for("test", packages);
        command
            .args(["--release", "--lib", "--no-run"])
            // Models are explored for minutes and built often: checks on, slow optimizations off.
            .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
            .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        command
    }

    /// A cargo command over the crates that synchronize, under the cfg.
    pub(crate) fn cargo(&self, command: &str) -> Command {
        self.cargo_for(command, &PACKAGES.map(|(package, _)| package))
    }

    fn cargo_for(&self, command: &str, packages: &[&str]) -> Command {
        let mut command = cargo(&[command, "--target-dir"]);
        command
            .arg(&self.target)
            .current_dir(&self.root)
            .env("RUSTFLAGS", "--cfg heist_loom");
        for package in packages {
            command.args(["--package", package]);
        }
        command
    }

    /// The models of one test program.
    pub(crate) fn list(&self, package: &str, program: &Path) -> anyhow::Result<Vec<Model>> {
        let listed = Command::new(program)
            .args(["--list", "--format", "terse"])
            .output()
            .context("cannot list a crate's models")?;
        let sources = PACKAGES.iter().find(|(name, _)| *name == package);
        let sources = sources.map(|(_, directory)| self.root.join(directory).join("src"));
        let listed = String::from_utf8_lossy(&listed.stdout);
        let tests = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        let models = tests.filter(|test| test.split("::").any(|part| part == "models"));
        let models = models.map(|test| Model {
            package: package.to_owned(),
            test: test.to_owned(),
            claim: claim(sources.as_deref(), test),
            program: program.to_owned(),
            tree: self.clone(),
        });
        Ok(models.collect())
    }
}

impl Model {
    /// As people call it: `idle::push_races_with_the_last_searcher`.
    pub(crate) fn name(&self) -> &str {
        match self.test.split_once("models::") {
            Some((_, name)) => name,
            None => &self.test,
        }
    }

    /// A directory of its own, for what it leaves behind.
    pub(crate) fn directory(&self) -> PathBuf {
        let name = format!("{}.{}", self.package, self.name().replace("::", "."));
        self.tree.target.join("runs").join(name)
    }

    /// The root of the workspace it was built from.
    pub(crate) fn root(&self) -> &Path {
        &self.tree.root
    }

    /// Tells one build of its program from another.
    pub(crate) fn fingerprint(&self) -> anyhow::Result<u64> {
        let program = fs::read(&self.program).context("cannot read a test program")?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&program);
        Ok(hasher.finish())
    }

    /// Runs it alone. What it prints is captured: models of panics print in every execution.
    pub(crate) fn command(&self, deep: bool) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.tree.root)
            .args(["--exact", &self.test, "--test-threads=1"])
            .env("HEIST_LOOM_DIR", self.directory())
            .env("RUST_BACKTRACE", "0");
        if deep {
            command.env("HEIST_LOOM_DEEP", "1");
        }
        command
    }
}

/// The first sentence of the test's documentation; without one, its name in words.
fn claim(sources: Option<&Path>, test: &str) -> String {
    let (module, name) = test.rsplit_once("::").unwrap_or(("", test));
    let documented = sources.and_then(|sources| {
        let path = sources.join(module.replace("::", "/"));
        let candidates = [path.with_extension("rs"), path.join("mod.rs")];
        let text = candidates
            .iter()
            .find_map(|path| fs::read_to_string(path).ok());
        documented_claim(&text?, name)
    });
    documented.unwrap_or_else(|| name.replace('_', " "))
}

/// The first sentence of the `///` comment above `fn name`.
fn documented_claim(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let at = lines.iter().position(|line| line.starts_with(&head))?;
    let above = lines[..at].iter().rev();
    let comment: Vec<&str> = above
        .take_while(|line| line.starts_with("///") || line.starts_with("#["))
        .filter_map(|line| line.strip_prefix("///"))
        .map(str::trim)
        .collect();
    let comment: Vec<&str> = comment.into_iter().rev().collect();
    let comment = comment.join(" ");
    let sentence = match comment.split_once(". ") {
        Some((first, _)) => first,
        None => comment.trim_end_matches('.'),
    };
    (!sentence.is_empty()).then(|| sentence.to_owned())
}

/// The crates that synchronize, and where they are.
const PACKAGES: [(&str, &str); 2] = [
    ("heist-scheduler", "crates/scheduler"),
    ("heist-reactor", "crates/reactor"),
];

#[cfg(test)]
mod tests;
