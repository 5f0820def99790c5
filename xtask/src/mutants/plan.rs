//! All mutants: the derived ones and those of `xtask/mutants.toml`, held against the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, bail};

use super::data::{self, ByHand};
use super::{Mutant, derive};
use crate::cargo;
use crate::orderings::{self, models};
use crate::source::Source;

/// The file of mutants written by hand, and of arguments.
pub(crate) const FILE: &str = "xtask/mutants.toml";

/// Something in the way of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) path: String,
    /// Counted from 0.
    pub(crate) line: usize,
    pub(crate) what: String,
    pub(crate) mend: String,
}

/// Every mutant of the workspace.
pub(super) fn read() -> anyhow::Result<Vec<Mutant>> {
    let (mutants, problems) = check()?;
    for problem in &problems {
        let (path, line) = (&problem.path, problem.line + 1);
        println!("{path}:{line}: {}\n    {}", problem.what, problem.mend);
    }
    if !problems.is_empty() {
        bail!("{} problems with the mutants", problems.len());
    }
    Ok(mutants)
}

/// The mutants, and what is wrong with them.
pub(crate) fn check() -> anyhow::Result<(Vec<Mutant>, Vec<Problem>)> {
    let sources = orderings::sources()?;
    let mut texts = BTreeMap::new();
    for source in &sources {
        let path = source.path.clone();
        let text = fs::read_to_string(cargo::root().join(&path)).context(path.clone())?;
        texts.insert(path, text);
    }
    let data = fs::read_to_string(cargo::root().join(FILE)).context(FILE)?;
    Ok(of(&sources, &texts, &data))
}

/// The mutants of these sources, whose texts are these, with this data file.
fn of(
    sources: &[Source],
    texts: &BTreeMap<String, String>,
    data: &str,
) -> (Vec<Mutant>, Vec<Problem>) {
    let mut planner = Planner {
        texts,
        data,
        models: models(sources),
        mutants: Vec::new(),
        problems: Vec::new(),
    };
    let sites = orderings::sites(sources);
    match derive::all(&sites, |path| texts.get(path).map_or("", String::as_str)) {
        Ok(derived) => planner.mutants = derived,
        Err(place) => planner.problems.push(Problem {
            path: place.path,
            line: place.line,
            what: "an ordering that cannot be weakened as text".to_owned(),
            mend: "write it out, and the call of `fence` on one line".to_owned(),
        }),
    }
    match data::parse(data) {
        Ok(parsed) => planner.add(parsed),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            planner.problem(
                at,
                error.message(),
                "see the form in xtask/src/mutants/data.rs",
            );
        }
    }
    (planner.mutants, planner.problems)
}

struct Planner<'a> {
    texts: &'a BTreeMap<String, String>,
    data: &'a str,
    models: BTreeMap<&'a str, BTreeSet<&'a str>>,
    mutants: Vec<Mutant>,
    problems: Vec<Problem>,
}

impl Planner<'_> {
    fn add(&mut self, data: data::Data) {
        for survivor in &data.survivors {
            let (name, at) = (survivor.name.get_ref(), survivor.name.span().start);
            self.check_argument(at, &survivor.survives);
            let mutant = self.mutants.iter_mut().find(|mutant| mutant.name == *name);
            match mutant {
                Some(mutant) if mutant.argument.is_none() => {
                    mutant.argument = Some(survivor.survives.clone());
                }
                Some(_) => self.problem(at, &format!("`{name}` is argued twice"), "keep one"),
                None => self.problem(
                    at,
                    &format!("no ordering gives the mutant `{name}`"),
                    "name it as `cargo xtask loom --mutants --list` does, or remove the argument",
                ),
            }
        }
        for by_hand in data.mutants {
            self.add_by_hand(by_hand);
        }
    }

    fn add_by_hand(&mut self, by_hand: ByHand) {
        let at = by_hand.name.span().start;
        let krate = by_hand
            .file
            .strip_prefix("crates/")
            .and_then(|path| path.split('/').next())
            .unwrap_or("")
            .to_owned();
        let name = format!("{krate} {}", by_hand.name.get_ref());
        if self.mutants.iter().any(|mutant| mutant.name == name) {
            self.problem(at, &format!("two mutants `{name}`"), "rename one");
        }
        if by_hand.why.trim().is_empty() {
            self.problem(at, "`why` is empty", "say what would go wrong");
        }
        if let Some(argument) = &by_hand.survives {
            self.check_argument(at, argument);
        }
        self.check_models(at, &krate, &by_hand.models);
        let Some(text) = self.texts.get(&by_hand.file) else {
            let what = format!("`{}` is no file of a modelled crate", by_hand.file);
            return self.problem(at, &what, "mend the path");
        };
        let mut places = text.match_indices(&by_hand.old);
        let (Some((start, _)), None) = (places.next(), places.next()) else {
            let count = text.matches(&by_hand.old).count();
            let what = format!("`old` occurs {count} times in {}", by_hand.file);
            return self.problem(at, &what, "make it the text that stands there, once");
        };
        if by_hand.old == by_hand.new {
            self.problem(at, "`new` is `old`", "break something");
        }
        self.mutants.push(Mutant {
            name,
            krate,
            path: by_hand.file,
            range: start..start + by_hand.old.len(),
            new: by_hand.new,
            models: by_hand.models,
            argument: by_hand.survives,
        });
    }

    fn check_models(&mut self, at: usize, krate: &str, models: &[String]) {
        if models.is_empty() {
            let what = "`models` is empty";
            self.problem(at, what, "name those that fail, or that come closest");
        }
        let known = self.models.get(krate).cloned().unwrap_or_default();
        for model in models {
            if !known.contains(model.as_str()) {
                let what = format!("the crate {krate} has no model `{model}`");
                self.problem(at, &what, "name a test in one of its `models` modules");
            }
        }
    }

    fn check_argument(&mut self, at: usize, argument: &str) {
        if let Some(mend) = data::not_an_argument(argument) {
            self.problem(at, "`survives` is no argument", mend);
        }
    }

    /// A problem at a byte of the data file.
    fn problem(&mut self, at: usize, what: &str, mend: &str) {
        self.problems.push(Problem {
            path: FILE.to_owned(),
            line: self.data[..at].matches('\n').count(),
            what: what.to_owned(),
            mend: mend.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests;
