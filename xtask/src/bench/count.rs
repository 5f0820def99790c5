//! What noise cannot touch: user instructions, atomic read-modify-writes and system calls per
//! operation. Counted in runs of their own, never while time is taken: an open counter makes every
//! thread switch dearer by more than a wake costs.
//!
//! Each count is the difference of two runs, one with twice the operations, over the difference in
//! operations: what start and end of the program cost cancels out. Instructions and RMWs are
//! counted by valgrind's callgrind, on one worker (but on all of them in the rows about many), which
//! makes them repeatable; system calls by the kernel's tracepoint, through `perf stat`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::row::{Count, INSTRUCTIONS, Load, Peer, RMWS, Row, SYSCALLS};
use super::run::{self, Programs, Sample};
use crate::load;
use crate::process;
use crate::server::Server;

/// One thing to count.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) row: Row,
    pub(crate) peer: Peer,
    tool: Tool,
    count: Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Callgrind,
    Perf,
}

impl Tool {
    /// Whether it is there and works.
    fn check(self) -> Result<(), &'static str> {
        let (mut command, missing) = match self {
            Tool::Callgrind => (
                Command::new("valgrind"),
                "instructions are not counted: there is no valgrind (apt-get install valgrind)",
            ),
            Tool::Perf => (
                Command::new("perf"),
                "system calls are not counted: that takes perf (apt-get install linux-perf) and root",
            ),
        };
        match self {
            Tool::Callgrind => command.arg("--version"),
            Tool::Perf => command.args(["stat", "-e", SYSCALL_EVENT, "true"]),
        };
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        match quiet.status() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(missing),
        }
    }

    /// The command that runs a program and writes its counts to `log`.
    fn words(self, log: &Path) -> Vec<String> {
        let log = log.display();
        let words: &[String] = match self {
            Tool::Callgrind => &[
                // Whatever else this user's environment tells the allocator or the loader.
                "env".to_owned(),
                "-i".to_owned(),
                format!("PATH={}", std::env::var("PATH").unwrap_or_default()),
                "valgrind".to_owned(),
                "--tool=callgrind".to_owned(),
                // The events that cost a processor the bus: locked instructions.
                "--collect-bus=yes".to_owned(),
                // Threads take turns instead of racing for the simulator.
                "--fair-sched=yes".to_owned(),
                "--callgrind-out-file=/dev/null".to_owned(),
                format!("--log-file={log}"),
            ],
            Tool::Perf => &[
                "perf".to_owned(),
                "stat".to_owned(),
                format!("--output={log}"),
                format!("--event={SYSCALL_EVENT}"),
                "--field-separator=,".to_owned(),
                "--".to_owned(),
            ],
        };
        words.to_vec()
    }

    /// The counts in its log, by name.
    fn parse(self, log: &str) -> Option<Sample> {
        match self {
            Tool::Callgrind => {
                let line = log
                    .lines()
                    .find_map(|line| line.split_once("Collected :"))?;
                let mut counts = line.1.split_whitespace().map(str::parse);
                let mut next = || counts.next()?.ok();
                Some(named([(INSTRUCTIONS.key, next()?), (RMWS.key, next()?)]))
            }
            Tool::Perf => {
                let line = log.lines().find(|line| line.contains(SYSCALL_EVENT))?;
                let count = line.split(',').next()?.parse().ok()?;
                Some(named([(SYSCALLS.key, count)]))
            }
        }
    }
}

/// Installs valgrind if it is missing, as root on a system with apt.
///
/// # Errors
/// Says why it cannot.
pub(crate) fn provide_valgrind() -> anyhow::Result<()> {
    let check = || Tool::Callgrind.check().map_err(anyhow::Error::msg);
    let Err(missing) = check() else { return Ok(()) };
    if !rustix::process::geteuid().is_root() {
        return Err(missing.context("only root can install it"));
    }
    println!("there is no valgrind: installing it");
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        process::run(&command, INSTALL_LIMIT)
    };
    let install = || {
        apt(&[
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "valgrind",
        ])
    };
    install()
        .or_else(|_| apt(&["update", "-qq"]).and_then(|()| install()))
        .context("valgrind cannot be installed")?;
    check()
}

fn named<const N: usize>(counts: [(&str, f64); N]) -> Sample {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

/// What can be counted of these rows and peers; and why some cannot be.
pub(crate) fn jobs(
    rows: &[Row],
    peers: &[Peer],
    instructions_only: bool,
) -> (Vec<Job>, Vec<&'static str>) {
    let (mut jobs, mut missing) = (Vec::new(), Vec::new());
    let tools = [Tool::Callgrind, Tool::Perf];
    for &tool in &tools[..if instructions_only { 1 } else { 2 }] {
        if let Err(what) = tool.check() {
            missing.push(what);
            continue;
        }
        for row in rows {
            let is_shown = row.metrics.iter().any(|metric| match tool {
                Tool::Callgrind => metric.key == INSTRUCTIONS.key,
                Tool::Perf => metric.key == SYSCALLS.key,
            });
            let Some(count) = row.count.filter(|_| is_shown) else {
                continue;
            };
            jobs.extend(
                peers
                    .iter()
                    .filter(|peer| row.has(**peer))
                    .map(|&peer| Job {
                        row: row.clone(),
                        peer,
                        tool,
                        count,
                    }),
            );
        }
    }
    (jobs, missing)
}

/// Counts all of it, as many at a time as there are processors: counts do not mind the noise. Calls
/// `progress` after each.
pub(crate) fn run(
    programs: &Programs,
    jobs: &[Job],
    progress: impl Fn() + Sync,
) -> Vec<(Job, anyhow::Result<Sample>)> {
    let queue = Mutex::new(jobs.iter());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let job = queue.lock().expect("no holder panics").next();
                    let Some(job) = job else { break };
                    let result = job.run(programs);
                    results
                        .lock()
                        .expect("no holder panics")
                        .push((job.clone(), result));
                    progress();
                }
            });
        }
    });
    results.into_inner().expect("no holder panics")
}

impl Job {
    fn run(&self, programs: &Programs) -> anyhow::Result<Sample> {
        let (ops, small) = self.total(programs, self.count.ops)?;
        let (more_ops, large) = self.total(programs, 2 * self.count.ops)?;
        let per_op = |(name, count): (String, f64)| {
            let before = small.get(&name).copied().unwrap_or(0.0);
            (name, (count - before) / (more_ops - ops))
        };
        Ok(large.into_iter().map(per_op).collect())
    }

    /// How many operations a whole process did, and its counts.
    fn total(&self, programs: &Programs, ops: u64) -> anyhow::Result<(f64, Sample)> {
        let log = self.log();
        let mut row = self.row.clone();
        let served = matches!(row.load, Load::Clients { .. });
        if !served {
            row.load = Load::Ops(ops);
        }
        let workers = if self.tool == Tool::Callgrind && row.workers == 2 {
            1
        } else {
            row.workers
        };
        let mut words = self.tool.words(&log);
        words.extend(programs.words(&row, self.peer, workers));
        words.push("--counted".to_owned());
        if self.tool == Tool::Callgrind {
            // They go by the clock, which runs thirty times faster there.
            words.push("--no-busy-waits".to_owned());
        }
        let command = run::command(&words);
        let done = if served {
            serve(&command, &row, ops)?
        } else {
            last_ops(&command)?
        };
        let text =
            fs::read_to_string(&log).with_context(|| format!("no counts in {}", log.display()))?;
        // It is in the way of nobody if this fails.
        let _ = fs::remove_file(&log);
        let counts = self.tool.parse(&text);
        Ok((
            done,
            counts.with_context(|| format!("unknown output of {:?}: {text}", self.tool))?,
        ))
    }

    fn log(&self) -> PathBuf {
        let name = format!(
            "heist-bench-{}-{}-{}-{:?}.log",
            std::process::id(),
            self.row.name,
            self.peer.name(),
            self.tool
        );
        std::env::temp_dir().join(name)
    }
}

/// Runs a workload that measures itself; how many operations it did.
fn last_ops(command: &Command) -> anyhow::Result<f64> {
    let mut last = String::new();
    process::run_lines(command, LIMIT, |line| line.clone_into(&mut last))?;
    let sample: Sample = serde_json::from_str(&last).context("no figures in its last line")?;
    sample
        .get("ops")
        .copied()
        .context("its figures name no operations")
}

/// Runs a server and sends it so many requests.
fn serve(command: &Command, row: &Row, requests: u64) -> anyhow::Result<f64> {
    let server = Server::start(command)?;
    let target = run::target(row, &server)?;
    let mut plan = run::plan(row, LIMIT);
    plan.requests = requests;
    let report = load::run(&target, plan, |_| {})?;
    server.interrupt()?;
    run::failed(&report)?;
    match report.requests() {
        0 => bail!("no request was answered"),
        _ => Ok(requests as f64),
    }
}

const INSTALL_LIMIT: Duration = Duration::from_secs(120);

const SYSCALL_EVENT: &str = "raw_syscalls:sys_enter";

/// The slowest count takes a fraction of this.
const LIMIT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
