//! `cargo xtask elsewhere`: what the builds of this machine do not show.
//!
//! 1. The library compiles for macOS and for Windows, without a warning. It is not run there.
//! 2. The documentation builds as docs.rs builds it, by a nightly compiler, and has the badges that say
//!    where an item is available: the probes of [`BADGES`], one for each way in which a condition gets
//!    into the facade's pages.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::cargo::{cargo, root, target_directory};
use crate::process;

/// A system of each kind that is not this one.
const TARGETS: [&str; 2] = ["x86_64-apple-darwin", "x86_64-pc-windows-gnu"];

/// The parts of a toolchain and a build, on two slow cores.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// A page and a condition it must show.
const BADGES: [(&str, &str); 6] = [
    // Of a module, a module that is re-exported, an item that is, a method.
    ("process/struct.Command.html", "<strong>Unix</strong>"),
    ("net/unix/pipe/struct.Sender.html", "<strong>Unix</strong>"),
    ("net/struct.UnixStream.html", "<strong>Unix</strong>"),
    ("net/struct.TcpStream.html", "<strong>Linux</strong>"),
    // Of a type of another crate, an implementation there.
    ("net/udp/struct.UdpBatch.html", "<code>udp-batch</code>"),
    ("net/struct.TcpStream.html", "<code>futures-io</code>"),
];

/// Runs the command.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    if let Some(arg) = args.next()? {
        return Err(arg.unexpected().into());
    }
    for target in TARGETS {
        compiles_for(target)?;
    }
    docs()
}

fn compiles_for(target: &str) -> anyhow::Result<()> {
    let mut add = Command::new("rustup");
    process::run(add.args(["target", "add", target]), LIMIT)?;
    let mut check = cargo(&["check", "--target", target, "--all-features"]);
    check.args(["--package", "heist", "--package", "heist-hyper"]);
    process::run(check.env("RUSTFLAGS", "-D warnings"), LIMIT)
}

fn docs() -> anyhow::Result<()> {
    let target = target_directory()?.join("docs.rs");
    // Not the cargo that runs us, which is stable's own, but rustup's, which picks one.
    let mut doc = Command::new("cargo");
    doc.current_dir(root())
        .args(["+nightly", "doc", "--no-deps", "--all-features"])
        .args(["--package", "heist", "--package", "heist-net"])
        .args(["--package", "heist-reactor", "--target-dir"])
        .arg(&target)
        .env("RUSTDOCFLAGS", "--cfg docsrs -D warnings");
    process::run(&doc, LIMIT).context(
        "it takes a nightly compiler: rustup toolchain install nightly --profile minimal",
    )?;
    for (page, condition) in BADGES {
        let html = fs::read_to_string(target.join("doc/heist").join(page)).context(page)?;
        let shown = html.lines().any(|line| {
            let badges = line.split("\"stab portability\"").skip(1);
            let mut texts = badges.filter_map(|badge| badge.split("</div>").next());
            texts.any(|text| text.contains(condition))
        });
        if !shown {
            bail!("heist/{page} does not say that something is available on {condition} only");
        }
    }
    Ok(())
}
