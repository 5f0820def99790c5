//! Models say what they claim: in one sentence, which `cargo xtask loom` shows beside the figures.

use super::Finding;
use crate::source::Source;

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    if source.krate().is_none() || !source.is_model_file() {
        return Vec::new();
    }
    let tests = source.lines.iter().enumerate();
    let tests = tests.filter(|(_, line)| line.code.trim() == "#[test]");
    let silent = tests.filter(|(index, _)| {
        let above = index.checked_sub(1).map(|above| &source.lines[above]);
        !above.is_some_and(|line| line.comment.trim_start().starts_with("///"))
    });
    let findings = silent.map(|(index, _)| {
        Finding::error(
            &source.path,
            index,
            "a model without a claim",
            "say above `#[test]`, in a `///` sentence, what must hold in every interleaving",
        )
    });
    findings.collect()
}

#[cfg(test)]
mod tests;
