//! Crate edges: which of our packages may depend on which, and that no rival runtime is linked
//! anywhere but in the benches.

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::Finding;
use crate::cargo::{self, cargo};

/// Checks the manifests, as `cargo metadata` reads them.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Value) -> Vec<Finding> {
    let name = text(package, "name");
    let manifest = text(package, "manifest_path");
    let dependencies = package["dependencies"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let broken = dependencies.iter().filter_map(|dependency| {
        let (what, mend) = broken_edge(name, dependency).or_else(|| rival(name, dependency))?;
        Some(finding(manifest, text(dependency, "name"), what, mend))
    });
    broken.collect()
}

/// An edge between two of our packages that is not on the list.
fn broken_edge(package: &str, dependency: &Value) -> Option<(String, String)> {
    let name = text(dependency, "name");
    let ours = dependency["path"].is_string();
    let Some((_, allowed)) = EDGES.iter().find(|(from, _)| *from == package) else {
        return Some((
            format!("the package {package} has no list of edges"),
            "add it to EDGES in xtask/src/tidy/edges.rs".to_owned(),
        ));
    };
    (ours && name != package && !allowed.contains(&name)).then(|| {
        let allowed = if allowed.is_empty() {
            "none of ours".to_owned()
        } else {
            allowed.join(", ")
        };
        (
            format!("{package} depends on {name}"),
            format!(
                "{package} may depend on {allowed}; turn the edge around with a trait or a Waker"
            ),
        )
    })
}

/// A rival runtime, or the part of tokio that is one.
fn rival(package: &str, dependency: &Value) -> Option<(String, String)> {
    if package == BENCHES {
        return None;
    }
    let name = text(dependency, "name");
    let features = dependency["features"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let features = features.iter().filter_map(Value::as_str);
    runtime_part(name, features).map(|what| {
        (
            format!("{package} depends on {what}"),
            "rival runtimes are peers to measure against: only the benches link them".to_owned(),
        )
    })
}

/// Checks what a user's program would link: features that one dependency asks of another show here
/// and in no manifest of ours.
pub(super) fn check_linked() -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (package, directory) in LINKED {
        let output = cargo(&[
            "tree",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}|{f}"])
        .output()
        .context("cannot run cargo tree")?;
        if !output.status.success() {
            bail!(
                "cargo tree failed:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let tree = String::from_utf8_lossy(&output.stdout);
        let manifest = cargo::root().join(directory).join("Cargo.toml");
        let linked = linked_runtimes(&tree).into_iter().map(|what| {
            finding(
                &manifest.to_string_lossy(),
                "[dependencies]",
                format!("{package} links {what}"),
                format!("find who asks for it: cargo tree -p {package} -e normal,features -i NAME"),
            )
        });
        findings.extend(linked);
    }
    Ok(findings)
}

/// The rivals in `cargo tree`'s lines `name v1.2.3 …|feature,feature`.
fn linked_runtimes(tree: &str) -> Vec<String> {
    let rivals = tree.lines().filter_map(|line| {
        let (package, features) = line.split_once('|')?;
        let features = features.trim_end_matches(" (*)").split(',');
        runtime_part(package.split(' ').next()?, features)
    });
    rivals.collect()
}

fn runtime_part<'a>(name: &str, mut features: impl Iterator<Item = &'a str>) -> Option<String> {
    if RIVALS.contains(&name) {
        return Some(format!("the runtime {name}"));
    }
    let feature = features.find(|feature| name == "tokio" && TOKIO_RUNTIME.contains(feature))?;
    Some(format!("tokio's runtime (its feature `{feature}`)"))
}

/// A finding at the line of a manifest that holds `word`.
fn finding(manifest: &str, word: &str, what: String, mend: String) -> Finding {
    let content = std::fs::read_to_string(manifest).unwrap_or_default();
    let line = content
        .lines()
        .position(|line| line.starts_with(word))
        .unwrap_or(0);
    let root = format!("{}/", cargo::root().display());
    Finding::error(manifest.trim_start_matches(&root), line, what, mend)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

/// Each package of the workspace, and which of ours it may depend on.
const EDGES: [(&str, &[&str]); 12] = [
    // Models and scenes only, and under their cfg only.
    ("heist-loom", &[]),
    ("heist-shuttle", &[]),
    ("heist-scheduler", &["heist-loom", "heist-shuttle"]),
    ("heist-reactor", &["heist-loom", "heist-shuttle"]),
    ("heist-macros", &[]),
    ("heist-net", &["heist-reactor"]),
    (
        "heist",
        &[
            "heist-scheduler",
            "heist-reactor",
            "heist-net",
            "heist-macros",
        ],
    ),
    ("heist-hyper", &["heist"]),
    ("heist-examples", &["heist", "heist-hyper"]),
    (
        "heist-tests",
        &[
            "heist",
            "heist-hyper",
            "heist-net",
            "heist-reactor",
            "heist-scheduler",
        ],
    ),
    (BENCHES, &["heist", "heist-hyper", "heist-examples"]),
    ("xtask", &[]),
];

const BENCHES: &str = "heist-benches";

/// What people link, and where it lives.
const LINKED: [(&str, &str); 3] = [
    ("heist", "crates/heist"),
    ("heist-hyper", "crates/hyper"),
    ("heist-examples", "examples"),
];

const RIVALS: [&str; 13] = [
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-process",
    "async-signal",
    "async-std",
    "compio",
    "glommio",
    "may",
    "monoio",
    "rayon",
    "smol",
    "tokio-uring",
];

/// The features of tokio that bring its runtime; `io-util`, `sync` and `macros` do not.
const TOKIO_RUNTIME: [&str; 8] = [
    "fs",
    "full",
    "net",
    "process",
    "rt",
    "rt-multi-thread",
    "signal",
    "time",
];

#[cfg(test)]
mod tests;
