//! A server under load: started as a guarded child, found by the line it prints once it listens,
//! measured from outside through `/proc` and from inside through its `/metrics`.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::load::http;
use crate::process::{self, Guarded};
use crate::signals;

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    process: Guarded,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// Starts `program --addr ADDR --workers N` and waits for its `listening on ADDR`.
    pub(crate) fn start(program: &Path, addr: &str, workers: usize) -> anyhow::Result<Server> {
        let mut command = Command::new(program);
        command.args(["--addr", addr, "--workers", &workers.to_string()]);
        let (mut process, stdout) = Guarded::spawn_piped(&command)?;
        let lines = process::lines(stdout);
        let deadline = Instant::now() + START_LIMIT;
        loop {
            signals::check()?;
            match lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => {
                    if let Some(addr) = listening(&line) {
                        return Ok(Server { process, addr });
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = process.wait(START_LIMIT)?;
                    bail!("the server {} before it listened", process::ended(status));
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() >= deadline => {
                    bail!("the server printed no `listening on ADDR` within {START_LIMIT:?}");
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// User and system CPU time it has used so far, in steps of a clock tick (10 ms).
    pub(crate) fn cpu_time(&self) -> anyhow::Result<Duration> {
        let stat = self.proc_file("stat")?;
        // The name in parentheses may hold anything, so count fields from its end.
        let fields = stat.rsplit_once(") ").map(|(_, tail)| tail.split(' '));
        let ticks: u64 = fields
            .context("unknown format of /proc/PID/stat")?
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
    }

    /// The most memory it has held at a time, in bytes.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: Option<u64> = kib.and_then(|kib| kib.parse().ok());
        Ok(kib.context("no VmHWM in /proc/PID/status")? * 1024)
    }

    /// What its `/metrics` say.
    pub(crate) fn metrics(&self) -> anyhow::Result<Metrics> {
        let body = http::get(self.addr, "/metrics")?;
        Ok(Metrics::parse(&String::from_utf8_lossy(&body)))
    }

    /// Waits until it ends by itself or a signal comes.
    pub(crate) fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            signals::check()?;
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks it to end (SIGTERM) and fails unless it does so by itself and well.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let status = self.process.stop(STOP_LIMIT)?;
        if !status.success() {
            bail!("asked to end, the server {}", process::ended(status));
        }
        Ok(())
    }

    fn proc_file(&self, name: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{name}", self.process.id());
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    }
}

/// The address in a line `listening on ADDR` (or `… on http://ADDR`).
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, addr) = line.split_once("listening on ")?;
    addr.trim().trim_start_matches("http://").parse().ok()
}

/// Counters by name and worker, from the Prometheus text format.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    per_worker: BTreeMap<(String, usize), u64>,
}

impl Metrics {
    fn parse(text: &str) -> Metrics {
        let per_worker = text.lines().filter_map(|line| {
            let (name, rest) = line.split_once("{worker=\"")?;
            let (worker, value) = rest.split_once("\"}")?;
            let value: f64 = value.trim().parse().ok()?;
            Some(((name.to_owned(), worker.parse().ok()?), value as u64))
        });
        Metrics {
            per_worker: per_worker.collect(),
        }
    }

    /// How much a worker's counter grew since an earlier reading; `None` if there is no such one.
    pub(crate) fn since(&self, earlier: &Metrics, name: &str, worker: usize) -> Option<u64> {
        let key = (name.to_owned(), worker);
        let before = earlier.per_worker.get(&key).copied().unwrap_or(0);
        Some(self.per_worker.get(&key)?.saturating_sub(before))
    }
}

const START_LIMIT: Duration = Duration::from_secs(10);

/// More than any server's own grace for what is in flight.
const STOP_LIMIT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests;
