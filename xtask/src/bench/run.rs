//! One run of one row by one peer: a fresh process, its figures.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::row::{Load, Peer, Row};
use crate::cargo::{self, cargo};
use crate::load::{self, Plan, Report, Target};
use crate::process;
use crate::server::Server;

/// The figures of one run, by name.
pub(crate) type Sample = BTreeMap<String, f64>;

/// The built programs.
#[derive(Debug)]
pub(crate) struct Programs {
    heist: PathBuf,
    peers: Option<PathBuf>,
}

impl Programs {
    /// Builds what these peers need. Heist gets a program of its own, built as its users would:
    /// with the rivals beside it, features that they ask of common dependencies would change it.
    pub(crate) fn build(peers: &[Peer]) -> anyhow::Result<Programs> {
        let build = |name: &str, features: &[&str]| {
            let mut command = cargo(&["build", "--release", "--package", "heist-benches"]);
            command.args(features);
            let built = cargo::build(command)?
                .pop()
                .context("cargo built no bench-run")?;
            // The next build would replace it.
            let path = built.path.with_file_name(format!("bench-run-{name}"));
            std::fs::copy(&built.path, &path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok(path)
        };
        let rivals = peers.iter().any(|peer| !peer.is_heist());
        Ok(Programs {
            peers: rivals
                .then(|| build("peers", &["--no-default-features", "--features", "peers"]))
                .transpose()?,
            heist: build("heist", &[])?,
        })
    }

    /// The arguments that run this row on this peer, program first.
    pub(crate) fn words(&self, row: &Row, peer: Peer, workers: usize) -> Vec<String> {
        let program = match (&self.peers, peer) {
            (Some(path), peer) if !peer.is_heist() => path,
            _ => &self.heist,
        };
        let program = program.to_string_lossy().into_owned();
        let mut words = vec![program, peer.name().to_owned(), row.workload.to_owned()];
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        option("--workers", workers.to_string());
        option("--width", row.width.to_string());
        match row.load {
            Load::Ops(ops) => option("--ops", ops.to_string()),
            Load::Seconds(seconds) => option("--seconds", seconds.to_string()),
            Load::Clients { .. } | Load::Held(_) => {}
        }
        words
    }

    /// Runs it once.
    pub(crate) fn sample(&self, row: &Row, peer: Peer) -> anyhow::Result<Sample> {
        let words = self.words(row, peer, row.workers);
        match row.load {
            Load::Ops(_) | Load::Seconds(_) => by_itself(&command(&words)),
            Load::Held(connections) => held(&command(&words), connections),
            Load::Clients { seconds, .. } => {
                let server = Server::start(&command(&words))?;
                let target = target(row, &server)?;
                let mut plan = plan(row, Duration::from_secs_f64(seconds));
                plan.duration = plan.duration.div_f64(5.0).min(WARM_UP);
                load::run(&target, plan, |_| {})?;
                plan.duration = Duration::from_secs_f64(seconds);
                served(row, server, &target, plan)
            }
        }
    }
}

/// A command from its words.
pub(crate) fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// What the load generator sends to the server of this row.
pub(crate) fn target(row: &Row, server: &Server) -> anyhow::Result<Target> {
    Ok(match row.workload {
        "http" => Target::probe(server.addr, "/")?,
        "accept_close" => Target::close(server.addr),
        _ => Target::echo(server.addr, if row.width > BUFFER { BULK } else { 64 }),
    })
}

/// How the load generator drives the server of this row.
pub(crate) fn plan(row: &Row, duration: Duration) -> Plan {
    let (connections, every) = match row.load {
        Load::Clients {
            connections, every, ..
        } => (connections, every),
        _ => (1, None),
    };
    Plan {
        every,
        ..Plan::lasting(connections, duration)
    }
}

/// A workload that measures itself: its last line is the sample.
fn by_itself(command: &Command) -> anyhow::Result<Sample> {
    let mut last = String::new();
    process::run_lines(command, LIMIT, |line| line.clone_into(&mut last))?;
    serde_json::from_str(&last).with_context(|| format!("no figures in its last line `{last}`"))
}

/// A server under load.
fn served(row: &Row, server: Server, target: &Target, plan: Plan) -> anyhow::Result<Sample> {
    let blocker = (row.workload == "blocked")
        .then(|| Blocker::start(server.addr))
        .transpose()?;
    let (cpu, switches) = (server.cpu_time()?, server.switches()?);
    let report = load::run(target, plan, |_| {})?;
    let cpu = server.cpu_time()?.saturating_sub(cpu).as_secs_f64();
    let switches = server.switches()?.saturating_sub(switches);
    drop(blocker);
    server.interrupt()?;
    failed(&report)?;
    let requests = report.requests().max(1) as f64;
    let latency = |q| report.latency_ns(q) as f64 / 1e3;
    // There and back.
    let megabytes = 2.0 * requests * BULK as f64 / 1e6;
    // Each connection can be held up once by each block; a block comes every other second.
    let blocks = (plan.duration.as_secs_f64() / 2.0).max(1.0) * plan.connections as f64;
    let stalled = report.slower_than(STALL.as_nanos() as u64) as f64;
    let mut sample = Sample::new();
    let mut put = |name: &str, value: f64| sample.insert(name.to_owned(), value);
    put("per_second", report.per_second());
    put("cpu_us", cpu * 1e6 / requests);
    put("switches", switches as f64 / requests);
    for (name, q) in [
        ("p50_us", 0.5),
        ("p99_us", 0.99),
        ("p999_us", 0.999),
        ("max_us", 1.0),
    ] {
        put(name, latency(q));
    }
    match row.workload {
        "blocked" => drop(put("stalled", 100.0 * stalled / blocks)),
        "tcp_echo" if row.width > BUFFER => {
            put("mb_per_cpu_s", megabytes / cpu);
            put("mb_per_s", megabytes / report.elapsed.as_secs_f64());
        }
        _ => {}
    }
    Ok(sample)
}

/// A client whose request blocks the worker that serves it for a second, every other second, until it
/// is dropped.
struct Blocker(TcpStream);

impl Blocker {
    fn start(addr: SocketAddr) -> anyhow::Result<Blocker> {
        let mut stream = TcpStream::connect(addr).context("cannot connect")?;
        let blocker = Blocker(stream.try_clone()?);
        thread::spawn(move || {
            let mut message = [BLOCK];
            // Until the connection is shut down.
            while stream.write_all(&message).is_ok() && stream.read_exact(&mut message).is_ok() {
                thread::sleep(Duration::from_secs(1));
            }
        });
        Ok(blocker)
    }
}

impl Drop for Blocker {
    fn drop(&mut self) {
        // If that fails, it is shut down already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Fails if anything went wrong.
pub(crate) fn failed(report: &Report) -> anyhow::Result<()> {
    match report.errors.total() {
        0 => Ok(()),
        errors => bail!("{errors} requests failed: {:?}", report.errors),
    }
}

/// A server that holds connections, each of which has asked once.
fn held(command: &Command, connections: usize) -> anyhow::Result<Sample> {
    let server = Server::start(command)?;
    // What the first ones cost is not what a connection costs.
    let mut streams = Vec::new();
    open(&server, &mut streams, 100)?;
    thread::sleep(SETTLE);
    let before = server.memory()?;
    open(&server, &mut streams, connections)?;
    thread::sleep(SETTLE);
    let grown = server.memory()?.saturating_sub(before);
    server.interrupt()?;
    let bytes = grown as f64 / connections as f64;
    Ok(Sample::from([("bytes".to_owned(), bytes)]))
}

fn open(server: &Server, streams: &mut Vec<TcpStream>, count: usize) -> anyhow::Result<()> {
    let mut message = [7; 64];
    for _ in 0..count {
        let mut stream = TcpStream::connect(server.addr)
            .context("cannot connect (`ulimit -n` must allow 12000 descriptors)")?;
        stream.set_read_timeout(Some(WARM_UP * 20))?;
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        streams.push(stream);
    }
    Ok(())
}

/// What an echo server reads into, in bytes: more than a message, as in life. A read that fills its
/// buffer must be followed by another one.
pub(crate) const BUFFER: usize = 1024;

/// A message of the bulk row, in bytes.
const BULK: usize = 256 * 1024;

/// What an echo server of the row `blocked` takes for a request to block.
const BLOCK: u8 = 255;

/// Who waits longer was held up by somebody.
const STALL: Duration = Duration::from_millis(100);

const WARM_UP: Duration = Duration::from_millis(300);

/// For what is still under way in a server that holds connections.
const SETTLE: Duration = Duration::from_millis(100);

/// The slowest run takes a fraction of this.
const LIMIT: Duration = Duration::from_secs(90);
