//! Tests of the timers' scale.

use std::time::{Duration, Instant};

use super::{Nanos, SystemClock, Timeline};
use crate::sync::Arc;

#[test]
fn instants_survive_the_way_to_nanoseconds_and_back() {
    let timeline = Timeline::start(Arc::new(SystemClock));
    let instant = timeline.now() + Duration::new(1234, 567_891_234);
    assert_eq!(timeline.instant(timeline.nanos(instant)), instant);
}

#[test]
fn instants_out_of_range_saturate() {
    let before = Instant::now();
    let timeline = Timeline::start(Arc::new(SystemClock));
    assert_eq!(timeline.nanos(before), Nanos(0));
    let thousand_years = Duration::from_secs(1000 * 365 * 86_400);
    if let Some(instant) = before.checked_add(thousand_years) {
        assert_eq!(timeline.nanos(instant), Nanos::LAST);
    }
}

#[test]
fn a_delay_that_overflows_counts_as_thirty_years() {
    let timeline = Timeline::start(Arc::new(SystemClock));
    let year = Duration::from_secs(365 * 86_400);
    let far = timeline.after(Duration::MAX).duration_since(timeline.now());
    assert!(29 * year < far && far < 31 * year);
}
