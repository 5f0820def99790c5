//! The arithmetic of the pause, on made-up instants.

use super::*;
use heist_reactor::{Clock as _, SystemClock};

#[test]
fn no_pause_before_the_first_failure() {
    let now = SystemClock.now();
    assert_eq!(Backoff::default().pause(|| now), None);
}

#[test]
fn pauses_double_up_to_the_longest_and_end_with_a_success() {
    let backoff = Backoff::default();
    let mut now = SystemClock.now();
    let mut expected = FIRST_PAUSE;
    for _ in 0..12 {
        backoff.failed(now);
        assert_eq!(backoff.pause(|| now), Some(now + expected));
        now += expected;
        assert_eq!(backoff.pause(|| now), None, "the pause is over");
        expected = (expected * 2).min(LONGEST_PAUSE);
    }
    assert_eq!(expected, LONGEST_PAUSE);
    backoff.succeeded();
    backoff.failed(now);
    assert_eq!(backoff.pause(|| now), Some(now + FIRST_PAUSE));
}

#[test]
fn failures_within_a_pause_do_not_lengthen_it() {
    let backoff = Backoff::default();
    let now = SystemClock.now();
    backoff.failed(now);
    backoff.failed(now);
    assert_eq!(backoff.pause(|| now), Some(now + FIRST_PAUSE));
}

#[cfg(unix)]
#[test]
fn errors_of_accept_are_told_apart() {
    use rustix::io::Errno;

    let of = |errno: Errno| Failure::of(&io::Error::from(errno));
    assert_eq!(of(Errno::MFILE), Failure::Exhausted);
    assert_eq!(of(Errno::NFILE), Failure::Exhausted);
    assert_eq!(of(Errno::NOBUFS), Failure::Exhausted);
    assert_eq!(of(Errno::NOMEM), Failure::Exhausted);
    assert_eq!(of(Errno::CONNABORTED), Failure::Connection);
    assert_eq!(of(Errno::INTR), Failure::Connection);
    assert_eq!(of(Errno::AGAIN), Failure::Other);
    assert_eq!(of(Errno::INVAL), Failure::Other);
}
