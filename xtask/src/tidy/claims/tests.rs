//! Claims there and missing.

use super::*;

fn lines(path: &str, text: &str) -> Vec<usize> {
    let findings = check(&Source::new(path, text));
    findings.iter().map(|finding| finding.line).collect()
}

const MODELS: &str = "crates/scheduler/src/models/idle.rs";

#[test]
fn a_model_without_a_claim_is_found() {
    let text =
        "//! Models.\n\n/// It holds.\n#[test]\nfn a() {}\n\n// No claim.\n#[test]\nfn b() {}\n";
    assert_eq!(lines(MODELS, text), [8]);
}

#[test]
fn other_tests_need_none() {
    assert!(lines("crates/scheduler/src/idle_tests.rs", "#[test]\nfn a() {}\n").is_empty());
    assert!(lines("xtask/src/models.rs", "#[test]\nfn a() {}\n").is_empty());
}
