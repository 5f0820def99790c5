//! How far the benchmark is, and how long it will still take.

use std::collections::{BTreeMap, VecDeque};
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::row::{Load, Peer, Row};

type Key = (&'static str, Peer);

/// Shown on one line of a terminal, or as one line per row in a file.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The runs to come, with a guess how long each takes.
    left: VecDeque<(Key, Duration)>,
    /// How long a run took the last time.
    known: BTreeMap<Key, Duration>,
    current: Option<(Key, Instant)>,
    rounds: usize,
    terminal: bool,
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
            terminal: std::io::stdout().is_terminal(),
        }
    }

    /// The next run begins.
    pub(crate) fn begin(&mut self, row: &Row, peer: Peer, round: usize) {
        self.finish_current();
        let of_left = |(key, guess): &(Key, Duration)| *self.known.get(key).unwrap_or(guess);
        let left: Duration = self.left.iter().map(of_left).sum();
        let (round, left) = (round + 1, shown(left));
        if self.terminal {
            let text = format!(
                "round {round}/{}  {:<22} {:<7} {left} left",
                self.rounds,
                row.name,
                peer.name()
            );
            print!("\r{text:<70}");
            // Nothing depends on it.
            let _ = std::io::stdout().flush();
        } else if peer == Peer::Heist {
            println!(
                "round {round}/{}  {:<22} {left} left",
                self.rounds, row.name
            );
        }
        self.left.pop_front();
        self.current = Some(((row.name, peer), Instant::now()));
    }

    /// All runs are over.
    pub(crate) fn end(mut self) {
        self.finish_current();
        if self.terminal {
            print!("\r{:70}\r", "");
        }
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

/// So many counts are done.
pub(crate) fn counted(done: usize, all: usize) {
    if std::io::stdout().is_terminal() {
        print!("\rcounting instructions and system calls: {done}/{all}");
        // Nothing depends on it.
        let _ = std::io::stdout().flush();
    }
}

/// All are.
pub(crate) fn counted_all() {
    if std::io::stdout().is_terminal() {
        print!("\r{:70}\r", "");
    }
}
