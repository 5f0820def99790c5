//! One test program: built, run, and judged by how it ends.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;

use super::{LIMIT, Options, Sanitizer};
use crate::cargo::{self, Built};
use crate::process::{self, Guarded};
use crate::test::Tally;

/// The tests of a package's library, or one file of its integration tests.
#[derive(Debug)]
pub(super) struct Program {
    built: Built,
    /// Where cargo would run it.
    directory: PathBuf,
}

/// What came of a program.
#[derive(Debug, PartialEq)]
pub(super) struct Result {
    pub(super) tally: Tally,
    /// The sanitizer's reports.
    pub(super) findings: usize,
    pub(super) seconds: f64,
}

/// Builds all of them with this command, in the order in which they will run.
pub(super) fn build(command: Command) -> anyhow::Result<Vec<Program>> {
    let directories = directories()?;
    let programs = cargo::build(command)?.into_iter().map(|built| {
        let directory = directories.get(&built.package);
        let directory = directory.with_context(|| format!("{} is not ours", built.package))?;
        Ok(Program {
            directory: directory.clone(),
            built,
        })
    });
    let mut programs = programs.collect::<anyhow::Result<Vec<_>>>()?;
    programs.sort_by_key(Program::title);
    Ok(programs)
}

impl Program {
    /// Package and target: `heist-net net`.
    pub(super) fn title(&self) -> String {
        let file = self.built.path.file_name().unwrap_or_default();
        let file = file.to_string_lossy();
        let target = file.rsplit_once('-').map_or(&*file, |(name, _hash)| name);
        format!("{} {target}", self.built.package)
    }

    /// Runs it to its end; what it says is shown if that is no good one.
    pub(super) fn run(&self, options: &Options) -> anyhow::Result<Result> {
        let start = Instant::now();
        let path = self.built.path.with_extension("log");
        let log = File::create(&path).context("cannot make a log file")?;
        let mut child = Guarded::spawn_into(&self.command(options), log)?;
        let status = child.wait(LIMIT)?;
        let said = fs::read(&path).context("cannot read a log file")?;
        let said = String::from_utf8_lossy(&said);
        let seconds = start.elapsed().as_secs_f64();
        let result = judge(options.sanitizer, &said, status.success(), seconds);
        if !result.is_well() {
            println!("{said}");
            println!("{} {}", self.title(), process::ended(status));
        }
        Ok(result)
    }

    fn command(&self, options: &Options) -> Command {
        let mut command = Command::new(&self.built.path);
        let (variable, value) = options.sanitizer.options();
        command
            .current_dir(&self.directory)
            .env(variable, value)
            .arg(&options.filter);
        for (name, _reason) in options.sanitizer.left_out() {
            command.args(["--skip", name]);
        }
        command
    }
}

impl Result {
    pub(super) fn is_well(&self) -> bool {
        self.tally.failed == 0
    }
}

/// A program that ends badly has failed, whatever libtest says: a sanitizer may end it before its
/// tests are over, or after all of them have passed.
pub(super) fn judge(sanitizer: Sanitizer, said: &str, ended_well: bool, seconds: f64) -> Result {
    let mut tally = Tally::default();
    // A test may run the program again, whose own result then comes first.
    if let Some(result) = said.lines().rfind(|line| line.starts_with("test result: ")) {
        tally.count(result);
    }
    if !ended_well && tally.failed == 0 {
        tally.failed = 1;
    }
    Result {
        tally,
        findings: said.matches(sanitizer.mark()).count(),
        seconds,
    }
}

/// Each package's directory.
fn directories() -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let metadata = cargo::metadata()?;
    let packages = metadata["packages"].as_array();
    let packages = packages.context("cargo metadata names no packages")?;
    let directories = packages.iter().filter_map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        let name = package["name"].as_str()?;
        Some((name.to_owned(), manifest.parent()?.to_owned()))
    });
    Ok(directories.collect())
}
