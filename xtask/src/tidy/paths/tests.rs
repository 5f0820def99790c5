//! Finding paths.

use super::*;

fn found(text: &str) -> Vec<String> {
    let source = Source::new("crates/x/src/a.rs", text);
    paths(&source)
        .iter()
        .map(|path| path.segments.join("::"))
        .collect()
}

#[test]
fn groups_are_written_out() {
    let text = "use crate::{a, b::{c, self}, d::*};";
    assert_eq!(
        found(text),
        ["crate::a", "crate::b::c", "crate::b::self", "crate::d::*"]
    );
}

#[test]
fn paths_in_code_are_found() {
    let text = "let x: std::sync::Arc<a::B> = <T as m::N>::o(c::d::<e::F>());";
    assert_eq!(
        found(text),
        ["std::sync::Arc", "a::B", "m::N", "c::d", "e::F"]
    );
}

#[test]
fn single_words_and_comments_are_no_paths() {
    assert!(found("let x = y; // crate::a::b\nlet z = \"crate::c\";").is_empty());
}

#[test]
fn a_renamed_item_is_known_by_its_new_name() {
    let source = Source::new(
        "crates/x/src/a.rs",
        "pub use a::{B as C, D};\npub use e::F as G;",
    );
    let names: Vec<_> = paths(&source)
        .iter()
        .map(|path| path.name().to_owned())
        .collect();
    assert_eq!(names, ["C", "D", "G"]);
}

#[test]
fn a_line_is_that_of_the_last_segment() {
    let source = Source::new("crates/x/src/a.rs", "use crate::{\n    a,\n    b,\n};");
    let lines: Vec<_> = paths(&source).iter().map(|path| path.line).collect();
    assert_eq!(lines, [1, 2]);
}
