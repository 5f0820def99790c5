//! Who is ahead, and on which evidence.

use super::*;
use crate::bench::row::{INSTRUCTIONS, less};

/// Rounds of `cpu_ns` for Heist, tokio, smol and monoio, with what others used.
fn measured(rounds: &[(f64, [f64; 4])]) -> Measured {
    let peers = [Peer::Heist, Peer::Tokio, Peer::Smol, Peer::Monoio];
    let round = |(others, figures): &(f64, [f64; 4])| Round {
        others: *others,
        samples: peers
            .into_iter()
            .zip(figures)
            .map(|(peer, figure)| (peer, Sample::from([("cpu_ns".to_owned(), *figure)])))
            .collect(),
    };
    Measured {
        rounds: rounds.iter().map(round).collect(),
        counts: BTreeMap::new(),
    }
}

fn line(rounds: &[(f64, [f64; 4])], more_is_better: bool) -> Line {
    let metric = Metric {
        key: "cpu_ns",
        label: "CPU ns",
        more_is_better,
        negligible: 0.0,
    };
    Line::new(metric, &measured(rounds)).expect("there are figures")
}

#[test]
fn figures_that_are_both_negligible_are_level() {
    let verdict = |heist: f64, tokio: f64| {
        let rounds = [(0.0, [heist, tokio, 9.0, 1.0]); 3];
        let metric = less("cpu_ns", "CPU ns").negligible_below(0.01);
        Line::new(metric, &measured(&rounds))
            .expect("there are figures")
            .verdict
    };
    assert_eq!(verdict(0.009, 0.001), Some(Verdict::Level));
    assert_eq!(verdict(0.001, 0.009), Some(Verdict::Level));
    assert_eq!(verdict(0.01, 0.001), Some(Verdict::Behind));
    assert_eq!(verdict(0.001, 0.01), Some(Verdict::Ahead));
}

#[test]
fn the_best_rival_is_who_has_the_better_median_and_limits_are_no_rivals() {
    let rounds = [(0.0, [50.0, 100.0, 200.0, 10.0]); 3];
    let less = line(&rounds, false);
    assert_eq!(less.to_tokio, Some(0.5));
    assert_eq!(less.to_best, Some((Peer::Tokio, 0.5)));
    assert_eq!(less.limit, Some((Peer::Monoio, 10.0)));
    assert_eq!(less.verdict, Some(Verdict::Ahead));
    let more = line(&rounds, true);
    assert_eq!(more.to_best, Some((Peer::Smol, 0.25)));
    assert_eq!(more.verdict, Some(Verdict::Behind));
}

#[test]
fn a_ratio_is_taken_per_round() {
    // The machine was four times slower in the last two rounds. The medians alone say 30 to 40.
    let rounds = [
        (0.0, [10.0, 20.0, 99.0, 1.0]),
        (0.0, [30.0, 40.0, 99.0, 1.0]),
        (0.0, [40.0, 80.0, 99.0, 1.0]),
    ];
    assert_eq!(line(&rounds, false).to_tokio, Some(0.5));
}

#[test]
fn small_and_unsteady_differences_are_level() {
    let small = [(0.0, [98.0, 100.0, 200.0, 1.0]); 3];
    assert_eq!(line(&small, false).verdict, Some(Verdict::Level));
    let unsteady = [
        (0.0, [50.0, 100.0, 400.0, 1.0]),
        (0.0, [200.0, 100.0, 400.0, 1.0]),
        (0.0, [300.0, 100.0, 400.0, 1.0]),
        (0.0, [80.0, 100.0, 400.0, 1.0]),
    ];
    assert_eq!(line(&unsteady, false).verdict, Some(Verdict::Level));
}

#[test]
fn nothing_against_nothing_is_level() {
    let idle = [(0.0, [0.0, 0.0, 0.0, 0.0])];
    assert_eq!(line(&idle, false).verdict, Some(Verdict::Level));
}

#[test]
fn disturbed_rounds_are_left_out_while_enough_others_remain() {
    let calm = (0.0, [1.0, 2.0, 2.0, 1.0]);
    let disturbed = (0.9, [9.0, 2.0, 2.0, 1.0]);
    let believed = |rounds: &[(f64, [f64; 4])]| {
        let measured = measured(rounds);
        let (rounds, noisy) = measured.believed();
        (rounds.len(), noisy)
    };
    assert_eq!(believed(&[calm, disturbed, calm]), (2, false));
    assert_eq!(believed(&[calm, disturbed]), (2, true));
    assert_eq!(
        believed(&[calm, calm, disturbed, disturbed, disturbed]),
        (5, true)
    );
    assert_eq!(believed(&[calm]), (1, false));
    assert_eq!(
        line(&[calm, disturbed, calm], false).spreads[&Peer::Heist].max,
        1.0
    );
}

#[test]
fn counts_stand_by_themselves() {
    let mut measured = measured(&[(0.9, [1.0, 1.0, 1.0, 1.0]); 5]);
    for (peer, count) in [(Peer::Heist, 300.0), (Peer::Tokio, 600.0)] {
        let counts = Sample::from([(INSTRUCTIONS.key.to_owned(), count)]);
        measured.counts.insert(peer, counts);
    }
    let line = Line::new(INSTRUCTIONS, &measured).expect("there are counts");
    assert_eq!(line.to_best, Some((Peer::Tokio, 0.5)));
    assert_eq!(line.verdict, Some(Verdict::Ahead));
}

#[test]
fn without_a_rival_there_is_no_verdict() {
    let metric = Metric {
        key: "nobody_has_this",
        label: "",
        more_is_better: false,
        negligible: 0.0,
    };
    assert!(Line::new(metric, &measured(&[])).is_none());
}

#[test]
fn heist_without_its_watchdog_is_no_rival_and_no_limit() {
    let mut measured = measured(&[(0.0, [10.0, 20.0, 30.0, 40.0]); 3]);
    for round in &mut measured.rounds {
        let without = Sample::from([("cpu_ns".to_owned(), 8.0)]);
        round.samples.insert(Peer::Unwatched, without);
    }
    let metric = crate::bench::row::less("cpu_ns", "CPU ns");
    let line = Line::new(metric, &measured).expect("there are figures");
    assert_eq!(line.to_unwatched, Some(1.25));
    assert_eq!(line.to_best, Some((Peer::Tokio, 0.5)));
    assert_eq!(line.limit, Some((Peer::Monoio, 40.0)));
}
