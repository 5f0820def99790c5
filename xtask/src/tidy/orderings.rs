//! Atomic orderings: every one above Relaxed is argued in an `// ORDERING:` comment. In the
//! modelled crates the comment has a form ([`crate::orderings::comment`]), and this holds of it:
//!
//! - it declares the statement's orderings, all of them and no other, so that none is weakened or
//!   added without a word;
//! - the functions it pairs with exist, hold the complementary ordering, and name it in turn;
//! - its models exist;
//! - ARCHITECTURE.md lists it.

use std::collections::BTreeSet;

use super::Finding;
use crate::mutants::plan;
use crate::orderings::comment::{Claim, Edge, FORM, Ordering, Token};
use crate::orderings::site::{self, Placed, Site};
use crate::orderings::{MODELLED, TABLE_FILE, is_stand_in, models, sites, table};
use crate::source::Source;

/// Checks the crates' own code.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(krate) = source.krate() else {
            continue;
        };
        if !MODELLED.contains(&krate) || is_stand_in(source) {
            findings.extend(check_argued(source));
        } else {
            findings.extend(check_left_over(source));
        }
    }
    let models = models(sources);
    let sites = sites(sources);
    for krate in MODELLED {
        let sites: Vec<&Site> = sites.iter().filter(|site| site.krate == krate).collect();
        let models = models.get(krate).cloned().unwrap_or_default();
        for site in &sites {
            findings.extend(check_site(site, &sites, &models));
        }
    }
    findings
}

/// Holds the mutants written by hand against the sources.
pub(super) fn check_mutants() -> anyhow::Result<Vec<Finding>> {
    let (_, problems) = plan::check()?;
    let finding = |problem: plan::Problem| {
        Finding::error(&problem.path, problem.line, problem.what, problem.mend)
    };
    Ok(problems.into_iter().map(finding).collect())
}

/// Holds the table in ARCHITECTURE.md, whose text this is, against the comments.
pub(super) fn check_table(sources: &[Source], text: &str) -> Option<Finding> {
    let found = |what: String| {
        let mend = "write it with: cargo xtask edges --write";
        Some(Finding::error(TABLE_FILE, 0, what, mend))
    };
    match table::splice(text, &table::of(&sites(sources))) {
        Err(error) => found(format!("the edges have no place: {error}")),
        Ok(written) if written != text => {
            found("the table of edges is not what the ORDERING comments say".to_owned())
        }
        Ok(_) => None,
    }
}

/// Where no form is asked for, a comment suffices.
fn check_argued(source: &Source) -> Vec<Finding> {
    let orderings = site::orderings(source);
    let silent = orderings.iter().filter(|placed| {
        let comments = source.comments_of(placed.line);
        !comments.contains("ORDERING:")
    });
    silent
        .map(|placed| without_comment(&source.path, placed))
        .collect()
}

/// A comment whose statement holds no ordering above Relaxed any more: it was weakened without a word.
fn check_left_over(source: &Source) -> Vec<Finding> {
    let orderings = site::orderings(source);
    let statements = orderings.iter().map(|placed| placed.line);
    let covered: Vec<_> = statements
        .map(|line| source.statement_start(line)..=line)
        .collect();
    let lines = source.lines.iter().enumerate();
    let left_over = lines.filter(|(index, line)| {
        let is_one = !line.in_test && line.comment.trim_start().starts_with("// ORDERING:");
        is_one && !covered.iter().any(|lines| lines.contains(index))
    });
    let finding = |(index, _): (usize, _)| {
        let what = "an ORDERING comment, but its statement holds no ordering above Relaxed";
        let mend = "restore the ordering, or remove the comment and argue why Relaxed suffices";
        Finding::error(&source.path, index, what.to_owned(), mend)
    };
    left_over.map(finding).collect()
}

fn without_comment(path: &str, placed: &Placed) -> Finding {
    let what = format!("{} without an ORDERING comment", placed.token);
    Finding::error(path, placed.line, what, FORM)
}

fn check_site(site: &Site, sites: &[&Site], models: &BTreeSet<&str>) -> Vec<Finding> {
    let edges = match &site.edges {
        None => return vec![without_comment(&site.path, &site.orderings[0])],
        Some(Err(error)) => {
            let what = format!("an ORDERING comment that does not parse: {error}");
            return vec![Finding::error(&site.path, site.line(), what, FORM)];
        }
        Some(Ok(edges)) => edges,
    };
    let mut findings = check_tokens(site, edges);
    let found = |what: String, mend: &str| Finding::error(&site.path, site.line(), what, mend);
    for edge in edges {
        for other in &edge.others {
            findings.extend(check_pair(site, edge, other, sites));
        }
        let unknown = edge.models.iter();
        let unknown = unknown.filter(|name| !models.contains(name.as_str()));
        findings.extend(unknown.map(|name| {
            found(
                format!("there is no model `{name}`"),
                "name a function in one of this crate's `models` modules",
            )
        }));
    }
    findings
}

/// What is declared must be what stands in the statement.
fn check_tokens(site: &Site, edges: &[Edge]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |what: String, mend: &str| {
        findings.push(Finding::error(&site.path, site.line(), what, mend));
    };
    let declared: BTreeSet<Token> = edges.iter().map(|edge| edge.claim.token).collect();
    let mut used = BTreeSet::new();
    for Placed { token, .. } in &site.orderings {
        if !used.insert(*token) {
            found(
                format!("{token} stands twice in one statement"),
                "make it two statements, so that each has its own ORDERING comment",
            );
        }
    }
    for token in used.difference(&declared) {
        found(
            format!("the statement uses {token}, its ORDERING comment does not declare it"),
            "declare what it pairs with, or restore the ordering that is declared",
        );
    }
    for token in declared.difference(&used) {
        found(
            format!("the ORDERING comment declares {token}, the statement does not use it"),
            "restore the ordering, or argue why the weaker one suffices and mend the comment",
        );
    }
    for token in declared.intersection(&used) {
        let halves = [Ordering::Acquire, Ordering::Release];
        let claims = || edges.iter().map(|edge| edge.claim);
        let missing = halves.into_iter().find(|half| {
            let of_token = |claim: &Claim| claim.token == *token;
            let whole = |claim: Claim| claim.half.is_none() || claim.half == Some(*half);
            !claims().filter(of_token).any(whole)
        });
        if let Some(half) = missing {
            found(
                format!("the ORDERING comment says nothing of the {half:?} of {token}"),
                "declare its edge; if it has none, weaken the ordering",
            );
        }
    }
    findings
}

/// The other half must exist, be complementary, and name this one.
fn check_pair(site: &Site, edge: &Edge, other: &str, sites: &[&Site]) -> Option<Finding> {
    let found =
        |what: String, mend: &str| Some(Finding::error(&site.path, site.line(), what, mend));
    let named: Vec<&&Site> = sites
        .iter()
        .filter(|site| site.function.to_string() == other)
        .collect();
    let Some(first) = named.first() else {
        return found(
            format!("no function `{other}` of this crate holds an atomic ordering above Relaxed"),
            "name the function that holds the other half, as `Type::function`",
        );
    };
    if named.iter().any(|site| site.path != first.path) {
        return found(
            format!("`{other}` is in several files: {} and others", first.path),
            "give one of the types another name",
        );
    }
    let this = site.function.to_string();
    let mut back = named
        .iter()
        .flat_map(|site| site.declared())
        .filter(|back| back.others.contains(&this) && complementary(edge.claim, back.claim));
    if back.next().is_none() {
        return found(
            format!(
                "`{other}` has no edge back to `{this}` that complements {}",
                edge.claim
            ),
            "an edge has two ends: declare it at both, or at none",
        );
    }
    None
}

/// Whether one publishes what the other sees.
fn complementary(one: Claim, other: Claim) -> bool {
    let to =
        |from: Claim, to: Claim| from.contains(Ordering::Release) && to.contains(Ordering::Acquire);
    to(one, other) || to(other, one)
}

#[cfg(test)]
mod tests;
