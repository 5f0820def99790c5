//! Weakened orderings.

use super::*;
use crate::orderings::site;
use crate::source::Source;

/// The mutants of one file: names, and the mutated text.
fn mutants(text: &str) -> Vec<(String, String)> {
    let source = Source::new("crates/scheduler/src/a.rs", text);
    let all = all(&site::in_file(&source), |_| text).expect("each has a place");
    all.into_iter()
        .map(|mutant| (mutant.name.clone(), mutant.apply(text)))
        .collect()
}

fn names(text: &str) -> Vec<String> {
    mutants(text).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn each_ordering_is_weakened_in_each_direction() {
    let text = "fn f() {\n    a.compare_exchange(b, c, AcqRel, Acquire);\n}";
    assert_eq!(
        names(text),
        [
            "scheduler f: AcqRel -> Release",
            "scheduler f: AcqRel -> Acquire",
            "scheduler f: failure Acquire -> Relaxed",
        ]
    );
    assert_eq!(names("fn f() { a.load(Relaxed) }"), [""; 0]);
}

#[test]
fn only_the_ordering_changes_with_the_path_to_it() {
    let text = "fn f() {\n    let é = a.load(sync::Ordering::Acquire); // Acquire\n}";
    assert_eq!(
        mutants(text)[0].1,
        "fn f() {\n    let é = a.load(::std::sync::atomic::Ordering::Relaxed); // Acquire\n}"
    );
}

#[test]
fn a_fence_is_removed_and_weakened() {
    let text = "fn f() {\n    atomic::fence(Ordering::SeqCst);\n}";
    let mutants = mutants(text);
    assert_eq!(mutants[0].0, "scheduler f: fence SeqCst -> nothing");
    assert_eq!(mutants[0].1, "fn f() {\n    ();\n}");
    assert_eq!(mutants[1].0, "scheduler f: fence SeqCst -> AcqRel");
    assert!(
        mutants[1]
            .1
            .contains("atomic::fence(::std::sync::atomic::Ordering::AcqRel)")
    );
}

#[test]
fn like_mutants_of_one_function_are_numbered() {
    let text = "fn f() {\n    a.store(b, Release);\n    c.store(d, Release);\n}";
    assert_eq!(
        names(text),
        [
            "scheduler f: Release -> Relaxed",
            "scheduler f: Release -> Relaxed (2)"
        ]
    );
}

#[test]
fn a_lost_half_is_for_the_models_of_its_own_edges() {
    let text = "fn f() {\n\
        // ORDERING: Release of AcqRel pairs with `f`: publishes a. (model: released)\n\
        // ORDERING: Acquire of AcqRel pairs with `f`: sees a. (models: acquired, both)\n\
        // ORDERING: AcqRel pairs with `f`: orders b. (model: both)\n\
        // ORDERING: failure Acquire pairs with `f`: sees a. (model: failed)\n\
        a.compare_exchange(b, c, AcqRel, Acquire);\n}";
    let source = Source::new("crates/scheduler/src/a.rs", text);
    let all = all(&site::in_file(&source), |_| text).expect("each has a place");
    let models: Vec<_> = all.into_iter().map(|mutant| mutant.models).collect();
    assert_eq!(models[0], ["acquired", "both"]);
    assert_eq!(models[1], ["released", "both"]);
    assert_eq!(models[2], ["failed"]);
}

#[test]
fn an_ordering_that_is_not_where_it_seems_is_reported() {
    // An inline comment shifts the columns of the code behind it.
    let text = "fn f() {\n    a.load(/* why */ Acquire);\n}";
    let source = Source::new("crates/scheduler/src/a.rs", text);
    let unchanged = all(&site::in_file(&source), |_| text).expect_err("it is shifted");
    assert_eq!(unchanged.line, 1);
}
