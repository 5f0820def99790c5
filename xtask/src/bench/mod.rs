//! `cargo xtask bench`: Heist beside its peers, on this machine, in one run.
//!
//! 1. [`rows`] says what is measured; [`mod@run`] runs one row on one peer, in a fresh process.
//! 2. Rounds are interleaved: row by row each peer once, then the next round. What slows the machine
//!    for a while slows all; [`noise`] marks the rounds in which somebody else used it.
//! 3. [`mod@count`] counts instructions and system calls afterwards, apart from time.
//! 4. [`verdict`] judges; [`report`] and [`page`] show it; [`baseline`] compares with what was
//!    committed.

mod stats;
mod row;
mod rows;
mod run;
mod noise;
mod count;
mod verdict;
mod machine;
mod baseline;
mod progress;
mod report;
mod page;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, bail};
use lexopt::ValueExt as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::test::Skipped;
use crate::{process, signals, table};
use machine::Machine;
use noise::Noise;
use progress::Progress;
use report::Report;
use row::{Peer, Row};
use run::Programs;
use verdict::{Measured, Round};

/// Runs the command.
pub(crate) fn run(args: lexopt::Parser) -> anyhow::Result<()> {
    let options = Options::parse(args)?;
    let start = Instant::now();
    allow_descriptors()?;
    println!("building in release mode");
    let programs = Programs::build(&options.peers)?;
    let mut report = Report {
        machine: Machine::this(),
        quick: options.quick,
        rows: options
            .rows
            .iter()
            .map(|row| (row.clone(), Measured::default()))
            .collect(),
        notes: Vec::new(),
    };
    let mut failures = Vec::new();
    time(&programs, &options, &mut report, &mut failures)?;
    count(&programs, &options, &mut report, &mut failures)?;
    if !options.guards() {
        println!("\n{report}");
    }
    println!("{:.1} min", start.elapsed().as_secs_f64() / 60.0);
    if let Some(path) = &options.json {
        write(path, &format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &options.html {
        write(path, &page::html(&report))?;
    }
    if let Some(path) = &options.markdown {
        write(path, &with_markers(path, &report.markdown())?)?;
    }
    if !failures.is_empty() {
        bail!("some runs failed:\n  {}", failures.join("\n  "));
    }
    let counts = report.guarded();
    if let Some(name) = &options.save {
        baseline::save(name, &counts)?;
    }
    if let Some(name) = &options.compare {
        baseline::compare(name, &counts)?;
    }
    Ok(())
}

/// As `--compare main`, with valgrind installed if need be.
///
/// # Errors
/// Fails if a row became worse, and with [`Skipped`] if nothing can be counted here.
pub(crate) fn compare_with_main(limit: Duration) -> anyhow::Result<()> {
    match count::provide_valgrind() {
        Ok(()) => {
            let mut command = Command::new(env::current_exe()?);
            process::run(command.args(["bench", "--compare", "main"]), limit)
        }
        Err(error) if error.is::<signals::Interrupted>() => Err(error),
        Err(error) => Err(Skipped(format!("{error:#}")).into()),
    }
}

struct Options {
    rows: Vec<Row>,
    peers: Vec<Peer>,
    rounds: usize,
    quick: bool,
    json: Option<PathBuf>,
    html: Option<PathBuf>,
    markdown: Option<PathBuf>,
    save: Option<String>,
    compare: Option<String>,
}

impl Options {
    fn parse(mut args: lexopt::Parser) -> anyhow::Result<Options> {
        let mut options = Options {
            rows: rows::all(),
            peers: Vec::new(),
            rounds: 0,
            quick: false,
            json: None,
            html: None,
            markdown: None,
            save: None,
            compare: None,
        };
        let (mut asked, mut rounds) = (Vec::new(), None);
        while let Some(arg) = args.next()? {
            match arg {
                lexopt::Arg::Value(name) => asked.push(name.string()?),
                lexopt::Arg::Long("rounds") => rounds = Some(args.value()?.parse()?),
                lexopt::Arg::Long("peers") => {
                    options.peers = args.value()?.parse_with(peers_named)?;
                }
                lexopt::Arg::Long("quick") => options.quick = true,
                lexopt::Arg::Long("json") => options.json = Some(args.value()?.into()),
                lexopt::Arg::Long("html") => options.html = Some(args.value()?.into()),
                lexopt::Arg::Long("markdown") => options.markdown = Some(args.value()?.into()),
                lexopt::Arg::Long("save") => options.save = Some(args.value()?.string()?),
                lexopt::Arg::Long("compare") => options.compare = Some(args.value()?.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        options.choose_rows(&asked)?;
        let guards = options.save.is_some() || options.compare.is_some();
        options.rounds = rounds.unwrap_or(match (guards, options.quick) {
            (true, _) => 0,
            (false, true) => 3,
            (false, false) => 5,
        });
        options.settle();
        Ok(options)
    }

    /// Keeps the rows whose names were given.
    fn choose_rows(&mut self, asked: &[String]) -> Result<(), lexopt::Error> {
        let known = |name: &&String| !self.rows.iter().any(|row| row.is_asked_by(name));
        if let Some(name) = asked.iter().find(known) {
            let names: Vec<&str> = self.rows.iter().map(|row| row.name).collect();
            return Err(format!("no workload `{name}`; there is: {}", names.join(" ")).into());
        }
        if !asked.is_empty() {
            self.rows
                .retain(|row| asked.iter().any(|name| row.is_asked_by(name)));
        }
        Ok(())
    }

    /// Fills in what follows from the rest.
    fn settle(&mut self) {
        if self.guards() {
            let guarded = |row: &Row| row.count.is_some_and(|count| count.guarded);
            self.rows.retain(guarded);
            self.peers = vec![Peer::Heist];
        }
        if self.peers.is_empty() {
            self.peers = if self.quick {
                Peer::RIVALS.to_vec()
            } else {
                Peer::ALL.to_vec()
            };
        }
        if self.quick {
            self.rows = self.rows.drain(..).map(Row::quick).collect();
        }
    }

    /// Whether only the baseline is of interest: then nothing is timed, and nobody else counted.
    fn guards(&self) -> bool {
        self.rounds == 0 && (self.save.is_some() || self.compare.is_some())
    }
}

/// The peers in a list separated by commas; Heist is always one of them.
fn peers_named(list: &str) -> Result<Vec<Peer>, String> {
    let named = |name| Peer::named(name).ok_or_else(|| format!("no peer `{name}`"));
    let mut peers = list
        .split(',')
        .map(named)
        .collect::<Result<Vec<Peer>, String>>()?;
    peers.push(Peer::Heist);
    peers.sort();
    peers.dedup();
    Ok(peers)
}

/// The rounds.
fn time(
    programs: &Programs,
    options: &Options,
    report: &mut Report,
    failures: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut progress = Progress::new(&options.rows, &options.peers, options.rounds);
    let mut given_up = Vec::new();
    for round in 0..options.rounds {
        for (row, measured) in &mut report.rows {
            if round >= row.rounds {
                continue;
            }
            let mut done = Round::default();
            for &peer in options.peers.iter().filter(|peer| row.has(**peer)) {
                signals::check()?;
                progress.begin(row, peer, round);
                if given_up.contains(&(row.name, peer)) {
                    continue;
                }
                let noise = Noise::begin()?;
                match programs.sample(row, peer) {
                    Ok(sample) => drop(done.samples.insert(peer, sample)),
                    Err(error) if error.is::<signals::Interrupted>() => return Err(error),
                    Err(error) => {
                        failures.push(format!("{} on {}: {error:#}", row.name, peer.name()));
                        given_up.push((row.name, peer));
                    }
                }
                done.others = done.others.max(noise.others()?);
            }
            measured.rounds.push(done);
        }
    }
    progress.end();
    Ok(())
}

/// Instructions and system calls.
fn count(
    programs: &Programs,
    options: &Options,
    report: &mut Report,
    failures: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut rivals = options.peers.clone();
    rivals.retain(|peer| !peer.is_limit());
    let (jobs, missing) = count::jobs(&options.rows, &rivals, options.guards());
    report
        .notes
        .extend(missing.iter().map(|what| (*what).to_owned()));
    let progress = progress::counts(jobs.len());
    for (job, result) in count::run(programs, &jobs, || progress.inc(1)) {
        let measured = report
            .rows
            .iter_mut()
            .find(|(row, _)| row.name == job.row.name);
        let (_, measured) = measured.expect("jobs are made of these rows");
        match result {
            Ok(counts) => measured.counts.entry(job.peer).or_default().extend(counts),
            Err(error) if error.is::<signals::Interrupted>() => return Err(error),
            Err(error) => failures.push(format!(
                "counting {} on {}: {error:#}",
                job.row.name,
                job.peer.name()
            )),
        }
    }
    progress.finish_and_clear();
    if options.guards() && jobs.is_empty() {
        let why = missing.first();
        bail!("{}", why.unwrap_or(&"no row asked for has a baseline"));
    }
    Ok(())
}

/// Ten thousand connections take as many descriptors, here and in the server.
fn allow_descriptors() -> anyhow::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).context("cannot raise the limit of open descriptors")
}

/// The whole of a file that gets this table: in place of the one it has, or nothing else.
fn with_markers(path: &PathBuf, table: &str) -> anyhow::Result<String> {
    let [begin, end] = MARKERS;
    match fs::read_to_string(path) {
        Ok(text) if text.contains(begin) => table::splice(&text, MARKERS, table),
        _ => Ok(format!("{begin}\n{table}{end}\n")),
    }
}

fn write(path: &PathBuf, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

const MARKERS: [&str; 2] = [
    "<!-- table: written by `cargo xtask bench --markdown benches/README.md` -->",
    "<!-- end of the table -->",
];
