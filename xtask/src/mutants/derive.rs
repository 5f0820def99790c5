//! The weakened orderings: every one above Relaxed, by one step in each direction.
//!
//! | ordering | becomes |
//! |---|---|
//! | `Acquire`, `Release` | `Relaxed` |
//! | `AcqRel` | `Release` (its Acquire is lost), `Acquire` (its Release is lost) |
//! | `SeqCst` access | `Relaxed`; loom plays it as `AcqRel`, so its place in the one order is not seen |
//! | `SeqCst` fence | nothing, and a fence `AcqRel` |
//! | other fences | nothing; `AcqRel` also either half |

use std::collections::BTreeMap;
use std::ops::Range;

use super::Mutant;
use crate::orderings::comment::{Claim, Ordering, Role, Token};
use crate::orderings::site::{Placed, Site};

/// Every weakening of every site; `text` gives a file's content.
pub(super) fn all<'a>(
    sites: &[Site],
    text: impl Fn(&str) -> &'a str,
) -> Result<Vec<Mutant>, Unchanged> {
    let mut mutants = Vec::new();
    let mut names = BTreeMap::new();
    for site in sites {
        for placed in &site.orderings {
            for weaker in weakenings(placed.token) {
                let place = place(text(&site.path), placed, weaker).ok_or_else(|| Unchanged {
                    path: site.path.clone(),
                    line: placed.line,
                })?;
                let title = format!(
                    "{} {}: {} -> {}",
                    site.krate,
                    site.function,
                    placed.token,
                    weaker.name()
                );
                let count: &mut usize = names.entry(title.clone()).or_default();
                *count += 1;
                let name = match *count {
                    1 => title,
                    count => format!("{title} ({count})"),
                };
                mutants.push(Mutant {
                    name,
                    krate: site.krate.clone(),
                    path: site.path.clone(),
                    range: place,
                    new: weaker.code(),
                    models: models(site, placed.token, weaker),
                    argument: None,
                });
            }
        }
    }
    Ok(mutants)
}

/// An ordering that cannot be replaced as text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unchanged {
    pub(super) path: String,
    /// Counted from 0.
    pub(super) line: usize,
}

/// What an ordering, or a whole fence, becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weaker {
    Relaxed,
    /// In place of a stronger one; `lost` is the half that it lacks.
    Only(Ordering, Option<Ordering>),
    /// No fence.
    Nothing,
}

impl Weaker {
    fn name(self) -> String {
        match self {
            Weaker::Relaxed => "Relaxed".to_owned(),
            Weaker::Only(ordering, _) => format!("{ordering:?}"),
            Weaker::Nothing => "nothing".to_owned(),
        }
    }

    /// Loom's orderings are std's, so one path serves everywhere.
    fn code(self) -> String {
        match self {
            Weaker::Nothing => "()".to_owned(),
            other => format!("::std::sync::atomic::Ordering::{}", other.name()),
        }
    }
}

fn weakenings(token: Token) -> Vec<Weaker> {
    use Ordering::{AcqRel, Acquire, Release, SeqCst};
    let halves = [
        Weaker::Only(Release, Some(Acquire)),
        Weaker::Only(Acquire, Some(Release)),
    ];
    match (token.role, token.ordering) {
        (Role::Fence, SeqCst) => vec![Weaker::Nothing, Weaker::Only(AcqRel, None)],
        (Role::Fence, AcqRel) => [vec![Weaker::Nothing], halves.to_vec()].concat(),
        (Role::Fence, Acquire | Release) => vec![Weaker::Nothing],
        (_, AcqRel) => halves.to_vec(),
        (_, Acquire | Release | SeqCst) => vec![Weaker::Relaxed],
    }
}

/// The models of the edges that are lost.
fn models(site: &Site, token: Token, weaker: Weaker) -> Vec<String> {
    let lost = |claim: &Claim| match weaker {
        Weaker::Only(_, Some(half)) => claim.contains(half),
        // A weaker fence: its halves are still there, its place in the one order is not.
        Weaker::Only(_, None) => claim.half.is_none(),
        Weaker::Relaxed | Weaker::Nothing => true,
    };
    let edges = site.declared().iter();
    let edges = edges.filter(|edge| edge.claim.token == token && lost(&edge.claim));
    let mut models = Vec::new();
    for model in edges.flat_map(|edge| &edge.models) {
        if !models.contains(model) {
            models.push(model.clone());
        }
    }
    models
}

/// The bytes of the ordering with the path that leads to it, or of the call of `fence`.
fn place(text: &str, placed: &Placed, weaker: Weaker) -> Option<Range<usize>> {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(placed.line)
        .map(str::len)
        .sum();
    let line = text[line_start..].lines().next()?;
    let column: usize = line.chars().take(placed.column).map(char::len_utf8).sum();
    let word = format!("{:?}", placed.token.ordering);
    line[column..].strip_prefix(&word)?;
    let start = path_start(&line[..column]);
    let (start, end) = match weaker {
        Weaker::Nothing => {
            let call = line[..start].trim_end().strip_suffix("fence(")?;
            let close = line[column..].find(')')?;
            (path_start(call), column + close + 1)
        }
        _ => (start, column + word.len()),
    };
    Some(line_start + start..line_start + end)
}

/// Where the path begins that a line ends with.
fn path_start(line: &str) -> usize {
    let in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    line.trim_end_matches(in_path).len()
}

#[cfg(test)]
mod tests;
