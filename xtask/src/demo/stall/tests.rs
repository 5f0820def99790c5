//! Figures.

use super::*;

#[test]
fn the_median_of_an_even_number_is_the_greater_of_the_two() {
    assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(vec![4.0, 1.0]), 4.0);
}

#[test]
fn a_figure_is_shown_in_its_unit() {
    assert_eq!(figure("gap_ms", Some(3000.04)), "3000.0 ms");
    assert_eq!(figure("threads_after", Some(4.0)), "4");
    assert_eq!(figure("slot_ms", None), "-");
}
