//! `cargo xtask coming-from`: docs/coming-from.md, which says of every stable public item of tokio's modules
//! whether it is here.
//!
//! Nothing in that table is written by hand. What tokio has, and what Heist has, is read from the pages that
//! rustdoc makes of both ([`docs`]), method by method; `xtask/coming-from.toml` holds no more than the
//! reasons for what is missing. The command fails when an item is missing without a reason, when one has
//! a reason and is there, when less than the share asked for is there, and when the file is out of date.

mod docs;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::cargo::{cargo, root, target_directory};
use crate::process;
use docs::{Docs, Item};

/// What `xtask/coming-from.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The modules to compare: `task` is `tokio::task` and `heist::task`.
    modules: Vec<String>,
    /// The share of items and members that must be here, in percent.
    at_least: f64,
    #[serde(default)]
    absent: Vec<Absent>,
}

/// Something that is missing on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Absent {
    /// Items (`runtime::LocalRuntime`, with all its members) or members (`runtime::Builder::build_local`).
    items: Vec<String>,
    /// Why, and what to use instead.
    reason: String,
}

/// Where something of tokio's is in Heist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Here,
    ReExported,
    Absent,
}

/// What was found about one item.
#[derive(Debug)]
struct Row {
    item: Item,
    place: Place,
    /// Members that are missing although the item is not.
    missing: Vec<String>,
}

impl Row {
    /// How many things this row counts, and how many of them are here.
    fn count(&self) -> (usize, usize) {
        let all = 1 + self.item.members.len();
        match self.place {
            Place::Absent => (all, 0),
            Place::Here | Place::ReExported => (all, all - self.missing.len()),
        }
    }

    /// The paths of what is missing.
    fn gaps(&self) -> Vec<String> {
        let path = &self.item.path;
        match self.place {
            Place::Absent => vec![path.clone()],
            _ => self
                .missing
                .iter()
                .map(|name| format!("{path}::{name}"))
                .collect(),
        }
    }
}

/// The command: `--write` brings the file up to date, else it is checked.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut write = false;
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("write") => write = true,
            other => return Err(other.unexpected().into()),
        }
    }
    check(LIMIT, write)
}

/// Compares, and checks the file or writes it.
pub(crate) fn check(limit: Duration, write: bool) -> anyhow::Result<()> {
    let settings = fs::read_to_string(root().join("xtask/coming-from.toml"))?;
    let settings: Settings = toml::from_str(&settings).context("xtask/coming-from.toml")?;
    let target = target_directory()?.join("coming-from");
    let version = tokio_version()?;
    let tokio = Docs::open(&tokio_docs(&target, &version, limit)?)?;
    let heist = Docs::open(&heist_docs(&target, limit)?)?;
    let rows = compare(&settings.modules, &tokio, &heist)?;
    judge(&settings, &rows)?;
    let file = root().join("docs/coming-from.md");
    let text = fs::read_to_string(&file).context("docs/coming-from.md")?;
    let expected = table::splice(&text, &table::of(&version, &settings, &rows))?;
    if text == expected {
        println!("docs/coming-from.md is up to date");
        return Ok(());
    }
    if !write {
        bail!("docs/coming-from.md is out of date: run `cargo xtask coming-from --write`");
    }
    fs::write(&file, expected)?;
    println!("docs/coming-from.md is written");
    Ok(())
}

fn compare(modules: &[String], tokio: &Docs, heist: &Docs) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for path in tokio.paths_in(modules) {
        let item = tokio.item(path)?;
        let (place, members) = match heist.has(path) {
            true => {
                let ours = heist.item(path)?;
                let place = match ours.is_foreign {
                    true => Place::ReExported,
                    false => Place::Here,
                };
                (place, ours.members)
            }
            false => (Place::Absent, Vec::new()),
        };
        let missing = match place {
            Place::Absent => Vec::new(),
            _ => {
                let theirs = item.members.iter().cloned();
                theirs.filter(|name| !members.contains(name)).collect()
            }
        };
        rows.push(Row {
            item,
            place,
            missing,
        });
    }
    Ok(rows)
}

/// Every gap has a reason, every reason a gap, and enough is here.
fn judge(settings: &Settings, rows: &[Row]) -> anyhow::Result<()> {
    let mut reasons: BTreeMap<&str, bool> = BTreeMap::new();
    for item in settings.absent.iter().flat_map(|absent| &absent.items) {
        if reasons.insert(item, false).is_some() {
            bail!("xtask/coming-from.toml names `{item}` twice");
        }
    }
    let mut findings = Vec::new();
    for gap in rows.iter().flat_map(Row::gaps) {
        match reasons.get_mut(gap.as_str()) {
            Some(used) => *used = true,
            None => findings.push(format!(
                "`tokio::{gap}` is not here: add it, or say why in xtask/coming-from.toml"
            )),
        }
    }
    for (item, _) in reasons.iter().filter(|(_, used)| !**used) {
        findings.push(format!(
            "xtask/coming-from.toml says why `{item}` is absent, but it is here, or tokio has none"
        ));
    }
    let (all, here) = total(rows.iter());
    let percent = 100.0 * here as f64 / all as f64;
    println!("{here} of {all} items and members of tokio's are here: {percent:.1} %");
    if percent < settings.at_least {
        findings.push(format!("that is less than {} %", settings.at_least));
    }
    if !findings.is_empty() {
        bail!("{}", findings.join("\n"));
    }
    Ok(())
}

fn total<'a>(rows: impl Iterator<Item = &'a Row>) -> (usize, usize) {
    rows.map(Row::count)
        .fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
}

/// The version of tokio that the workspace is locked to.
fn tokio_version() -> anyhow::Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"tokio\"");
    let version = lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \""));
    let version = version.and_then(|rest| rest.strip_suffix('"'));
    Ok(version
        .context("Cargo.lock has no line with tokio's version")?
        .to_owned())
}

/// Documents tokio with all its stable features, which the workspace itself does not ask for: by way of a
/// package that does. Unstable items are not there, as they need a `--cfg`.
fn tokio_docs(target: &Path, version: &str, limit: Duration) -> anyhow::Result<PathBuf> {
    let package = target.join("package");
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("src/lib.rs"), "")?;
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock"))?;
    let manifest = package.join("Cargo.toml");
    let text = format!(
        "[package]\nname = \"coming-from\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\ntokio = {{ version = \"={version}\", features = [\"full\", \"test-util\"] }}\n"
    );
    fs::write(&manifest, text)?;
    document("tokio", target, limit, |command| {
        command.arg("--manifest-path").arg(&manifest);
    })
}

fn heist_docs(target: &Path, limit: Duration) -> anyhow::Result<PathBuf> {
    // First the crates whose items it shows as its own: its pages link only to sources that are there.
    for part in ["heist-net", "heist-reactor", "heist-scheduler"] {
        document(part, target, limit, |_| ())?;
    }
    document("heist", target, limit, |_| ())
}

/// Has rustdoc write the pages of one package; returns their folder.
fn document(
    package: &str,
    target: &Path,
    limit: Duration,
    more: impl FnOnce(&mut std::process::Command),
) -> anyhow::Result<PathBuf> {
    let mut command = cargo(&["doc", "--quiet", "--no-deps", "--package", package]);
    command.arg("--target-dir").arg(target);
    command.env("RUSTDOCFLAGS", "--cap-lints allow");
    more(&mut command);
    process::run(&command, limit).with_context(|| format!("rustdoc of {package}"))?;
    Ok(target.join("doc").join(package))
}

/// How long rustdoc may take for one of the two, dependencies included.
const LIMIT: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests;
