//! Cargo: the command itself, where the workspace is, and what a build produced.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::process;

/// The workspace's root directory.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask sits in the workspace's root")
}

/// A cargo command in the workspace's root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// What `cargo metadata` says of the workspace's own packages.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

/// The directory that cargo builds into.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let metadata = metadata()?;
    let path = metadata["target_directory"].as_str();
    Ok(path
        .context("cargo metadata names no target directory")?
        .into())
}

/// One program that a build left behind.
#[derive(Debug)]
pub(crate) struct Built {
    /// The package's name.
    pub(crate) package: String,
    /// The file.
    pub(crate) path: PathBuf,
}

/// Runs a cargo command that builds (its progress shown) and returns the programs it built.
pub(crate) fn build(mut command: Command) -> anyhow::Result<Vec<Built>> {
    command.arg("--message-format=json-render-diagnostics");
    let mut built = Vec::new();
    process::run_lines(&command, BUILD_LIMIT, |line| {
        built.extend(
            serde_json::from_str(line)
                .ok()
                .as_ref()
                .and_then(executable),
        );
    })?;
    Ok(built)
}

/// Builds one binary in release mode and returns its path.
pub(crate) fn build_release(package: &str, binary: &str) -> anyhow::Result<PathBuf> {
    let build_one = cargo(&["build", "--release", "--package", package, "--bin", binary]);
    let built = build(build_one)?.pop();
    Ok(built
        .with_context(|| format!("cargo built no `{binary}`"))?
        .path)
}

/// The program in one of cargo's messages, if it is about one.
fn executable(message: &Value) -> Option<Built> {
    let path = message["executable"].as_str()?.into();
    // An id ends in `…/path#name@version`, or `…/name#version` where the two names agree.
    let id = message["package_id"].as_str()?;
    let (path_part, tail) = id.rsplit_once('#')?;
    let package = match tail.split_once('@') {
        Some((name, _version)) => name,
        None => path_part.rsplit('/').next()?,
    };
    Some(Built {
        package: package.to_owned(),
        path,
    })
}

/// A build on a slow machine, all dependencies included, ends well within this.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
