//! Module layers: the order of the `mod` lines in a crate's `lib.rs` is the order of its layers,
//! lowest first. A module may use those declared above it. Tests and models may use everything.

use std::collections::BTreeMap;

use super::Finding;
use super::paths::{PathUse, paths};
use crate::source::Source;

/// Checks every crate under `crates/`.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let roots = sources
        .iter()
        .filter(|source| source.path.ends_with("/src/lib.rs"));
    let mut findings = Vec::new();
    for root in roots {
        let Some(krate) = root.krate() else { continue };
        let layers = Layers::new(root);
        let files = sources
            .iter()
            .filter(|source| source.krate() == Some(krate));
        files.for_each(|file| findings.extend(layers.check(file)));
    }
    findings
}

/// A crate's modules in order, and what its root re-exports from them.
struct Layers {
    order: Vec<String>,
    exported: BTreeMap<String, String>,
}

impl Layers {
    fn new(root: &Source) -> Layers {
        let order: Vec<String> = root
            .lines
            .iter()
            .filter(|line| !line.in_test)
            .filter_map(|line| declared(&line.code))
            .collect();
        let exported = paths(root).into_iter().filter_map(|path| {
            let owner = path
                .segments
                .iter()
                .find(|part| !matches!(part.as_str(), "crate" | "self"))?;
            order
                .contains(owner)
                .then(|| (path.name().to_owned(), owner.clone()))
        });
        Layers {
            exported: exported.collect(),
            order,
        }
    }

    fn check(&self, file: &Source) -> Vec<Finding> {
        let module = file.module();
        let Some(own) = module.first().and_then(|name| self.rank(name)) else {
            return Vec::new();
        };
        let used = paths(file)
            .into_iter()
            .filter(|path| !file.lines[path.line].in_test);
        let upward = used.filter_map(|path| {
            let target = self.owner(target(&path, module.len())?)?;
            (self.rank(target)? > own).then(|| self.finding(file, &path, target))
        });
        upward.collect()
    }

    fn finding(&self, file: &Source, path: &PathUse, target: &str) -> Finding {
        let own = file.module()[0].to_owned();
        Finding::error(
            &file.path,
            path.line,
            format!(
                "`{own}` uses `{target}`, which lib.rs declares below it: a lower layer uses a higher one"
            ),
            format!(
                "move the shared part below both, or, if `{own}` is the higher layer, move its `mod` line down"
            ),
        )
    }

    fn rank(&self, module: &str) -> Option<usize> {
        self.order.iter().position(|name| name == module)
    }

    /// The top-level module behind a name in the crate's root.
    fn owner<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.rank(name).is_some() {
            return Some(name);
        }
        self.exported.get(name).map(String::as_str)
    }
}

/// The name in the crate's root that a path goes through, if it goes there.
fn target(path: &PathUse, depth: usize) -> Option<&str> {
    let ups = path
        .segments
        .iter()
        .take_while(|part| *part == "super")
        .count();
    let first = match path.segments[0].as_str() {
        "crate" => 1,
        "super" if ups == depth => ups,
        _ => return None,
    };
    path.segments.get(first).map(String::as_str)
}

/// The module that a line at a file's top level declares.
fn declared(code: &str) -> Option<String> {
    if code.starts_with(' ') {
        return None;
    }
    let words: Vec<&str> = code
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    match words.as_slice() {
        ["mod", name] | ["pub", "mod", name] | ["pub", _, "mod", name] => Some((*name).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
