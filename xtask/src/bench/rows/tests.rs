//! The table of rows holds together.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_row_has_a_name_of_its_own_a_heading_and_a_figure() {
    let rows = all();
    let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len());
    for row in rows {
        assert!(
            !row.what.is_empty() && !row.family.is_empty(),
            "{}",
            row.name
        );
        assert!(!row.metrics.is_empty(), "{}", row.name);
    }
}

#[test]
fn a_row_is_asked_for_by_its_name_or_the_words_it_begins_with() {
    let rows = all();
    let asked = |name: &str| rows.iter().filter(|row| row.is_asked_by(name)).count();
    assert_eq!(asked("tcp_echo"), 3);
    assert_eq!(asked("tcp_echo_64"), 1);
    assert_eq!(asked("tcp"), 4);
    assert_eq!(asked("tc"), 0);
}

#[test]
fn counted_rows_show_what_was_counted() {
    for row in all() {
        let shown = row
            .metrics
            .iter()
            .any(|metric| metric.key == INSTRUCTIONS.key);
        assert_eq!(row.count.is_some(), shown, "{}", row.name);
    }
}
