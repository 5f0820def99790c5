//! Seams: scheduler and reactor reach synchronization, clocks, threads and chance only through
//! one module each, so that loom, shuttle and a simulator can take their place.

use super::Finding;
use super::paths::{PathUse, paths};
use crate::source::Source;

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !source.krate().is_some_and(|krate| SEAMED.contains(&krate)) {
        return Vec::new();
    }
    let seam = source.module().first().copied().unwrap_or("");
    let used = paths(source)
        .into_iter()
        .filter(|path| !source.lines[path.line].in_test);
    let found = used.filter_map(|path| {
        let (broken, mend) = if is_synchronization(&path) && seam != "sync" {
            (
                "synchronization",
                "name it in the crate's `sync` module and use it from there",
            )
        } else if is_clock_or_thread(&path) && seam != "clock" {
            (
                "a clock, a thread or chance",
                "take it as an argument, or through the crate's seam for it (`clock`, `Driver`, …)",
            )
        } else {
            return None;
        };
        let what = format!(
            "`{}` reaches {broken} past its seam",
            path.segments.join("::")
        );
        Some(Finding::error(&source.path, path.line, what, mend))
    });
    found.collect()
}

fn is_synchronization(path: &PathUse) -> bool {
    let root = path.segments[0].as_str();
    if root.starts_with("crossbeam_") || matches!(root, "parking_lot" | "loom" | "shuttle") {
        return true;
    }
    let std_sync = matches!(root, "std" | "core" | "alloc") && path.segments[1] == "sync";
    let item = path.segments.get(2).map_or("*", String::as_str);
    std_sync && !matches!(item, "Arc" | "Weak")
}

fn is_clock_or_thread(path: &PathUse) -> bool {
    let thread = [
        "spawn",
        "Builder",
        "sleep",
        "park",
        "park_timeout",
        "scope",
        "yield_now",
    ];
    // Their threads exist in models and scenes only; that `sync` alone names them is checked above.
    if path.starts_with(&["loom"]) || path.starts_with(&["shuttle"]) {
        return false;
    }
    path.contains("Instant", "now")
        || path.contains("SystemTime", "now")
        || thread.iter().any(|item| path.contains("thread", item))
        || RANDOM.iter().any(|krate| path.starts_with(&[krate]))
}

/// The crates that a simulator, loom or shuttle steps.
const SEAMED: [&str; 2] = ["scheduler", "reactor"];

const RANDOM: [&str; 3] = ["rand", "fastrand", "getrandom"];

#[cfg(test)]
mod tests;
