//! The table.

use super::*;
use crate::orderings::site;
use crate::source::Source;

#[test]
fn each_edge_is_a_row() {
    let source = Source::new(
        "crates/scheduler/src/task/slot.rs",
        "impl Slot {\n    fn put() {\n\
         // ORDERING: Release pairs with `Slot::take` and `a`: publishes the cell | more. (models: b, c)\n\
         // ORDERING: Release pairs with `d`: publishes e. (model: f)\n\
         \x20       a.store(b, Release);\n    }\n}",
    );
    let table = of(&site::in_file(&source));
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(
        rows,
        [
            "| `scheduler/task/slot.rs::Slot::put` | Release | `Slot::take`, `a` | publishes the cell \\| more | `b`, `c` |",
            "| `scheduler/task/slot.rs::Slot::put` | Release | `d` | publishes e | `f` |",
        ]
    );
}

#[test]
fn the_table_replaces_what_stood_between_its_markers() {
    let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
    let spliced = splice(&text, "new\n").expect("both markers are there");
    assert_eq!(spliced, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
    assert_eq!(splice(&spliced, "new\n").expect("they still are"), spliced);
}

#[test]
fn a_missing_or_doubled_marker_is_an_error() {
    assert!(splice("a", "new").is_err());
    assert!(splice(&format!("{END}{BEGIN}"), "new").is_err());
    assert!(splice(&format!("{BEGIN}{END}{BEGIN}{END}"), "new").is_err());
}
