//! How far the benchmark is, and how long it will still take.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::row::{Load, Peer, Row};

type Key = (&'static str, Peer);

/// On a terminal one line that changes, elsewhere a line per row.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The runs to come, with a guess how long each takes.
    left: VecDeque<(Key, Duration)>,
    /// How long a run took the last time.
    known: BTreeMap<Key, Duration>,
    current: Option<(Key, Instant)>,
    rounds: usize,
    line: ProgressBar,
}

impl Progress {
    /// With all runs still to come.
    pub(crate) fn new(rows: &[Row], peers: &[Peer], rounds: usize) -> Progress {
        let mut left = VecDeque::new();
        for round in 0..rounds {
            for row in rows.iter().filter(|row| round < row.rounds) {
                let peers = peers.iter().filter(|peer| row.has(**peer));
                left.extend(peers.map(|&peer| ((row.name, peer), guess(row))));
            }
        }
        Progress {
            left,
            known: BTreeMap::new(),
            current: None,
            rounds,
            line: line(rounds as u64, "{msg}"),
        }
    }

    /// The next run begins.
    pub(crate) fn begin(&mut self, row: &Row, peer: Peer, round: usize) {
        self.finish_current();
        let of_left = |(key, guess): &(Key, Duration)| *self.known.get(key).unwrap_or(guess);
        let left: Duration = self.left.iter().map(of_left).sum();
        let (round, rounds, left) = (round + 1, self.rounds, shown(left));
        if self.line.is_hidden() {
            if peer == Peer::Heist {
                println!("round {round}/{rounds}  {:<22} {left} left", row.name);
            }
        } else {
            let (row, peer) = (row.name, peer.name());
            self.line.set_message(format!(
                "round {round}/{rounds}  {row:<22} {peer:<7} {left} left"
            ));
        }
        self.left.pop_front();
        self.current = Some(((row.name, peer), Instant::now()));
    }

    /// All runs are over.
    pub(crate) fn end(mut self) {
        self.finish_current();
        self.line.finish_and_clear();
    }

    fn finish_current(&mut self) {
        if let Some((key, since)) = self.current.take() {
            self.known.insert(key, since.elapsed());
        }
    }
}

/// How long a run takes of which nothing is known yet.
fn guess(row: &Row) -> Duration {
    match row.load {
        Load::Ops(_) => Duration::from_millis(500),
        Load::Seconds(seconds) | Load::Clients { seconds, .. } => {
            Duration::from_secs_f64(seconds + 0.5)
        }
        Load::Held(_) => Duration::from_millis(1500),
    }
}

fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

/// A line for so many counts, which are counted by [`ProgressBar::inc`].
pub(crate) fn counts(all: usize) -> ProgressBar {
    line(
        all as u64,
        "counting instructions and system calls: {pos}/{len}",
    )
}

fn line(length: u64, template: &str) -> ProgressBar {
    let line = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stdout());
    let style = ProgressStyle::with_template(template).expect("the templates are well-formed");
    line.with_style(style)
}
