//! `cargo xtask elsewhere`: what the builds of this machine do not show.
//!
//! 1. The library compiles for macOS and for Windows, without a warning. It is not run there.
//! 2. The documentation builds as docs.rs builds it, by a nightly compiler, and has the badges that say
//!    where an item is available: the probes of [`BADGES`], one for each way in which a condition gets
//!    into the facade's pages. What is there on Unix only says so in its first paragraph, too.

use std::fs;
use std::path::Path;
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

/// The folders of pages whose every item is there on Unix only, and says so in its first paragraph, too.
const UNIX: [&str; 5] = [
    "io/unix",
    "net/unix",
    "net/unix/pipe",
    "process",
    "signal/unix",
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
    let pages = target.join("doc/heist");
    for (page, condition) in BADGES {
        let html = fs::read_to_string(pages.join(page)).context(page)?;
        if !shows(&html, condition) {
            bail!("heist/{page} does not say that something is available on {condition} only");
        }
    }
    UNIX.iter().try_for_each(|folder| unix(&pages.join(folder)))
}

/// Checks the pages of a folder that is about Unix.
fn unix(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).context("a folder of the documentation")? {
        let page = entry?.path();
        if page.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let html = fs::read_to_string(&page)?;
        let content = html
            .split("id=\"main-content\"")
            .nth(1)
            .context("rustdoc writes pages so")?;
        let head = content.split("<h2 ").next().unwrap_or_default();
        let first = first_paragraph(head);
        let says = first.contains("Unix only") || first.contains("Linux only");
        // A module says it anywhere in its head.
        if !says && !page.ends_with("index.html") {
            bail!("{} does not begin with \"Unix only.\"", page.display());
        }
        if !shows(head, "Unix") && !shows(head, "Linux") {
            bail!("{} has no badge that says so", page.display());
        }
    }
    Ok(())
}

/// The first paragraph of a page's text, on one line.
fn first_paragraph(html: &str) -> String {
    let text = html.split("\"docblock\"><p>").nth(1).unwrap_or_default();
    let first = text.split("</p>").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a badge on the page names `condition`.
fn shows(html: &str, condition: &str) -> bool {
    html.lines().any(|line| {
        let badges = line.split("\"stab portability\"").skip(1);
        let mut texts = badges.filter_map(|badge| badge.split("</div>").next());
        texts.any(|text| text.contains(condition))
    })
}
