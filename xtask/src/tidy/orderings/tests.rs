//! ORDERING comments.

use super::*;

fn findings(text: &str) -> Vec<(usize, String)> {
    let sources = [
        Source::new("crates/scheduler/src/a.rs", text),
        Source::new(
            "crates/scheduler/src/models/a.rs",
            "fn helper() {}\n\n#[test]\nfn no_wake_is_lost() {}",
        ),
    ];
    check(&sources)
        .into_iter()
        .map(|finding| (finding.line, finding.what))
        .collect()
}

#[test]
fn an_argued_ordering_is_tidy() {
    let text = "use std::sync::atomic::Ordering::{Acquire, Relaxed};\n\
                a.load(Relaxed);\n\
                // ORDERING: Acquire pairs with the Release in `b`; publishes c\n\
                // (model: no_wake_is_lost)\n\
                let x = a\n    .load(Acquire);\n";
    assert_eq!(findings(text), []);
}

#[test]
fn an_ordering_without_a_comment_is_found() {
    assert_eq!(findings("a.load(Ordering::Acquire);")[0].0, 1);
    assert_eq!(findings("fence(SeqCst);").len(), 1);
    let shared = "// ORDERING: x (model: no_wake_is_lost)\na.load(Acquire);\nb.load(Acquire);";
    assert_eq!(findings(shared)[0].0, 3);
}

#[test]
fn a_model_must_be_named_and_exist() {
    let unnamed = findings("// ORDERING: x\na.load(Acquire);");
    assert!(unnamed[0].1.contains("names no model"));
    let unknown = findings("// ORDERING: x (model: gone)\na.load(Acquire);");
    assert!(unknown[0].1.contains("no model `gone`"));
    let helper = findings("// ORDERING: x (model: helper)\na.load(Acquire);");
    assert!(helper[0].1.contains("no model `helper`"));
    let two = "// ORDERING: x (models: `a::no_wake_is_lost`, gone)\na.load(Acquire);";
    assert!(findings(two)[0].1.contains("no model `gone`"));
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
fn outside_the_modelled_crates_a_comment_suffices() {
    let source = [Source::new(
        "crates/net/src/a.rs",
        "// ORDERING: x\na.load(Acquire);\nb.load(Acquire);",
    )];
    assert_eq!(check(&source).len(), 1);
}
