//! ORDERING comments.

use super::*;

const HAND_OVER: &str = "\
impl Slot {
    fn put(&self) {
        // ORDERING: Release pairs with `Slot::take`: publishes the cell.
        // (model: no_wake_is_lost)
        self.0.store(x, Release);
    }
    fn take(&self) {
        // ORDERING: Acquire pairs with `Slot::put`: sees the cell. (model: no_wake_is_lost)
        self.0.load(Acquire);
    }
}
";

fn sources(text: &str) -> Vec<Source> {
    vec![
        Source::new("crates/scheduler/src/a.rs", text),
        Source::new(
            "crates/scheduler/src/models/a.rs",
            "fn helper() {}\n\n#[test]\nfn no_wake_is_lost() {}",
        ),
    ]
}

fn findings(text: &str) -> Vec<(usize, String)> {
    check(&sources(text))
        .into_iter()
        .map(|finding| (finding.line, finding.what))
        .collect()
}

/// Whether the two-sided example is found wanting for this reason after one change.
fn finds(old: &str, new: &str, reason: &str) {
    assert!(HAND_OVER.contains(old), "{old}");
    let findings = findings(&HAND_OVER.replacen(old, new, 1));
    let found = findings.iter().any(|(_, what)| what.contains(reason));
    assert!(found, "{findings:?}");
}

#[test]
fn an_edge_declared_at_both_ends_is_tidy() {
    assert_eq!(findings(HAND_OVER), []);
}

#[test]
fn an_ordering_that_became_relaxed_without_a_word_is_found() {
    let reason = "its statement holds no ordering above Relaxed";
    finds("store(x, Release)", "store(x, Relaxed)", reason);
    finds("load(Acquire)", "load(Relaxed)", reason);
    let both = HAND_OVER.replace("store(x, Release)", "store(x, Relaxed)");
    let both = both.replace("load(Acquire)", "load(Relaxed)");
    assert_eq!(findings(&both).len(), 2);
}

#[test]
fn an_ordering_without_a_comment_is_found() {
    assert_eq!(findings("a.load(Ordering::Acquire);")[0].0, 1);
    assert_eq!(findings("fence(SeqCst);").len(), 1);
    finds(
        "// ORDERING: Acquire",
        "// Acquire",
        "Acquire without an ORDERING comment",
    );
}

#[test]
fn an_ordering_weakened_under_its_comment_is_found() {
    let exchange = |orderings: &str| {
        let comment = "\
            // ORDERING: AcqRel pairs with `f`: orders all of it. (model: no_wake_is_lost)\n\
            // ORDERING: failure Acquire pairs with `f`: sees it. (model: no_wake_is_lost)\n";
        findings(&format!(
            "fn f() {{\n{comment}    a.compare_exchange(b, c, {orderings});\n}}"
        ))
    };
    assert_eq!(exchange("AcqRel, Acquire"), []);
    assert_eq!(exchange("Acquire, Acquire").len(), 2);
    assert_eq!(exchange("Release, Acquire").len(), 2);
    let found = exchange("AcqRel, Relaxed");
    assert!(
        found[0]
            .1
            .contains("declares failure Acquire, the statement does not use it")
    );
    // And one that is stronger than declared.
    let found = findings(&HAND_OVER.replace("load(Acquire)", "load(SeqCst)"));
    assert!(found[0].1.contains("declares Acquire") || found[0].1.contains("uses SeqCst"));
}

#[test]
fn each_half_that_is_argued_alone_wants_the_other_argued_too() {
    let half = "fn f() {\n\
        // ORDERING: Release of AcqRel pairs with `f`: publishes a. (model: no_wake_is_lost)\n\
        // ORDERING: Acquire of AcqRel pairs with `f`: sees a. (model: no_wake_is_lost)\n    \
        a.swap(b, AcqRel);\n}";
    assert_eq!(findings(half), []);
    let alone = half.replace(
        "// ORDERING: Acquire of AcqRel pairs with `f`: sees a. (model: no_wake_is_lost)\n",
        "",
    );
    let found = findings(&alone);
    assert!(
        found
            .iter()
            .any(|(_, what)| what.contains("nothing of the Acquire of AcqRel"))
    );
}

#[test]
fn two_like_orderings_in_one_statement_cannot_be_told_apart() {
    let two = HAND_OVER.replace(
        "self.0.load(Acquire);",
        "self.0.load(Acquire) + b.load(Acquire);",
    );
    assert!(findings(&two)[0].1.contains("stands twice"));
}

#[test]
fn the_other_half_must_exist_and_name_this_one() {
    finds(
        "with `Slot::put`",
        "with `Slot::give`",
        "no function `Slot::give`",
    );
    finds(
        "with `Slot::put`",
        "with `Slot::give`",
        "`Slot::take` has no edge back",
    );
    let two_releases = HAND_OVER
        .replace(
            "Acquire pairs with `Slot::put`: sees",
            "Release pairs with `Slot::put`: publishes",
        )
        .replace("load(Acquire)", "store(y, Release)");
    assert!(findings(&two_releases)[0].1.contains("no edge back"));
    // A fence after a relaxed access sees what a Release published.
    let fence_and_access = HAND_OVER
        .replace("Acquire pairs", "fence Acquire pairs")
        .replace("self.0.load(Acquire)", "fence(Acquire)");
    assert_eq!(findings(&fence_and_access), []);
}

#[test]
fn its_models_must_exist() {
    finds(
        "(model: no_wake_is_lost)",
        "(model: gone)",
        "no model `gone`",
    );
    finds(
        "(model: no_wake_is_lost)",
        "(models: no_wake_is_lost, helper)",
        "no model `helper`",
    );
}

#[test]
fn tests_models_and_imports_need_no_argument() {
    assert_eq!(
        findings("#[cfg(test)]\nmod tests {\n    fn f() { a.load(Acquire); }\n}"),
        []
    );
    assert_eq!(
        findings("pub use std::sync::atomic::{\n    Ordering::SeqCst,\n};"),
        []
    );
}

#[test]
fn outside_the_modelled_code_a_comment_suffices() {
    for path in ["crates/net/src/a.rs", "crates/scheduler/src/sync/deque.rs"] {
        let text = "// ORDERING: x\na.load(Acquire);\nb.load(Acquire);";
        assert_eq!(check(&[Source::new(path, text)]).len(), 1, "{path}");
    }
}

#[test]
fn the_table_is_what_the_comments_say() {
    let markers = table::splice(
        "<!-- edges: written by `cargo xtask edges --write` -->\n<!-- end of the edges -->",
        &table::of(&sites(&sources(HAND_OVER))),
    );
    let text = markers.expect("both markers are there");
    assert_eq!(check_table(&sources(HAND_OVER), &text), None);
    let changed = HAND_OVER.replace("publishes the cell", "publishes the task");
    assert!(check_table(&sources(&changed), &text).is_some());
    assert!(check_table(&sources(HAND_OVER), "no markers").is_some());
}
