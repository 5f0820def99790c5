//! `cargo xtask san address|leak|thread`: the unit and integration tests under a sanitizer.
//!
//! Sanitizers are a nightly compiler's, and change every object file: each has a target directory of
//! its own. The test programs run one after another, in their packages' directories as under `cargo
//! test`, and each is judged by how it ends: a sanitizer that found something ends it with an error,
//! all its tests passed or not. Doc tests are left out: they show usage, and would each be linked anew.
//!
//! | sanitizer | finds | does not |
//! |---|---|---|
//! | `address` | use after free, double free, accesses out of bounds, use of a dead stack frame | leaks, which are `leak`'s |
//! | `leak` | memory that nothing points to when a test program ends | what a static or a living thread holds |
//! | `thread` | two accesses to one place with no order between them | fences, and whatever std does inside |
//!
//! `thread` is for looking by hand: the standard library comes without its instrumentation, so it
//! reports races that are none. Those known are suppressed in `xtask/tsan.supp`, each with its
//! reason; tests that cannot run under it are left out here ([`Sanitizer::left_out`]), with theirs.

mod program;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lexopt::Arg::Value;
use lexopt::ValueExt as _;

use crate::cargo;
use crate::process;
use crate::signals;
use crate::table::Table;
use program::{Program, Result};

/// A sanitizer of the compiler's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sanitizer {
    Address,
    Leak,
    Thread,
}

/// What to run.
#[derive(Debug)]
struct Options {
    sanitizer: Sanitizer,
    /// Only tests whose name contains this.
    filter: String,
}

/// Runs the command.
pub(crate) fn run(args: lexopt::Parser) -> anyhow::Result<()> {
    let options = parse(args)?;
    let sanitizer = options.sanitizer;
    let host = sanitizer.host()?;
    let programs = program::build(build(sanitizer, &host)?)?;
    let start = Instant::now();
    let mut results = Vec::new();
    for program in &programs {
        signals::check()?;
        let result = program.run(&options)?;
        println!("  {:>6.1} s  {}", result.seconds, program.title());
        results.push(result);
    }
    let seconds = start.elapsed().as_secs_f64();
    report(&options, &programs, &results, seconds)
}

fn parse(mut args: lexopt::Parser) -> std::result::Result<Options, lexopt::Error> {
    let mut words = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    let mut words = words.into_iter();
    let name = words.next().ok_or("which one: address, leak or thread?")?;
    let sanitizer = Sanitizer::named(&name)
        .ok_or_else(|| format!("no sanitizer `{name}`: address, leak or thread"))?;
    let filter = words.next().unwrap_or_default();
    match words.next() {
        None => Ok(Options { sanitizer, filter }),
        Some(more) => Err(format!("one filter only: what is `{more}`?").into()),
    }
}

impl Sanitizer {
    const ALL: [Sanitizer; 3] = [Sanitizer::Address, Sanitizer::Leak, Sanitizer::Thread];

    fn named(name: &str) -> Option<Sanitizer> {
        Sanitizer::ALL.into_iter().find(|one| one.name() == name)
    }

    /// As the command line and the compiler call it.
    fn name(self) -> &'static str {
        match self {
            Sanitizer::Address => "address",
            Sanitizer::Leak => "leak",
            Sanitizer::Thread => "thread",
        }
    }

    /// The target to build for, if this machine has what the sanitizer needs. A target that is named
    /// spares build scripts and macros the sanitizer.
    fn host(self) -> anyhow::Result<String> {
        if self == Sanitizer::Thread && output("llvm-symbolizer", &["--version"]).is_err() {
            bail!(
                "the suppressions go by function names, which takes llvm-symbolizer: install llvm \
                 (Debian, Ubuntu: apt-get install llvm)"
            );
        }
        let version = output("rustc", &["+nightly", "-vV"]).context(
            "sanitizers need a nightly compiler beside the stable one: \
             rustup toolchain install nightly --profile minimal",
        )?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(host.context("rustc -vV names no host")?.to_owned())
    }

    fn rustflags(self) -> String {
        let flags = format!("-Zsanitizer={} -Cforce-frame-pointers=yes", self.name());
        match self {
            // The standard library there is has been compiled without, and is linked all the same.
            Sanitizer::Thread => flags + " -Cunsafe-allow-abi-mismatch=sanitizer",
            Sanitizer::Address | Sanitizer::Leak => flags,
        }
    }

    /// The variable that its runtime reads, and what it is to read there.
    fn options(self) -> (&'static str, String) {
        match self {
            Sanitizer::Address => (
                "ASAN_OPTIONS",
                "detect_leaks=0:detect_stack_use_after_return=1:allow_addr2line=1".to_owned(),
            ),
            Sanitizer::Leak => ("LSAN_OPTIONS", "allow_addr2line=1".to_owned()),
            Sanitizer::Thread => {
                let suppressions = cargo::root().join(SUPPRESSIONS);
                let file = suppressions.display();
                (
                    "TSAN_OPTIONS",
                    format!("history_size=4:suppressions={file}"),
                )
            }
        }
    }

    /// Tests that cannot run under it, with the reason.
    fn left_out(self) -> &'static [(&'static str, &'static str)] {
        const MESSAGES: (&str, &str) = (
            "mistakes_are_found_and_told_in_words_that_help",
            "its words are the stable compiler's, and sanitizers take a nightly one",
        );
        match self {
            Sanitizer::Address => &[
                MESSAGES,
                (
                    "a_large_file_is_copied_with_bounded_memory",
                    "it keeps freed memory for a while, to see who uses it",
                ),
            ],
            Sanitizer::Leak => &[MESSAGES],
            Sanitizer::Thread => &[
                MESSAGES,
                (
                    "a_listener_hears_each_signal_and_keeps_the_one_it_is_not_waiting_for",
                    "a signal's handler runs at the thread's next intercepted call, and a thread that \
                     std has put to sleep makes none",
                ),
            ],
        }
    }

    /// How its reports begin.
    fn mark(self) -> &'static str {
        match self {
            Sanitizer::Address => "ERROR: AddressSanitizer",
            Sanitizer::Leak => "ERROR: LeakSanitizer",
            Sanitizer::Thread => "WARNING: ThreadSanitizer",
        }
    }
}

/// Builds the test programs.
fn build(sanitizer: Sanitizer, host: &str) -> anyhow::Result<Command> {
    let target = cargo::target_directory()?
        .join("san")
        .join(sanitizer.name());
    // Not the cargo that runs us, which is stable's own, but rustup's, which picks one.
    let mut command = Command::new("cargo");
    command
        .current_dir(cargo::root())
        .args(["+nightly", "test", "--no-run", "--lib", "--tests"])
        .args(["--all-features", "--target", host, "--target-dir"])
        .arg(target)
        .env("RUSTFLAGS", sanitizer.rustflags());
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    Ok(command)
}

fn report(
    options: &Options,
    programs: &[Program],
    results: &[Result],
    seconds: f64,
) -> anyhow::Result<()> {
    let mut table = Table::new(["tests of", "passed", "failed", "findings", "seconds", ""]);
    let (mut passed, mut failed) = (0, 0);
    for (program, result) in programs.iter().zip(results) {
        passed += result.tally.passed;
        failed += result.tally.failed;
        table.row([
            program.title(),
            result.tally.passed.to_string(),
            result.tally.failed.to_string(),
            result.findings.to_string(),
            format!("{:.1}", result.seconds),
            if result.is_well() { "" } else { "FAILED" }.to_owned(),
        ]);
    }
    println!("\n{table}");
    for (name, reason) in options.sanitizer.left_out() {
        println!("left out: {name}: {reason}");
    }
    let bad = results.iter().filter(|result| !result.is_well()).count();
    println!("{seconds:.0} s");
    println!("{passed} passed, {failed} failed");
    if bad > 0 {
        bail!(
            "{bad} of {} test programs did not end well under the {} sanitizer (see above)",
            results.len(),
            options.sanitizer.name()
        );
    }
    if passed == 0 {
        bail!("no test's name contains `{}`", options.filter);
    }
    Ok(())
}

/// What a program prints, if it ends well.
fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{program} {}: {}",
            process::ended(output.status),
            said.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Those that own memory, threads or descriptors.
const PACKAGES: [&str; 6] = [
    "heist-scheduler",
    "heist-reactor",
    "heist-net",
    "heist",
    "heist-hyper",
    "heist-tests",
];

/// Known false positives of the thread sanitizer.
const SUPPRESSIONS: &str = "xtask/tsan.supp";

/// A test program that has not ended by then hangs. Sanitized code is several times slower.
const LIMIT: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests;
