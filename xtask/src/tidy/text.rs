//! Plain rules about files and lines: a head that says what the file is, its size, words that have
//! no place in it, and paths that exist on one machine only.

use std::path::Path;

use super::Finding;
use crate::source::{Line, Source};

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
    let (worrying, most) = limits(&source.path);
    let finding = Finding::error(
        &source.path,
        lines.saturating_sub(1),
        format!("{lines} lines"),
        format!(
            "split it where its head needs an \"and\"; worrying from {worrying}, at most {most}"
        ),
    );
    if lines > most {
        return Some(finding);
    }
    (lines > worrying).then(|| finding.into_warning())
}

/// How many lines of a file are worth a thought, and how many are too many.
fn limits(path: &str) -> (usize, usize) {
    if path.starts_with("examples/src/bin/") {
        // An example is read in one go.
        (150, 150)
    } else if path.starts_with("tests/") {
        // A list of cases has no parts to be found in.
        (400, 800)
    } else {
        (400, 500)
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

#[cfg(test)]
mod tests;
