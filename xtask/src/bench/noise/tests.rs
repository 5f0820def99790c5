//! Reading the kernel's counters.

use super::*;

#[test]
fn interrupts_and_idleness_are_not_work() {
    let stat = "cpu  1 2 4 800 900 1000 2000 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
    assert_eq!(busy(stat), Some(1 + 2 + 4 + 8));
    assert_eq!(busy("cpu 1 2"), None);
}

#[test]
fn children_count_as_ours() {
    let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 200 300 400 20 0";
    assert_eq!(ours(stat), Some(1000));
}
