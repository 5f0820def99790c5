//! Child processes that never outlive us.
//!
//! A [`Guarded`] child leads its own process group, so one kill reaches everything it started, and
//! its destructor stops that group: on return, on error, on panic, and on Ctrl-C (the
//! [`signals`] turn it into an error). For the one exit that runs no destructor,
//! SIGKILL, the child is started through ourselves (`xtask __child`): [`become_child`] asks the
//! kernel for SIGTERM at our death and then execs the real program. Doing it between fork and exec
//! would need unsafe code.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::signals;

/// A running child and everything it started; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Guarded {
    child: Child,
    name: String,
    status: Option<ExitStatus>,
}

impl Guarded {
    /// Starts `command` as the leader of its own process group, with no standard input.
    pub(crate) fn spawn(command: &Command) -> anyhow::Result<Guarded> {
        Self::spawn_with(command, Stdio::inherit(), Stdio::inherit())
    }

    /// As [`Guarded::spawn`], with standard output in a pipe.
    pub(crate) fn spawn_piped(command: &Command) -> anyhow::Result<(Guarded, ChildStdout)> {
        let mut guarded = Self::spawn_with(command, Stdio::piped(), Stdio::inherit())?;
        let stdout = guarded.child.stdout.take();
        Ok((guarded, stdout.expect("the pipe was asked for above")))
    }

    /// As [`Guarded::spawn`], with all that it prints in a file.
    pub(crate) fn spawn_into(command: &Command, output: File) -> anyhow::Result<Guarded> {
        let too = output.try_clone().context("cannot share a file")?;
        Self::spawn_with(command, output.into(), too.into())
    }

    fn spawn_with(command: &Command, stdout: Stdio, stderr: Stdio) -> anyhow::Result<Guarded> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = tied_to_us(command)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Guarded {
            child,
            name,
            status: None,
        })
    }

    /// The process id, which is also the id of its group.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, if the child has ended; whatever it left behind in its group is ended too.
    pub(crate) fn try_wait(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.status.is_none() && self.has_ended()? {
            // Before the child is reaped: until then nobody else can get the group's id.
            self.signal(Signal::KILL);
            let status = self.child.wait();
            self.status = Some(status.with_context(|| format!("cannot wait for {}", self.name))?);
        }
        Ok(self.status)
    }

    /// Whether the child has ended; it stays a zombie.
    fn has_ended(&self) -> anyhow::Result<bool> {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::Pid(self.pid()), how)
            .with_context(|| format!("cannot wait for {}", self.name))?;
        Ok(ended.is_some())
    }

    /// Waits until the child ends, `limit` is over or a signal comes; the latter two are errors
    /// and end the child's group.
    pub(crate) fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            signals::check()?;
            if Instant::now() >= deadline {
                self.stop(GRACE)?;
                bail!("{} did not end within {} s", self.name, limit.as_secs());
            }
            thread::sleep(POLL);
        }
    }

    /// Ends the group: SIGTERM, then SIGKILL for what is left after `grace`. Returns how the
    /// child ended; calling it again is harmless.
    pub(crate) fn stop(&mut self, grace: Duration) -> anyhow::Result<ExitStatus> {
        self.stop_with(Signal::TERM, grace)
    }

    /// As [`Guarded::stop`], with SIGINT first: as if by Ctrl-C.
    pub(crate) fn interrupt(&mut self, grace: Duration) -> anyhow::Result<ExitStatus> {
        self.stop_with(Signal::INT, grace)
    }

    fn stop_with(&mut self, first: Signal, grace: Duration) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        self.signal(first);
        let deadline = Instant::now() + grace;
        while self.try_wait()?.is_none() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        if let Some(status) = self.status {
            return Ok(status);
        }
        self.signal(Signal::KILL);
        let status = self.child.wait().context("cannot reap a killed child")?;
        self.status = Some(status);
        Ok(status)
    }

    fn signal(&self, signal: Signal) {
        // The only failure is ESRCH: nobody is left, which is what the caller wants.
        let _ = kill_process_group(self.pid(), signal);
    }

    fn pid(&self) -> Pid {
        let id = i32::try_from(self.child.id()).expect("the kernel's process ids are i32");
        Pid::from_raw(id).expect("a child's id is never 0")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Err(error) = self.stop(GRACE) {
            eprintln!("warning: {error:#}");
        }
    }
}

/// Runs `command` to its end, output passed through; ends it after `limit` or on a signal.
pub(crate) fn run(command: &Command, limit: Duration) -> anyhow::Result<()> {
    let status = Guarded::spawn(command)?.wait(limit)?;
    success(command, status)
}

/// As [`run`], handing every line of standard output to `on_line` as it comes.
pub(crate) fn run_lines(
    command: &Command,
    limit: Duration,
    mut on_line: impl FnMut(&str),
) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    let (mut child, stdout) = Guarded::spawn_piped(command)?;
    let lines = lines(stdout);
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => on_line(&line),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            // The pipe stays open while anyone in the group lives, so the child's end counts.
            Err(mpsc::RecvTimeoutError::Timeout) => drop(child.try_wait()?),
        }
        signals::check()?;
        if Instant::now() >= deadline {
            child.stop(GRACE)?;
            rest(&lines).for_each(|line| on_line(&line));
            bail!("no end within {} s: something hangs", limit.as_secs());
        }
    }
    let status = child.wait(deadline.saturating_duration_since(Instant::now()))?;
    success(command, status)
}

/// What an ended child printed last. The pipe may still be held by a process that left the group.
pub(crate) fn rest(lines: &mpsc::Receiver<String>) -> impl Iterator<Item = String> {
    std::iter::from_fn(|| lines.recv_timeout(Duration::from_millis(200)).ok())
}

/// Reads a pipe line by line on a thread of its own, which ends with the pipe.
pub(crate) fn lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n') {
            // A reader that went away must not block the child on a full pipe: read on.
            let Ok(line) = line else { break };
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    receiver
}

/// An error naming the command, unless it ended well.
fn success(command: &Command, status: ExitStatus) -> anyhow::Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(anyhow!("{} {}", shown(command), ended(status)))
}

/// How a process ended, in words.
pub(crate) fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

/// The command as one would type it: program without its directories, and arguments.
fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or_default().to_string_lossy()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy()));
    words.join(" ")
}

/// The same command, started through [`become_child`].
fn tied_to_us(command: &Command) -> Command {
    let mut tied = Command::new(OURSELVES);
    tied.arg(CHILD)
        .arg(std::process::id().to_string())
        .arg(command.get_program())
        .args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(key, value),
            None => tied.env_remove(key),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        tied.current_dir(directory);
    }
    tied
}

/// The body of `xtask __child PARENT PROGRAM ARGS…`: ties this process to its parent's life and
/// becomes PROGRAM. Returns only when that fails.
pub(crate) fn become_child(mut args: lexopt::Parser) -> anyhow::Result<ExitCode> {
    let mut words = args.raw_args()?;
    let parent = words.next().context("no parent id")?;
    let program = words.next().context("no program")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .context("cannot tie the child to its parent")?;
    let alive = rustix::process::getppid().is_some_and(|id| {
        // The parent may have died before the line above took effect.
        id.as_raw_nonzero().to_string() == parent.to_string_lossy()
    });
    if !alive {
        bail!("the parent is gone");
    }
    let error = Command::new(&program).args(words).exec();
    Err(error).with_context(|| format!("cannot start {}", program.to_string_lossy()))
}

/// The hidden command behind [`become_child`].
pub(crate) const CHILD: &str = "__child";

/// This very program, also after cargo has replaced its file.
const OURSELVES: &str = "/proc/self/exe";

/// How long a child may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// How often a waiting loop looks at the child and at the signal flag.
const POLL: Duration = Duration::from_millis(20);
