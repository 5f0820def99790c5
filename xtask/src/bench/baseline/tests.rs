//! What is worse than a baseline.

use super::*;

fn counts(pairs: &[(&str, f64)]) -> Counts {
    let pairs = pairs.iter().map(|(row, count)| ((*row).to_owned(), *count));
    pairs.collect()
}

#[test]
fn three_percent_are_tolerated_and_five_are_not() {
    let then = counts(&[("a", 1000.0), ("b", 1000.0), ("c", 1000.0)]);
    let now = counts(&[("a", 1030.0), ("b", 1050.0), ("c", 500.0)]);
    let worse = worse(&then, &now);
    assert_eq!(
        worse,
        ["b takes 1050 instructions instead of the 1000 committed (+5.0 %)"]
    );
}

#[test]
fn a_row_without_a_baseline_is_an_error() {
    let worse = worse(&counts(&[("gone", 1.0)]), &counts(&[("new", 1.0)]));
    assert_eq!(worse, ["new is not in the baseline"]);
}
