//! Layers of small crates.

use super::*;

const ROOT: &str = "//! Root.\nmod sync;\npub(crate) mod task;\npub mod worker;\npub use worker::Worker;\n#[cfg(test)]\nmod models;\n";

fn findings(path: &str, text: &str) -> Vec<usize> {
    let sources = [
        Source::new("crates/x/src/lib.rs", ROOT),
        Source::new(path, text),
    ];
    check(&sources).iter().map(|finding| finding.line).collect()
}

#[test]
fn a_module_uses_what_is_declared_above_it() {
    let text = "use crate::sync::Arc;\nuse crate::task::{self, Task};\nuse super::sync::Mutex;";
    assert!(findings("crates/x/src/worker.rs", text).is_empty());
}

#[test]
fn using_a_module_declared_below_is_found() {
    let text =
        "use crate::sync;\nuse crate::{\n    worker::Core,\n};\nfn f() { super::worker::g(); }";
    assert_eq!(findings("crates/x/src/task.rs", text), [3, 5]);
    assert_eq!(
        findings("crates/x/src/task/cell.rs", "use super::super::worker::W;"),
        [1]
    );
}

#[test]
fn a_re_export_counts_as_its_module() {
    assert_eq!(findings("crates/x/src/task.rs", "use crate::Worker;"), [1]);
}

#[test]
fn ones_own_submodules_are_no_layers() {
    assert!(
        findings(
            "crates/x/src/task/cell.rs",
            "use super::worker::W;\nuse crate::task::state::S;"
        )
        .is_empty()
    );
}

#[test]
fn tests_and_models_use_everything() {
    assert!(findings("crates/x/src/task/tests.rs", "use crate::worker::W;").is_empty());
    assert!(findings("crates/x/src/models/a.rs", "use crate::worker::W;").is_empty());
    let inline = "#[cfg(test)]\nmod tests {\n    use crate::worker::W;\n}";
    assert!(findings("crates/x/src/task.rs", inline).is_empty());
}
