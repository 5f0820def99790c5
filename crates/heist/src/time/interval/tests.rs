//! Where the next tick lies after a missed one, on made-up instants.

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn burst_keeps_the_count_delay_the_distance_and_skip_the_phase() {
    let start = Instant::now();
    let next = |behavior: MissedTickBehavior| {
        behavior.next_tick(start + ms(20), start + ms(45), ms(10)) - start
    };
    assert_eq!(next(MissedTickBehavior::Burst), ms(30));
    assert_eq!(next(MissedTickBehavior::Delay), ms(55));
    assert_eq!(next(MissedTickBehavior::Skip), ms(50));
}

#[test]
fn skip_on_a_multiple_of_the_period_waits_a_full_one() {
    let start = Instant::now();
    let next = MissedTickBehavior::Skip.next_tick(start, start + ms(40), ms(10));
    assert_eq!(next - start, ms(50));
}

#[test]
fn a_period_beyond_all_clocks_is_no_overflow() {
    let start = Instant::now();
    for behavior in [
        MissedTickBehavior::Burst,
        MissedTickBehavior::Delay,
        MissedTickBehavior::Skip,
    ] {
        assert!(behavior.next_tick(start, start + ms(40), Duration::MAX) > start + ms(40));
    }
}
