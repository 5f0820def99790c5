//! `cargo xtask features`: every package with every one and two of its features, warnings denied.
//!
//! `cargo hack check --feature-powerset --depth 2`, with the tool installed if it is missing. No step of
//! `cargo xtask test`: 55 builds, five minutes on two cores.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cargo::cargo;
use crate::process;

/// Installing and all builds, on two slow cores.
const LIMIT: Duration = Duration::from_secs(25 * 60);

/// Runs the command.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    if let Some(arg) = args.next()? {
        return Err(arg.unexpected().into());
    }
    if !is_installed() {
        process::run(&cargo(&["install", "--locked", "cargo-hack"]), LIMIT)?;
    }
    process::run(&powerset(), LIMIT)
}

fn is_installed() -> bool {
    let mut version = cargo(&["hack", "--version"]);
    let quiet = version.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn powerset() -> Command {
    let mut command = cargo(&["hack", "check", "--feature-powerset", "--depth", "2"]);
    command.arg("--keep-going").env("RUSTFLAGS", "-D warnings");
    command
}
