//! Buckets and quantiles.

use super::*;

#[test]
fn every_value_lies_in_its_bucket() {
    for shift in 0..40 {
        for near in [0_u64, 1, 3, 77, 12_345] {
            let value = ((1_u64 << shift) + near).min(LARGEST);
            let bucket = index(value);
            assert!(upper_bound(bucket) >= value, "{value}");
            assert!(bucket == 0 || upper_bound(bucket - 1) < value, "{value}");
            assert!(
                upper_bound(bucket) as f64 <= value as f64 * 1.016,
                "{value}"
            );
        }
    }
    assert!(index(u64::MAX) < BUCKETS);
}

#[test]
fn quantiles_count_from_the_smallest() {
    let mut histogram = Histogram::new();
    assert_eq!(histogram.quantile(0.99), 0);
    (1..=100).for_each(|value| histogram.record(value));
    assert_eq!(histogram.quantile(0.5), 50);
    assert_eq!(histogram.quantile(0.99), 99);
    assert_eq!(histogram.quantile(1.0), 100);
    assert_eq!(histogram.quantile(0.0), 1);
}
