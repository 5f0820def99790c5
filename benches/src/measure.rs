//! What a run costs this process: wall time, CPU time of all threads, context switches; and what is
//! made of samples.
//!
//! A workload has one root task, or with thread-per-core peers one per thread. All roots pass
//! [`Gate::start`] and [`Gate::stop`] together, so that warm-up and the runtime's own start stay out
//! of the figures.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// What the process had used at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    at: Instant,
    cpu: ProcessTime,
    switches: u64,
}

/// What it used between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Time that went by.
    pub(crate) wall: Duration,
    /// CPU time of all threads, user and system.
    pub(crate) cpu: Duration,
    /// Context switches of all threads that still live, voluntary and not.
    pub(crate) switches: u64,
}

impl Usage {
    /// Reads the clocks; the slow reading (of switches) comes first, outside of the time measured.
    pub(crate) fn start() -> Usage {
        let switches = switches(|_| true);
        let cpu = ProcessTime::now();
        Usage {
            at: Instant::now(),
            cpu,
            switches,
        }
    }

    /// What was used since.
    pub(crate) fn stop(self) -> Used {
        let wall = self.at.elapsed();
        let cpu = self.cpu.elapsed();
        Used {
            wall,
            cpu,
            switches: switches(|_| true).saturating_sub(self.switches),
        }
    }
}

/// Context switches so far of those threads whose id `counts`.
pub(crate) fn switches(counts: impl Fn(u32) -> bool) -> u64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    let of_thread = |id: u32| {
        // A thread may have ended since it was listed.
        let status = fs::read_to_string(format!("/proc/self/task/{id}/status")).unwrap_or_default();
        let lines = status.lines().filter_map(|line| line.split_once(':'));
        let switches = lines.filter(|(key, _)| key.ends_with("ctxt_switches"));
        switches
            .filter_map(|(_, count)| count.trim().parse::<u64>().ok())
            .sum::<u64>()
    };
    let ids = threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|&id| counts(id)).map(of_thread).sum()
}

/// Resident memory of the process, in bytes.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The line around what is measured, for one or more roots.
#[derive(Debug)]
pub(crate) struct Gate {
    barrier: Barrier,
    usage: Mutex<(Option<Usage>, Option<Used>)>,
}

impl Gate {
    /// For so many roots.
    pub(crate) fn new(roots: usize) -> Gate {
        Gate {
            barrier: Barrier::new(roots),
            usage: Mutex::new((None, None)),
        }
    }

    /// Blocks until all roots are here, then starts the clocks. With several roots each has a thread
    /// of its own, which is why a task may block here.
    pub(crate) fn start(&self) {
        if self.barrier.wait().is_leader() {
            self.usage.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(Usage::start());
        }
        self.barrier.wait();
    }

    /// Blocks until all roots are done, then reads the clocks.
    pub(crate) fn stop(&self) {
        if self.barrier.wait().is_leader() {
            let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
            usage.1 = usage.0.map(Usage::stop);
        }
        self.barrier.wait();
    }

    /// What was used between the two.
    ///
    /// # Panics
    /// If the roots did not pass both.
    pub(crate) fn used(&self) -> Used {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.1.expect("every root passes start and stop")
    }
}

/// The figures of one run, by name; the unit ends the name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome(BTreeMap<&'static str, f64>);

impl Outcome {
    /// The cost of `ops` operations, each figure per operation.
    pub(crate) fn per_op(ops: u64, used: Used) -> Outcome {
        let per_op = |value: f64| value / ops as f64;
        Outcome::default()
            .with("ops", ops as f64)
            .with("wall_ns", per_op(used.wall.as_nanos() as f64))
            .with("cpu_ns", per_op(used.cpu.as_nanos() as f64))
            .with("switches", per_op(used.switches as f64))
    }

    /// Adds one figure.
    pub(crate) fn with(mut self, name: &'static str, value: f64) -> Outcome {
        self.0.insert(name, value);
        self
    }

    /// Adds the quantiles of latencies, in microseconds.
    pub(crate) fn with_latency(self, mut samples: Vec<Duration>) -> Outcome {
        samples.sort_unstable();
        let at = |q: f64| {
            let rank = (samples.len() as f64 * q).ceil() as usize;
            let sample = samples.get(rank.clamp(1, samples.len().max(1)) - 1);
            sample.map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e6)
        };
        let quantiles = [at(0.5), at(0.99), at(0.999), at(1.0)];
        let names = ["p50_us", "p99_us", "p999_us", "max_us"];
        let named = names.into_iter().zip(quantiles);
        named.fold(self, |outcome, (name, value)| outcome.with(name, value))
    }

    /// One line of JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::json!(self.0).to_string()
    }
}
