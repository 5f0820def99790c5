//! Medians and ratios.

use super::*;

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    assert!(median(&[]).is_nan());
}

#[test]
fn a_ratio_is_taken_per_round() {
    assert_eq!(median_ratio(&[10.0, 1.0, 30.0], &[10.0, 2.0, 10.0]), 1.0);
}

#[test]
fn a_spread_names_the_extremes() {
    assert_eq!(spread(&[3.0, 1.0, 2.0], 0), "2 (1–3)");
}
