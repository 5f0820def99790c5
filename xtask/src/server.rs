//! A server under load: started as a guarded child, found by the line it prints once it listens,
//! measured from outside through `/proc` and from inside through its `/metrics`.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::Signal;

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
    /// Starts it and waits for its `listening on ADDR`.
    pub(crate) fn start(command: &Command) -> anyhow::Result<Server> {
        let (mut process, stdout) = Guarded::spawn_piped(command)?;
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

    /// CPU time that its living threads have used so far.
    pub(crate) fn cpu_time(&self) -> anyhow::Result<Duration> {
        let per_thread = self.per_thread("schedstat", |text| text.split(' ').next()?.parse().ok());
        Ok(Duration::from_nanos(per_thread?))
    }

    /// Context switches of its living threads so far, voluntary and not.
    pub(crate) fn switches(&self) -> anyhow::Result<u64> {
        self.per_thread("status", |text| {
            Some(
                field(text, "voluntary_ctxt_switches")?
                    + field(text, "nonvoluntary_ctxt_switches")?,
            )
        })
    }

    /// The memory it holds, in bytes.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        self.memory_field("VmRSS")
    }

    /// The most memory it has held at a time, in bytes.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        self.memory_field("VmHWM")
    }

    fn memory_field(&self, name: &str) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let kib = field(&status, name).with_context(|| format!("no {name} in {path}"))?;
        Ok(kib * 1024)
    }

    /// The sum of what `read` finds in this file of each thread.
    fn per_thread(&self, file: &str, read: impl Fn(&str) -> Option<u64>) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/task", self.process.id());
        let threads = fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?;
        let mut sum = 0;
        for thread in threads {
            let path = thread?.path().join(file);
            // A thread may have ended since it was listed.
            if let Ok(text) = fs::read_to_string(&path) {
                sum +=
                    read(&text).with_context(|| format!("unknown format: {}", path.display()))?;
            }
        }
        Ok(sum)
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
        ended_well(status)
    }

    /// As [`Server::stop`], with SIGINT, and to end by that is well too: SIGTERM would end a `perf stat`
    /// around the server before it has written anything, and SIGINT ends it afterwards.
    pub(crate) fn interrupt(mut self) -> anyhow::Result<()> {
        let status = self.process.interrupt(STOP_LIMIT)?;
        match status.signal() {
            Some(signal) if signal == Signal::INT.as_raw() => Ok(()),
            _ => ended_well(status),
        }
    }
}

fn ended_well(status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("asked to end, the server {}", process::ended(status));
    }
    Ok(())
}

/// The number in a line `name: 123 …` of a `status` file.
fn field(status: &str, name: &str) -> Option<u64> {
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| *key == name)?;
    value.split_whitespace().next()?.parse().ok()
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
