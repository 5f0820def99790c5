//! Counting and limits.

use super::*;

#[test]
fn libtest_counts_are_read() {
    let ok = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
    assert_eq!(test_result(ok), Some((3, 0)));
    let failed = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured";
    assert_eq!(test_result(failed), Some((1, 2)));
    assert_eq!(test_result("test some::test ... ok"), None);
}

#[test]
fn the_limits_of_all_steps_sum_to_less_than_an_hour() {
    let sum: Duration = Step::ALL.into_iter().map(Step::limit).sum();
    assert!(sum < Duration::from_secs(3600));
}
