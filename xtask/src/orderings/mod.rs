//! The happens-before edges of the crates whose every edge has a model: read from the sources,
//! where each atomic ordering above Relaxed declares its own in an `// ORDERING:` comment.
//!
//! [`site`] finds the orderings, [`comment`] reads what is said of them, [`table`] writes them down
//! in ARCHITECTURE.md (`cargo xtask edges`). That what is said is true, as far as text can tell, is
//! `tidy`'s to check; that a model fails without it, `loom --mutants`'.

pub(crate) mod comment;
pub(crate) mod site;
pub(crate) mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::Context as _;

use crate::cargo;
use crate::source::Source;
use site::Site;

/// The crates whose every edge has a model.
pub(crate) const MODELLED: [&str; 2] = ["scheduler", "reactor"];

/// The edges' table is a part of this file.
pub(crate) const TABLE_FILE: &str = "ARCHITECTURE.md";

/// Runs `cargo xtask edges`.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut write = false;
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("write") => write = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let table = table::of(&sites(&sources()?));
    if !write {
        print!("{table}");
        return Ok(());
    }
    let path = cargo::root().join(TABLE_FILE);
    let text = fs::read_to_string(&path).context(TABLE_FILE)?;
    let written = table::splice(&text, &table).context(TABLE_FILE)?;
    if written == text {
        println!("{TABLE_FILE} is up to date");
    } else {
        fs::write(&path, written).context(TABLE_FILE)?;
        println!("{TABLE_FILE}: the edges are written");
    }
    Ok(())
}

/// The files of the modelled crates.
pub(crate) fn sources() -> anyhow::Result<Vec<Source>> {
    let root = cargo::root();
    let mut sources = Vec::new();
    for krate in MODELLED {
        let files = crate::source::files(root, format!("crates/{krate}/src").as_ref());
        for path in files.context("cannot list the workspace")? {
            let text = fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
            sources.push(Source::new(&path, &text));
        }
    }
    Ok(sources)
}

/// Every ordering that has to declare its edges, in the order of [`MODELLED`], of the files, and
/// of the lines.
pub(crate) fn sites(sources: &[Source]) -> Vec<Site> {
    let crates = MODELLED.iter().flat_map(|krate| {
        sources
            .iter()
            .filter(move |source| source.krate() == Some(krate))
    });
    crates
        .filter(|source| !is_stand_in(source))
        .flat_map(site::in_file)
        .collect()
}

/// The test functions in each crate's model files.
pub(crate) fn models(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
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

/// `sync` and below: names for others' primitives, and stand-ins that exist under loom only.
pub(crate) fn is_stand_in(source: &Source) -> bool {
    source.module().first() == Some(&"sync")
}
