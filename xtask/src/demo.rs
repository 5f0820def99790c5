//! `cargo xtask demo`: the main job in one command. Builds the `http` example, runs it on all
//! cores, drives it with the embedded load generator, shows what it did.
//! With `--stall` it is [`stall`].

mod stall;

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lexopt::ValueExt as _;
use serde_json::{Value, json};

use crate::args::{positive, seconds};
use crate::cargo;
use crate::load::{self, Plan, Report, Target, Tick};
use crate::server::{Metrics, Server};
use crate::signals::Interrupted;
use crate::table::{Table, grouped, nanos};

/// Runs the command.
pub(crate) fn run(args: lexopt::Parser) -> anyhow::Result<()> {
    let options = Options::parse(args)?;
    if options.stall {
        return stall::run(options.runs);
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    println!("building the http example in release mode");
    let program = cargo::build_release("heist-examples", "http")?;
    let mut command = Command::new(&program);
    command.args(["--addr", &options.addr, "--workers", &workers.to_string()]);
    let mut server = Server::start(&command)?;
    println!(
        "http on {} with {workers} workers; {} connections for {} s",
        server.addr,
        options.connections,
        options.duration.as_secs_f64(),
    );
    let figures = drive(&server, &options, workers)?;
    figures.print();
    if let Some(path) = &options.json {
        let text = format!("{:#}\n", figures.json());
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if options.serve {
        serve(&mut server)?;
    }
    server.stop()?;
    match figures.report.errors.total() {
        0 => Ok(()),
        errors => bail!("{errors} of the requests failed"),
    }
}

struct Options {
    duration: Duration,
    connections: usize,
    addr: String,
    serve: bool,
    json: Option<PathBuf>,
    /// Bad tasks instead, each so often.
    stall: bool,
    runs: usize,
}

impl Options {
    fn parse(mut args: lexopt::Parser) -> anyhow::Result<Options> {
        let mut options = Options {
            duration: Duration::from_secs(10),
            connections: 64,
            addr: "127.0.0.1:0".to_owned(),
            serve: false,
            json: None,
            stall: false,
            runs: 3,
        };
        while let Some(arg) = args.next()? {
            match arg {
                lexopt::Arg::Long("seconds") => options.duration = seconds(&mut args)?,
                lexopt::Arg::Long("connections") => options.connections = positive(&mut args)?,
                lexopt::Arg::Long("addr") => options.addr = args.value()?.string()?,
                lexopt::Arg::Long("serve") => options.serve = true,
                lexopt::Arg::Long("stall") => options.stall = true,
                lexopt::Arg::Long("runs") => options.runs = positive(&mut args)?,
                lexopt::Arg::Long("json") => options.json = Some(args.value()?.into()),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// What the run showed, from outside and from inside the server.
struct Figures {
    report: Report,
    workers: usize,
    connections: usize,
    cpu: Duration,
    peak_memory: u64,
    before: Metrics,
    after: Metrics,
}

fn drive(server: &Server, options: &Options, workers: usize) -> anyhow::Result<Figures> {
    let target = Target::probe(server.addr, "/")?;
    let plan = Plan::lasting(options.connections, options.duration);
    let before = server.metrics()?;
    let cpu_before = server.cpu_time()?;
    let mut progress = Progress::new();
    let report = load::run(&target, plan, |tick| progress.show(tick));
    progress.end();
    let report = report?;
    Ok(Figures {
        report,
        workers,
        connections: options.connections,
        cpu: server.cpu_time()?.saturating_sub(cpu_before),
        peak_memory: server.peak_memory()?,
        before,
        after: server.metrics()?,
    })
}

impl Figures {
    fn cpu_per_request(&self) -> Duration {
        self.cpu.div_f64(self.report.requests().max(1) as f64)
    }

    fn print(&self) {
        let report = &self.report;
        let mut table = Table::new(["", ""]);
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("requests", grouped(report.requests()));
        row("errors", grouped(report.errors.total()));
        for (kind, count) in report.errors.by_kind() {
            if count > 0 {
                row(&format!("  {kind}"), grouped(count));
            }
        }
        row("req/s", grouped(report.per_second() as u64));
        row("latency p50", nanos(report.latency_ns(0.5)));
        row("latency p99", nanos(report.latency_ns(0.99)));
        row("latency p99.9", nanos(report.latency_ns(0.999)));
        let cpu = self.cpu_per_request().as_secs_f64() * 1e6;
        row("CPU per request", format!("{cpu:.1} µs"));
        let mib = self.peak_memory as f64 / (1024.0 * 1024.0);
        row("peak memory", format!("{mib:.1} MiB"));
        println!("{table}");

        let mut table = Table::new(["worker", "polls", "steals", "parks"]);
        for worker in 0..self.workers {
            let [polls, steals, parks] = self
                .counters(worker)
                .map(|(_, count)| count.map_or("?".to_owned(), grouped));
            table.row([worker.to_string(), polls, steals, parks]);
        }
        println!("{table}");
    }

    fn counters(&self, worker: usize) -> [(&'static str, Option<u64>); 3] {
        ["polls", "steals", "parks"].map(|what| {
            let name = format!("heist_worker_{what}_total");
            (what, self.after.since(&self.before, &name, worker))
        })
    }

    fn json(&self) -> Value {
        let report = &self.report;
        let errors = report.errors.by_kind();
        let workers = (0..self.workers).map(|worker| {
            let counters = self.counters(worker);
            Value::Object(
                counters
                    .map(|(name, count)| (name.to_owned(), json!(count)))
                    .into_iter()
                    .collect(),
            )
        });
        json!({
            "seconds": report.elapsed.as_secs_f64(),
            "connections": self.connections,
            "requests": report.requests(),
            "errors": errors.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "requests_per_second": report.per_second(),
            "latency_us": {
                "p50": report.latency_ns(0.5) as f64 / 1e3,
                "p99": report.latency_ns(0.99) as f64 / 1e3,
                "p99.9": report.latency_ns(0.999) as f64 / 1e3,
            },
            "cpu_us_per_request": self.cpu_per_request().as_secs_f64() * 1e6,
            "peak_memory_bytes": self.peak_memory,
            "workers": workers.collect::<Vec<_>>(),
        })
    }
}

/// A line that is rewritten in place on a terminal, and one line per second elsewhere.
struct Progress {
    in_place: bool,
}

impl Progress {
    fn new() -> Progress {
        Progress {
            in_place: std::io::stdout().is_terminal(),
        }
    }

    fn show(&mut self, tick: Tick) {
        let line = format!(
            "{:>4.0} s  {:>9} req/s  p99 {:>9}  {} errors",
            tick.elapsed.as_secs_f64(),
            grouped(tick.per_second as u64),
            nanos(tick.p99_ns),
            tick.errors,
        );
        if self.in_place {
            print!("\r{line:<60}");
            // Progress that cannot be shown is no reason to stop.
            let _ = std::io::stdout().flush();
        } else {
            println!("{line}");
        }
    }

    fn end(&mut self) {
        if self.in_place {
            print!("\r{:<60}\r", "");
            let _ = std::io::stdout().flush();
        }
    }
}

/// Keeps the server up until Ctrl-C, which here is the way to end well.
fn serve(server: &mut Server) -> anyhow::Result<()> {
    let at = format!("http://{}", server.addr);
    println!(
        "still serving; try, and end it with Ctrl-C:\n\
         \x20 curl {at}/\n\
         \x20 curl {at}/json\n\
         \x20 curl -w '%{{time_total}} s\\n' {at}/sleep/250\n\
         \x20 curl -N {at}/stream\n\
         \x20 curl --data-binary @Cargo.toml {at}/echo\n\
         \x20 curl {at}/metrics"
    );
    let since = Instant::now();
    match server.wait() {
        Ok(_) => bail!("the server ended by itself after {:?}", since.elapsed()),
        Err(error) if error.is::<Interrupted>() => Ok(()),
        Err(error) => Err(error),
    }
}
