//! `cargo xtask full`: the integration tests in their full measure, a quarter of an hour.
//!
//! What the suite plays in small runs at length, the random work for [`SECONDS`]; then what passing bytes
//! on costs, which says something of a release build only.

use std::process::Command;
use std::time::Duration;

use crate::cargo::cargo;
use crate::process;

/// How long the random work goes on.
const SECONDS: &str = "60";

/// Builds and all tests, on two slow cores.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// Runs the command.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    if let Some(arg) = args.next()? {
        return Err(arg.unexpected().into());
    }
    process::run(&tests(&["--no-fail-fast"]), LIMIT)?;
    process::run(&tests(&["--release", "--test", "splice_cost"]), LIMIT)
}

fn tests(args: &[&str]) -> Command {
    let mut command = cargo(&["test", "--package", "heist-tests"]);
    command.args(args).env("HEIST_FULL", "1");
    command.env("HEIST_SECONDS", SECONDS);
    command
}
