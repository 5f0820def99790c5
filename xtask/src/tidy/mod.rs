//! The workspace's own rules, checked from the sources as text: what neither the compiler nor
//! clippy can know. Each check is a function from [`Source`]s (or cargo's metadata) to
//! [`Finding`]s, and its tests feed it small fixtures.
//!
//! Text, not a syntax tree: the rules are about comments as much as about code, and a tree has
//! none. [`Source`] separates the two, so that a word in a string or a comment is never taken for
//! code.

mod paths;
mod claims;
mod edges;
mod layers;
mod orderings;
mod seams;
mod text;
mod unsafety;

use std::{fmt, fs};

use anyhow::{Context as _, bail};

use crate::cargo;
use crate::orderings::TABLE_FILE;
use crate::source::{self, Source};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the workspace's root.
    path: String,
    /// Counted from 1.
    line: usize,
    /// What is wrong.
    what: String,
    /// How to mend it.
    mend: String,
    /// A warning does not fail the check.
    severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Warning,
    Error,
}

impl Finding {
    /// An error in a line, counted from 0.
    fn error(path: &str, index: usize, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding {
            path: path.to_owned(),
            line: index + 1,
            what: what.into(),
            mend: mend.into(),
            severity: Severity::Error,
        }
    }

    fn into_warning(self) -> Self {
        Finding {
            severity: Severity::Warning,
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning: ",
            Severity::Error => "",
        };
        write!(
            f,
            "{}:{}: {severity}{}\n    {}",
            self.path, self.line, self.what, self.mend
        )
    }
}

/// Checks everything.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = cargo::root();
    let mut findings = edges::check(&cargo::metadata()?);
    findings.extend(edges::check_linked()?);
    let files = source::files(root, "".as_ref()).context("cannot list the workspace")?;
    let mut sources = Vec::new();
    for path in &files {
        // What is not text has no lines to check.
        let Ok(text) = fs::read_to_string(root.join(path)) else {
            continue;
        };
        findings.extend(text::check_absolute_paths(path, &text, root));
        if path.ends_with(".rs") {
            sources.push(Source::new(path, &text));
        }
    }
    for source in &sources {
        findings.extend(text::check(source));
        findings.extend(unsafety::check(source));
        findings.extend(seams::check(source));
        findings.extend(claims::check(source));
    }
    findings.extend(layers::check(&sources));
    findings.extend(orderings::check(&sources));
    let table = fs::read_to_string(root.join(TABLE_FILE)).context(TABLE_FILE)?;
    findings.extend(orderings::check_table(&sources, &table));
    findings.extend(orderings::check_mutants()?);
    report(findings, sources.len())
}

fn report(mut findings: Vec<Finding>, files: usize) -> anyhow::Result<()> {
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    match errors.count() {
        0 => {
            println!("{files} files are tidy");
            Ok(())
        }
        errors => bail!("{errors} findings"),
    }
}
