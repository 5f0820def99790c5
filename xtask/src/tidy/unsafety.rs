//! Unsafe code: only where a crate says so, and each use with its argument.

use super::Finding;
use crate::source::Source;

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in source.lines.iter().enumerate() {
        let uses = line.words().filter(|(_, word)| *word == "unsafe");
        for (column, word) in uses {
            let rest = line.code[column + word.len()..].trim_start();
            findings.extend(check_use(source, index, Use::of(rest)));
        }
    }
    findings.extend(check_forbidden(source));
    findings
}

/// What an `unsafe` stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// A block or an impl: an obligation is met here.
    Met,
    /// A function or a trait: an obligation is passed on.
    Declared,
    /// The type of a function pointer, or an attribute's `unsafe(…)`.
    Mentioned,
}

impl Use {
    fn of(rest: &str) -> Use {
        let item = rest.strip_prefix("extern").map_or(rest, |abi| {
            abi.trim_start_matches(|c: char| c == '"' || c.is_whitespace())
        });
        let named_fn = item
            .strip_prefix("fn")
            .is_some_and(|tail| tail.starts_with(' '));
        if named_fn || rest.starts_with("trait") {
            Use::Declared
        } else if item.starts_with("fn") || rest.starts_with('(') {
            Use::Mentioned
        } else {
            Use::Met
        }
    }
}

fn check_use(source: &Source, index: usize, kind: Use) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |what: &str, mend: &str| {
        findings.push(Finding::error(&source.path, index, what, mend));
    };
    if !ALLOWED.iter().any(|place| source.path.starts_with(place)) {
        found(
            "unsafe code outside the places that may hold it",
            &format!(
                "write it safely, or move it to one of: {}",
                ALLOWED.join(", ")
            ),
        );
    }
    let comments = source.comments_of(index);
    match kind {
        Use::Met if !comments.contains("SAFETY:") => found(
            "unsafe without a SAFETY comment",
            "write `// SAFETY: …` above the statement: which invariant makes it sound, and where it is kept",
        ),
        Use::Declared if !comments.contains("# Safety") => found(
            "an unsafe declaration without a `# Safety` section",
            "list in its documentation what the caller must guarantee",
        ),
        _ => {}
    }
    findings
}

/// A crate that may hold no unsafe code says so in its root.
fn check_forbidden(source: &Source) -> Option<Finding> {
    let krate = source
        .krate()
        .filter(|_| source.path.ends_with("/src/lib.rs"))?;
    let may_hold = ALLOWED
        .iter()
        .any(|place| place.starts_with(&format!("crates/{krate}/")));
    let forbids = source
        .lines
        .iter()
        .any(|line| line.code.contains("#![forbid(unsafe_code)]"));
    (!may_hold && !forbids).then(|| {
        Finding::error(
            &source.path,
            0,
            "a crate without unsafe code does not forbid it",
            "add `#![forbid(unsafe_code)]`",
        )
    })
}

/// Where unsafe code may live.
const ALLOWED: [&str; 2] = ["crates/scheduler/src/task/", "crates/reactor/src/buf"];

#[cfg(test)]
mod tests;
