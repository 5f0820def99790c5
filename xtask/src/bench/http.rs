//! `bench http`: the `http` example against the same router on tokio, requests per second and CPU
//! time per request of `/`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::stats::{median, median_ratio, spread};
use crate::args::{positive, seconds};
use crate::cargo;
use crate::load::{self, Plan, Target};
use crate::process;
use crate::server::Server;
use crate::table::Table;

/// Runs the workload.
pub(crate) fn run(args: lexopt::Parser) -> anyhow::Result<()> {
    let options = Options::parse(args)?;
    let mut peers = [
        Peer::build("heist", "heist-examples", "http")?,
        Peer::build("tokio", "heist-benches", "http_tokio")?,
    ];
    for round in 1..=options.rounds {
        for peer in &mut peers {
            let sample = peer.measure(&options)?;
            println!(
                "round {round}/{}  {:<6}  {:>9.0} req/s  p99 {:>6.0} µs  {:>5.2} µs CPU per request",
                options.rounds, peer.name, sample.per_second, sample.p99_us, sample.cpu_us,
            );
            peer.samples.push(sample);
        }
    }
    print(&peers);
    if let Some(path) = &options.json {
        let text = format!("{:#}\n", json(&peers, &options));
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

struct Options {
    rounds: usize,
    duration: Duration,
    connections: usize,
    workers: usize,
    wrk: bool,
    json: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: lexopt::Parser) -> anyhow::Result<Options> {
        let mut options = Options {
            rounds: 5,
            duration: Duration::from_secs(5),
            connections: 64,
            workers: 2,
            wrk: false,
            json: None,
        };
        while let Some(arg) = args.next()? {
            match arg {
                lexopt::Arg::Long("rounds") => options.rounds = positive(&mut args)?,
                lexopt::Arg::Long("seconds") => options.duration = seconds(&mut args)?,
                lexopt::Arg::Long("connections") => options.connections = positive(&mut args)?,
                lexopt::Arg::Long("workers") => options.workers = positive(&mut args)?,
                lexopt::Arg::Long("wrk") => options.wrk = true,
                lexopt::Arg::Long("json") => options.json = Some(args.value()?.into()),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// A server to compare, and what it did in each round.
struct Peer {
    name: &'static str,
    program: PathBuf,
    samples: Vec<Sample>,
}

/// One run of one peer.
#[derive(Clone, Copy)]
struct Sample {
    per_second: f64,
    p99_us: f64,
    cpu_us: f64,
}

impl Peer {
    fn build(name: &'static str, package: &str, binary: &str) -> anyhow::Result<Peer> {
        Ok(Peer {
            name,
            program: cargo::build_release(package, binary)?,
            samples: Vec::new(),
        })
    }

    /// A fresh process, warmed up, then measured; any error ends the benchmark.
    fn measure(&self, options: &Options) -> anyhow::Result<Sample> {
        let server = Server::start(&self.program, "127.0.0.1:0", options.workers)?;
        let target = Target::probe(server.addr, "/")?;
        let plan = |duration| Plan {
            connections: options.connections,
            duration,
        };
        load::run(&target, plan(WARM_UP), |_| {})?;
        let before = server.cpu_time()?;
        let run = if options.wrk {
            wrk(server.addr, options)?
        } else {
            let report = load::run(&target, plan(options.duration), |_| {})?;
            Run {
                requests: report.requests(),
                per_second: report.per_second(),
                p99_us: report.latency_ns(0.99) as f64 / 1e3,
                errors: report.errors.total(),
            }
        };
        let cpu = server.cpu_time()?.saturating_sub(before);
        if run.errors > 0 {
            bail!("{}: {} of the requests failed", self.name, run.errors);
        }
        server.stop().with_context(|| self.name)?;
        Ok(Sample {
            per_second: run.per_second,
            p99_us: run.p99_us,
            cpu_us: cpu.as_secs_f64() * 1e6 / run.requests.max(1) as f64,
        })
    }

    fn figures(&self, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples.iter().map(of).collect()
    }
}

/// What a load generator says of one run.
#[derive(Debug, Default, PartialEq)]
struct Run {
    requests: u64,
    per_second: f64,
    p99_us: f64,
    errors: u64,
}

/// Drives the server with `wrk`, a load generator that nobody here wrote.
fn wrk(addr: SocketAddr, options: &Options) -> anyhow::Result<Run> {
    let mut command = std::process::Command::new("wrk");
    let seconds = options.duration.as_secs().max(1);
    command
        .args(["--latency", "--threads", "2"])
        .args(["--connections", &options.connections.max(2).to_string()])
        .args(["--duration", &format!("{seconds}s")])
        .arg(format!("http://{addr}/"));
    let mut lines = Vec::new();
    let limit = Duration::from_secs(seconds + 30);
    process::run_lines(&command, limit, |line| lines.push(line.to_owned()))
        .context("wrk failed (is it installed?)")?;
    parse_wrk(&lines).with_context(|| format!("unknown output of wrk:\n{}", lines.join("\n")))
}

/// Reads wrk's summary.
fn parse_wrk(lines: &[String]) -> Option<Run> {
    let mut run = Run::default();
    let mut rate = None;
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["Requests/sec:", value] => rate = value.parse().ok(),
            ["99%", value] => run.p99_us = wrk_time_us(value)?,
            [count, "requests", "in", ..] => run.requests = count.parse().ok()?,
            ["Non-2xx", .., count] => run.errors += count.parse::<u64>().ok()?,
            ["Socket", "errors:", rest @ ..] => {
                let counts = rest.iter().map(|word| word.trim_end_matches(','));
                run.errors += counts
                    .filter_map(|word| word.parse::<u64>().ok())
                    .sum::<u64>();
            }
            _ => {}
        }
    }
    run.per_second = rate?;
    Some(run)
}

/// One of wrk's times, `812.00us`, `1.20ms` or `2.01s`, in microseconds.
fn wrk_time_us(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units.into_iter().find_map(|(unit, factor)| {
        let value: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(value * factor)
    })
}

type Figure = (&'static str, usize, fn(&Sample) -> f64);

/// What is shown of each run: name, decimals, where it is.
const FIGURES: [Figure; 3] = [
    ("req/s", 0, |sample| sample.per_second),
    ("p99 µs", 0, |sample| sample.p99_us),
    ("CPU µs per request", 2, |sample| sample.cpu_us),
];

fn print([ours, theirs]: &[Peer; 2]) {
    let mut table = Table::new(["median (min–max)", ours.name, theirs.name, "ratio"]);
    for (name, decimals, figure) in FIGURES {
        let (a, b) = (ours.figures(figure), theirs.figures(figure));
        let ratio = format!("{:.3}", median_ratio(&a, &b));
        table.row([
            name.to_owned(),
            spread(&a, decimals),
            spread(&b, decimals),
            ratio,
        ]);
    }
    println!("\n{table}");
    println!(
        "  ratio: {} / {}, median of the per-round ratios",
        ours.name, theirs.name
    );
}

fn json(peers: &[Peer; 2], options: &Options) -> Value {
    let figures = FIGURES.map(|(name, _, figure)| {
        let [a, b] = [&peers[0], &peers[1]].map(|peer| peer.figures(figure));
        let value = json!({
            peers[0].name: { "median": median(&a), "rounds": a },
            peers[1].name: { "median": median(&b), "rounds": b },
            "ratio": median_ratio(&a, &b),
        });
        (name.to_owned(), value)
    });
    json!({
        "workload": "http",
        "rounds": options.rounds,
        "seconds": options.duration.as_secs_f64(),
        "connections": options.connections,
        "workers": options.workers,
        "load": if options.wrk { "wrk" } else { "xtask" },
        "figures": Value::Object(figures.into_iter().collect()),
    })
}

const WARM_UP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
