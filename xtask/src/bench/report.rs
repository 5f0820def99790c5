//! What came out of it: as a table, and as JSON for other programs.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::baseline::Counts;
use super::machine::Machine;
use super::row::{INSTRUCTIONS, Peer, Row};
use super::stats::{figure, ratio};
use super::verdict::{Line, Measured, Verdict, lines};
use crate::table::Table;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    pub(crate) rows: Vec<(Row, Measured)>,
    /// What could not be measured, and why.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// Each row with its lines, and whether too many of its rounds were disturbed.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (&Row, Vec<Line>, bool)> {
        let judged =
            |(row, measured): &'_ (Row, Measured)| (lines(row, measured), measured.believed().1);
        self.rows.iter().map(move |pair| {
            let (lines, noisy) = judged(pair);
            (&pair.0, lines, noisy)
        })
    }

    /// How many figures have each verdict.
    pub(crate) fn tally(&self) -> BTreeMap<Verdict, usize> {
        let mut tally = BTreeMap::new();
        for (_, lines, _) in self.judged() {
            for verdict in lines.iter().filter_map(|line| line.verdict) {
                *tally.entry(verdict).or_default() += 1;
            }
        }
        tally
    }

    /// Heist's instruction counts that a baseline may hold.
    pub(crate) fn guarded(&self) -> Counts {
        let count = |(row, measured): &(Row, Measured)| {
            row.count.filter(|count| count.guarded)?;
            let count = measured.counts.get(&Peer::Heist)?.get(INSTRUCTIONS.key)?;
            Some((row.name.to_owned(), *count))
        };
        self.rows.iter().filter_map(count).collect()
    }

    /// All figures, all rounds.
    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(json_of_row).collect();
        json!({
            "machine": self.machine.json(),
            "quick": self.quick,
            "notes": self.notes,
            "rows": rows,
        })
    }
}

fn json_of_row((row, measured): &(Row, Measured)) -> Value {
    let lines = lines(row, measured).into_iter().map(|line| {
        json!({
            "figure": line.metric.key,
            "better": if line.metric.more_is_better { "more" } else { "less" },
            "median": by_name(&line.spreads, |spread| json!(spread.median)),
            "min": by_name(&line.spreads, |spread| json!(spread.min)),
            "max": by_name(&line.spreads, |spread| json!(spread.max)),
            "ratio_to_tokio": line.to_tokio,
            "best_rival": line.to_best.map(|(peer, _)| peer.name()),
            "ratio_to_best_rival": line.to_best.map(|(_, ratio)| ratio),
            "ratio_to_unwatched": line.to_unwatched,
            "verdict": line.verdict.map(|verdict| verdict.to_string()),
        })
    });
    let rounds = measured.rounds.iter().map(|round| {
        json!({
            "processors_used_by_others": round.others,
            "samples": by_name(&round.samples, |sample| json!(sample)),
        })
    });
    json!({
        "row": row.name,
        "what": row.what,
        "figures": lines.collect::<Vec<Value>>(),
        "counts": by_name(&measured.counts, |counts| json!(counts)),
        "rounds": rounds.collect::<Vec<Value>>(),
    })
}

fn by_name<T>(of_peers: &BTreeMap<Peer, T>, value: impl Fn(&T) -> Value) -> Value {
    let named = of_peers
        .iter()
        .map(|(peer, item)| (peer.name().to_owned(), value(item)));
    Value::Object(named.collect())
}

impl Report {
    /// The table and what closes it, as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let closing = self.closing().into_iter();
        let closing: String = closing.map(|line| format!("- {line}\n")).collect();
        format!("\n{closing}\n{}\n", self.table().markdown())
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            "median (min–max)",
            "heist",
            "tokio",
            "smol",
            "limit",
            "÷ tokio",
            "÷ best",
            "verdict",
        ]);
        for (row, lines, noisy) in self.judged() {
            for line in lines {
                let mark = if noisy { "†" } else { "" };
                let arrow = if line.metric.more_is_better {
                    "↑"
                } else {
                    "↓"
                };
                let of = |peer| {
                    line.spreads
                        .get(&peer)
                        .map_or("–".to_owned(), |spread| spread.shown())
                };
                table.row([
                    format!("{}{mark} {arrow} {}", row.name, line.metric.label),
                    of(Peer::Heist),
                    of(Peer::Tokio),
                    of(Peer::Smol),
                    limit(&line),
                    line.to_tokio.map_or("–".to_owned(), ratio),
                    line.to_best
                        .map_or("–".to_owned(), |(_, value)| ratio(value)),
                    line.verdict
                        .map_or("–".to_owned(), |verdict| verdict.to_string()),
                ]);
            }
        }
        table
    }

    /// What the watchdog costs, if Heist was run without it, too.
    fn watchdog(&self) -> Option<Table> {
        let mut table = Table::new(["the watchdog's cost", "heist", "unwatched", "÷ unwatched"]);
        let judged = self.judged();
        let lines =
            judged.flat_map(|(row, lines, _)| lines.into_iter().map(|line| (row.name, line)));
        let lines: Vec<_> = lines
            .filter_map(|(row, line)| Some((row, line.to_unwatched?, line)))
            .collect();
        for (row, to_unwatched, line) in &lines {
            let of = |peer| line.spreads[&peer].shown();
            table.row([
                format!("{row} {}", line.metric.label),
                of(Peer::Heist),
                of(Peer::Unwatched),
                ratio(*to_unwatched),
            ]);
        }
        (!lines.is_empty()).then_some(table)
    }

    /// What must be said with the table.
    fn closing(&self) -> Vec<String> {
        let tally = self.tally();
        let of = |verdict| tally.get(&verdict).copied().unwrap_or(0);
        let mut lines = vec![
            self.machine.shown(),
            format!(
                "{} ahead, {} level, {} behind of the better of tokio and smol",
                of(Verdict::Ahead),
                of(Verdict::Level),
                of(Verdict::Behind)
            ),
        ];
        let behind = self.behind();
        if !behind.is_empty() {
            lines.push(format!("behind: {}", behind.join(", ")));
        }
        if self.judged().any(|(.., noisy)| noisy) {
            let noisy = "† others used the machine in so many rounds that none were left out";
            lines.push(noisy.to_owned());
        }
        lines.extend(self.notes.iter().cloned());
        lines
    }

    /// The figures in which Heist is behind.
    pub(crate) fn behind(&self) -> Vec<String> {
        let of_row = |(row, lines, _): (&Row, Vec<Line>, bool)| {
            let behind = lines
                .into_iter()
                .filter(|line| line.verdict == Some(Verdict::Behind));
            let named = behind.map(|line| format!("{} ({})", row.name, line.metric.label));
            named.collect::<Vec<String>>()
        };
        self.judged().flat_map(of_row).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table())?;
        if let Some(table) = self.watchdog() {
            writeln!(f, "{table}")?;
        }
        for line in self.closing() {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}

/// The best of those that share nothing, by name.
pub(crate) fn limit(line: &Line) -> String {
    line.limit.map_or("–".to_owned(), |(peer, value)| {
        format!("{} {}", peer.name(), figure(value))
    })
}
