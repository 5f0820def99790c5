//! Medians and figures.

use super::*;

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    assert!(median(&[]).is_nan());
}

#[test]
fn a_spread_names_the_extremes() {
    let spread = Spread::of(&[3.0, 1.0, 2.0]);
    assert_eq!(
        spread.map(|spread| spread.shown()).as_deref(),
        Some("2.00 (1.00–3.00)")
    );
    let one = Spread::of(&[2.0]).map(|spread| spread.shown());
    assert_eq!(one.as_deref(), Some("2.00"));
    assert_eq!(Spread::of(&[]), None);
}

#[test]
fn figures_have_three_digits() {
    let cases = [
        (0.0, "0"),
        (0.123, "0.12"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.96, "100"),
        (12_345.6, "12346"),
        (99_960.0, "100k"),
        (307_000.0, "307k"),
        (8_200_000.0, "8.20M"),
    ];
    for (value, shown) in cases {
        assert_eq!(figure(value), shown);
    }
}
