//! How the end of a process is judged.

use std::os::unix::process::ExitStatusExt as _;

use super::*;

fn exited(code: i32) -> Ended {
    Ended::Itself(ExitStatus::from_raw(code << 8))
}

fn judge(report: &Report, ended: Ended) -> Option<Failure> {
    failure(report, ended, Path::new("there/is/no/output"))
}

fn report(explored: u64, panics: &[&str]) -> Report {
    Report {
        explored,
        panics: panics
            .iter()
            .map(|text| vec!["at a.rs:1:1".to_owned(), (*text).to_owned()])
            .collect(),
        ..Report::default()
    }
}

#[test]
fn a_model_that_explored_and_ended_well_passes() {
    assert_eq!(judge(&report(2, &[]), exited(0)), None);
}

#[test]
fn a_single_permutation_shows_nothing() {
    assert_eq!(judge(&report(1, &[]), exited(0)), Some(Failure::Nothing));
    assert_eq!(judge(&Report::default(), exited(0)), Some(Failure::Nothing));
}

#[test]
fn the_first_panic_is_the_reason_however_the_process_ends() {
    let aborted = Ended::Itself(ExitStatus::from_raw(6));
    for ended in [exited(101), aborted] {
        let failure = judge(&report(7, &["it is lost", "in a destructor"]), ended);
        assert_eq!(
            failure.map(|failure| failure.to_string()).as_deref(),
            Some("it is lost")
        );
    }
}

#[test]
fn an_end_without_a_panic_is_told_as_it_is() {
    let killed = judge(&report(7, &[]), Ended::Itself(ExitStatus::from_raw(11)));
    assert_eq!(
        killed,
        Some(Failure::Ended(
            "was killed by signal 11".to_owned(),
            Vec::new()
        ))
    );
}

#[test]
fn a_hang_is_not_a_lack_of_time() {
    let limit = Duration::from_secs(60);
    assert_eq!(
        judge(&report(7, &[]), Ended::Silent(limit)),
        Some(Failure::Hangs(limit))
    );
    assert_eq!(
        judge(&report(7, &[]), Ended::Late(limit)),
        Some(Failure::TooLong(limit))
    );
}

#[test]
fn looms_deadlock_is_told_in_words() {
    let failure = Failure::Panicked(vec![
        "at execution.rs:215:13".to_owned(),
        "deadlock; threads = [(Id(0), Blocked(Location(None)))]".to_owned(),
    ]);
    assert_eq!(failure.to_string(), "deadlock: no thread can go on");
}
