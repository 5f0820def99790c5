//! The policy of waiting awake: when, how long, and what makes it stop.

use super::*;

const COST: Duration = Duration::from_micros(10);
const MAX: Duration = Duration::from_micros(100);
const QUICK: Duration = Duration::from_micros(50);
const LONG: Duration = Duration::from_millis(1);

/// What one allows after a wait that has blocked.
const FIRST: Duration = Duration::from_micros(60);
/// … and after one that has not.
const NEXT: Duration = Duration::from_micros(30);

/// One that has measured this cost of blocking, and whose next wait begins awake.
fn eager() -> BusyWait {
    let mut busy_wait = BusyWait::new(MAX);
    busy_wait.waited(QUICK, None);
    assert!(busy_wait.measures());
    busy_wait.waited(QUICK, Some(COST));
    assert_eq!(busy_wait.limit(), Some(FIRST));
    busy_wait
}

/// Tries, finds nothing, and blocks for that long.
fn in_vain(busy_wait: &mut BusyWait, blocked: Duration) {
    let limit = busy_wait.limit().expect("a try is due");
    assert!(!busy_wait.tried(limit, false, limit));
    busy_wait.waited(blocked, None);
}

/// How many waits pass before the next try.
fn waits_until_due(busy_wait: &mut BusyWait) -> u32 {
    let mut waits = 0;
    while busy_wait.limit().is_none() {
        busy_wait.waited(QUICK, None);
        waits += 1;
    }
    waits
}

#[test]
fn the_first_waits_and_one_after_a_long_one_block() {
    let mut busy_wait = BusyWait::new(MAX);
    assert_eq!(busy_wait.limit(), None);
    assert!(
        !busy_wait.measures(),
        "who does not know whether waits are short measures none"
    );
    busy_wait.waited(QUICK, None);
    assert_eq!(busy_wait.limit(), None, "the cost is not known");
    let mut busy_wait = eager();
    busy_wait.waited(LONG, None);
    assert_eq!(busy_wait.limit(), None);
    assert_eq!(waits_until_due(&mut busy_wait), 1);
}

#[test]
fn the_limit_follows_the_cost_of_blocking_up_to_what_the_user_allows() {
    let mut busy_wait = eager();
    for _ in 0..64 {
        busy_wait.waited(QUICK, Some(COST / 2));
    }
    let limit = busy_wait.limit().expect("waits were short");
    assert!(limit >= FIRST / 2 && limit < FIRST * 3 / 5);
    // An outlier counts as four times what was expected.
    busy_wait.waited(SHORT - QUICK, Some(SHORT / 3));
    assert!(busy_wait.limit().expect("the same") < limit * 2);
    busy_wait.max = COST;
    assert_eq!(busy_wait.limit(), Some(COST));
}

#[test]
fn a_wait_that_did_not_block_or_was_long_tells_nothing_of_the_cost() {
    let call = Duration::from_micros(1);
    for (took, cost) in [(call, call), (LONG, COST * 3)] {
        let mut busy_wait = eager();
        busy_wait.waited(took, Some(cost));
        assert_eq!(busy_wait.cost, COST);
        // The next measurement comes soon.
        for _ in 0..MEASURE_AGAIN {
            assert!(!busy_wait.measures());
            busy_wait.waited(QUICK, None);
        }
        assert!(busy_wait.measures());
    }
}

#[test]
fn one_wait_in_many_blocks_and_is_measured_even_if_all_tries_pay() {
    let mut busy_wait = eager();
    for _ in 0..3 {
        for _ in 0..MEASURE_EVERY {
            let limit = busy_wait.limit().expect("a try is due");
            assert!(busy_wait.tried(limit, true, limit / 2));
        }
        assert_eq!(busy_wait.limit(), None);
        assert!(busy_wait.measures());
        busy_wait.waited(QUICK, Some(COST));
    }
}

#[test]
fn tries_in_vain_become_rare_and_one_that_pays_makes_up_for_one() {
    let mut busy_wait = eager();
    for penalty in [1, 3, 7, 15, MAX_PENALTY, MAX_PENALTY] {
        in_vain(&mut busy_wait, QUICK);
        assert_eq!(waits_until_due(&mut busy_wait), penalty);
    }
    let limit = busy_wait.limit().expect("a try is due");
    assert!(busy_wait.tried(limit, true, limit));
    assert_eq!(busy_wait.limit(), Some(NEXT), "it goes on");
    assert_eq!(busy_wait.penalty, MAX_PENALTY / 2);
}

#[test]
fn long_waits_on_the_way_neither_bring_the_next_try_nearer_nor_put_it_off() {
    let mut busy_wait = eager();
    while busy_wait.penalty < MAX_PENALTY {
        in_vain(&mut busy_wait, QUICK);
        waits_until_due(&mut busy_wait);
    }
    in_vain(&mut busy_wait, LONG);
    for _ in 0..MAX_PENALTY / 2 {
        assert_eq!(busy_wait.limit(), None);
        busy_wait.waited(QUICK, None);
        assert_eq!(busy_wait.limit(), None);
        busy_wait.waited(LONG, None);
    }
    assert_eq!(waits_until_due(&mut busy_wait), 1);
}

#[test]
fn an_event_that_was_there_already_is_no_reason_to_go_on() {
    let mut busy_wait = eager();
    in_vain(&mut busy_wait, QUICK);
    waits_until_due(&mut busy_wait);
    let limit = busy_wait.limit().expect("a try is due");
    assert!(!busy_wait.tried(limit, true, Duration::ZERO));
    assert_eq!(busy_wait.penalty, 1);
    assert_eq!(busy_wait.limit(), Some(NEXT), "nor to stop");
}

#[test]
fn what_is_found_late_counts_as_in_vain() {
    let mut busy_wait = eager();
    for penalty in [1, 3, 7] {
        let limit = busy_wait.limit().expect("a try is due");
        assert!(!busy_wait.tried(limit, true, limit * 2 + COST));
        assert_eq!(waits_until_due(&mut busy_wait), penalty);
    }
}

#[test]
fn who_lost_the_processor_blocks_for_a_while_whatever_was_found() {
    for found in [true, false] {
        let mut busy_wait = eager();
        let limit = busy_wait.limit().expect("a try is due");
        assert!(!busy_wait.tried(limit, found, CROWDED * 2));
        busy_wait.waited(LONG, None);
        assert_eq!(waits_until_due(&mut busy_wait), CROWDED_PENALTY - 1);
    }
}

#[test]
fn who_loses_the_processor_again_and_again_tries_ever_more_rarely() {
    let mut busy_wait = eager();
    let lose = |busy_wait: &mut BusyWait| {
        let limit = busy_wait.limit().expect("a try is due");
        busy_wait.tried(limit, true, CROWDED * 2);
        waits_until_due(busy_wait)
    };
    let penalties: Vec<_> = (0..6).map(|_| lose(&mut busy_wait)).collect();
    assert_eq!(penalties, [255, 511, 1023, 2047, 4095, MAX_CROWDED_PENALTY]);
    let limit = busy_wait.limit().expect("a try is due");
    assert!(busy_wait.tried(limit, true, limit / 2));
    assert_eq!(
        lose(&mut busy_wait),
        MAX_CROWDED_PENALTY,
        "one that kept it makes up for one"
    );
}

#[test]
fn where_the_cost_cannot_be_measured_nothing_is_tried_and_it_is_asked_for_rarely() {
    let mut busy_wait = BusyWait::new(MAX);
    let mut asked = 0;
    for _ in 0..3 * MEASURE_EVERY {
        assert_eq!(busy_wait.limit(), None);
        asked += u32::from(busy_wait.measures());
        busy_wait.waited(QUICK, None);
    }
    assert_eq!(asked, 3);
}

#[test]
fn waits_that_alternate_are_measured_in_both_phases() {
    let mut busy_wait = BusyWait::new(MAX);
    let immediate = Duration::from_micros(1);
    for wait in 0..1000 {
        let quick = wait % 2 == 0;
        let took = if quick { QUICK } else { immediate };
        let cost = if quick { COST } else { immediate };
        let cost = busy_wait.measures().then_some(cost);
        busy_wait.waited(took, cost);
    }
    assert_eq!(busy_wait.cost, COST);
}

#[test]
fn how_near_a_timer_must_be_follows_the_cost_of_blocking() {
    assert_eq!(BusyWait::new(MAX).near(QUICK), QUICK);
    assert_eq!(eager().near(QUICK), NEXT);
    assert_eq!(eager().near(COST), COST);
    assert_eq!(BusyWait::new(COST).near(QUICK), COST);
}

#[test]
fn without_leave_nothing_is_tried() {
    let mut busy_wait = BusyWait::new(Duration::ZERO);
    for _ in 0..100 {
        busy_wait.waited(QUICK, Some(COST));
        assert_eq!(busy_wait.limit(), None);
    }
}
