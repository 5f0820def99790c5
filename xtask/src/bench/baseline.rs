//! Committed instruction counts, and what became worse since.
//!
//! They depend on the compiler and the C library as well, which is why a baseline names the compiler
//! that made it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::machine::compiler;
use crate::cargo;

/// Heist's instructions per operation, by row.
pub(crate) type Counts = BTreeMap<String, f64>;

/// Writes a baseline.
pub(crate) fn save(name: &str, counts: &Counts) -> anyhow::Result<()> {
    if counts.is_empty() {
        bail!("nothing was counted that a baseline could hold");
    }
    let rounded: BTreeMap<_, _> = counts
        .iter()
        .map(|(row, count)| (row, count.round()))
        .collect();
    let baseline = json!({ "compiler": compiler(), "instructions": rounded });
    let path = path(name);
    fs::write(&path, format!("{baseline:#}\n"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("saved {}", path.display());
    Ok(())
}

/// Compares with a baseline, row by row.
///
/// # Errors
/// Fails when a row became worse by more than [`TOLERATED`], when one is not in the baseline, and when
/// there is no such baseline.
pub(crate) fn compare(name: &str, counts: &Counts) -> anyhow::Result<()> {
    let path = path(name);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("no baseline {} (--save {name} makes one)", path.display()))?;
    let baseline: Value = serde_json::from_str(&text)?;
    let then: Counts = serde_json::from_value(baseline["instructions"].clone())
        .with_context(|| format!("{} is no baseline", path.display()))?;
    println!("instructions per operation, compared with the baseline {name}:");
    for (row, count) in counts {
        let before = then.get(row).copied().unwrap_or(f64::NAN);
        let change = 100.0 * (count / before - 1.0);
        println!("  {row:<24} {before:>8.0} → {count:>8.0}  {change:>+6.1} %");
    }
    let worse = worse(&then, counts);
    if worse.is_empty() {
        return Ok(());
    }
    let made_by = baseline["compiler"]
        .as_str()
        .unwrap_or("an unknown compiler");
    bail!(
        "worse than the baseline {name} by more than {:.0} %:\n  {}\nIf that is the price of something \
         better, say so in the commit and save a new baseline: cargo xtask bench --save {name}\n\
         (baseline made by {made_by}, this by {})",
        100.0 * TOLERATED,
        worse.join("\n  "),
        compiler()
    )
}

/// A sentence for each row that is worse by more than [`TOLERATED`], or that has nothing to be
/// compared with.
fn worse(then: &Counts, now: &Counts) -> Vec<String> {
    let sentence = |(row, count): (&String, &f64)| match then.get(row) {
        None => Some(format!("{row} is not in the baseline")),
        Some(before) if *count > before * (1.0 + TOLERATED) => Some(format!(
            "{row} takes {count:.0} instructions instead of the {before:.0} committed ({:+.1} %)",
            100.0 * (count / before - 1.0)
        )),
        Some(_) => None,
    };
    now.iter().filter_map(sentence).collect()
}

fn path(name: &str) -> PathBuf {
    let file = format!("{name}.json");
    cargo::root().join("benches/baselines").join(file)
}

/// How much worse a row may become before it is an error.
const TOLERATED: f64 = 0.03;

#[cfg(test)]
mod tests;
