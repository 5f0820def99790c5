//! The chart's scale, and that the page stands alone.

use super::*;
use crate::bench::machine::Machine;

#[test]
fn one_is_in_the_middle_and_better_is_to_the_right() {
    assert_eq!(x(1.0), WIDTH / 2.0);
    assert!(x(2.0) > x(1.0));
    assert!(x(0.5) < x(1.0));
    assert_eq!(x(1e9), x(RANGE));
}

#[test]
fn the_page_asks_for_nothing_else() {
    let report = Report {
        machine: Machine::this(),
        quick: true,
        rows: Vec::new(),
        notes: vec!["no <valgrind>".to_owned()],
    };
    let page = html(&report);
    assert!(page.contains("no &lt;valgrind&gt;"));
    for outside in ["http:", "https:", "src=", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
}
