//! Plain rules about files and lines: a head that says what the file is, its size, words that have
//! no place in it, and paths that exist on one machine only.

use std::path::Path;

use super::Finding;
use super::source::{Line, Source};

/// Checks one Rust file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = check_head(source).into_iter().collect();
    findings.extend(check_size(source));
    for (index, line) in source.lines.iter().enumerate() {
        findings.extend(check_line(&source.path, index, line));
    }
    findings
}

fn check_head(source: &Source) -> Option<Finding> {
    let headed = source
        .lines
        .first()
        .is_some_and(|line| line.comment.starts_with("//!"));
    (source.path.contains("src/") && !headed).then(|| {
        Finding::error(
            &source.path,
            0,
            "the file has no head",
            "begin it with `//!` and one sentence saying what it is",
        )
    })
}

fn check_size(source: &Source) -> Option<Finding> {
    let lines = source.lines.len();
    let limit = if source.path.starts_with("examples/") {
        EXAMPLE_LINES
    } else {
        MOST_LINES
    };
    let finding = Finding::error(
        &source.path,
        lines.saturating_sub(1),
        format!("{lines} lines"),
        format!("split it where its head needs an \"and\"; the most is {limit}"),
    );
    if lines > limit {
        Some(finding)
    } else {
        (lines > WORRYING_LINES).then(|| finding.into_warning())
    }
}

fn check_line(path: &str, index: usize, line: &Line) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |what: &str, mend: &str| {
        findings.push(Finding::error(path, index, what, mend));
    };
    let code = line.code.trim_start();
    let attribute = code.starts_with("#[") || code.starts_with("#![");
    let has = |wanted: &str| line.words().any(|(_, word)| word == wanted);
    if attribute && has("allow") {
        found(
            "`allow` outlives its reason",
            "use `#[expect(lint, reason = \"…\")]`",
        );
    }
    if attribute && has("ignore") {
        found("an ignored test", "mend it or remove it");
    }
    if (has("todo") || has("unimplemented")) && code.contains("!(") {
        found("unfinished code", "finish it");
    }
    let fence = line.comment.trim_start_matches(['/', '!', ' ']);
    if fence.starts_with("```") && fence.contains("ignore") {
        found(
            "an ignored doc test",
            "make it run, or `no_run` where it cannot",
        );
    }
    findings
}

/// Finds the workspace's own place on this machine, and anyone's home, in a file of any kind.
pub(super) fn check_absolute_paths(path: &str, text: &str, root: &Path) -> Vec<Finding> {
    let root = format!("{}/", root.display());
    // A root such as `/src` would be found in every other line.
    let telling = root.matches('/').count() > 2;
    let homes = [concat!("/ho", "me/"), concat!("/Use", "rs/")];
    let lines = text.lines().enumerate();
    let broken = lines.filter(|(_, line)| {
        (telling && line.contains(&root)) || homes.iter().any(|home| line.contains(home))
    });
    let finding = |(index, _)| {
        Finding::error(
            path,
            index,
            "a path that exists on one machine only",
            "make it relative to the workspace",
        )
    };
    broken.map(finding).collect()
}

/// No file is longer.
const MOST_LINES: usize = 500;

/// A longer one is worth a thought.
const WORRYING_LINES: usize = 400;

/// An example is read in one go.
const EXAMPLE_LINES: usize = 150;

#[cfg(test)]
mod tests;
