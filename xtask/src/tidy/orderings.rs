//! Atomic orderings: every one above Relaxed says, in an `// ORDERING:` comment, what it pairs
//! with and which model guards it, and that model exists.
//!
//! `// ORDERING: Release pairs with the Acquire in `X::y`; publishes … (model: name_of_model)`

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::source::Source;

/// Checks the crates' own code.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let models = models(sources);
    let none = BTreeSet::new();
    let mut findings = Vec::new();
    for source in sources {
        let Some(krate) = source.krate() else {
            continue;
        };
        if source.module().first() == Some(&"sync") {
            continue;
        }
        let models = models.get(krate).unwrap_or(&none);
        findings.extend(check_file(
            source,
            MODELLED.contains(&krate).then_some(models),
        ));
    }
    findings
}

/// The test functions in each crate's model files.
fn models(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut models: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is_model_file()) {
        let Some(krate) = source.krate() else {
            continue;
        };
        let known = models.entry(krate).or_default();
        let mut is_test = false;
        for line in &source.lines {
            let code = line.code.trim();
            is_test |= code == "#[test]";
            if let Some(name) = code.strip_prefix("fn ").filter(|_| is_test) {
                known.extend(name.split(['(', '<']).next());
                is_test = false;
            }
        }
    }
    models
}

/// `models` is `None` where a model is not asked for.
fn check_file(source: &Source, models: Option<&BTreeSet<&str>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_use = false;
    for (index, line) in source.lines.iter().enumerate() {
        let code = line.code.trim();
        in_use |= is_use(code);
        let importing = in_use;
        in_use &= !code.ends_with(';');
        let strong = line.words().find(|(_, word)| STRONG.contains(word));
        let Some((_, ordering)) = strong.filter(|_| !importing && !line.in_test) else {
            continue;
        };
        findings.extend(check_comment(source, index, ordering, models));
    }
    findings
}

fn check_comment(
    source: &Source,
    index: usize,
    ordering: &str,
    models: Option<&BTreeSet<&str>>,
) -> Option<Finding> {
    let found = |what: String, mend: &str| Some(Finding::error(&source.path, index, what, mend));
    let comments = source.comments_of(index);
    let Some((_, argument)) = comments.split_once("ORDERING:") else {
        return found(
            format!("{ordering} without an ORDERING comment"),
            "write above the statement: `// ORDERING: … pairs with … in `file::function`; publishes … (model: name)`",
        );
    };
    let models = models?;
    let named = named_models(argument);
    if named.is_empty() {
        return found(
            format!("the ORDERING comment of {ordering} names no model"),
            "end it with `(model: name_of_the_model_that_fails_without_it)`",
        );
    }
    let unknown = named.iter().find(|name| !models.contains(name.as_str()))?;
    found(
        format!("there is no model `{unknown}`"),
        "name a function in one of this crate's `models` modules",
    )
}

/// The names in `(model: a)` or `(models: a, b)`.
fn named_models(argument: &str) -> Vec<String> {
    let sections = argument.match_indices("(model").filter_map(|(start, _)| {
        let section = argument[start..].split_once(')')?.0;
        let (_, names) = section.split_once(':')?;
        Some(names.to_owned())
    });
    let names = sections.flat_map(|names| {
        let names = names
            .split([',', ' ', '`'])
            .map(|name| name.rsplit("::").next().unwrap_or(name).to_owned());
        names
            .filter(|name| !name.is_empty() && name != "and")
            .collect::<Vec<_>>()
    });
    names.collect()
}

fn is_use(code: &str) -> bool {
    let words: Vec<&str> = code.split_whitespace().take(2).collect();
    matches!(words.as_slice(), ["use", ..])
        || (code.starts_with("pub") && words.get(1) == Some(&"use"))
}

/// The orderings that make an edge.
const STRONG: [&str; 4] = ["Acquire", "Release", "AcqRel", "SeqCst"];

/// The crates whose every edge has a model.
const MODELLED: [&str; 2] = ["scheduler", "reactor"];

#[cfg(test)]
mod tests;
