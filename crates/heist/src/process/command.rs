//! [`Command`]: what to run, and how.

use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command as StdCommand, ExitStatus, Output, Stdio};

use super::child::Child;
use super::exit::{Bell, Exit};
use super::orphan;
use super::stdio::{ChildStderr, ChildStdin, ChildStdout};
use crate::runtime::Handle;

/// A process to be started. Unix only.
///
/// Its methods are those of [`std::process::Command`]. What they leave out, such as the unsafe
/// `pre_exec`, is reached through [`as_std_mut`](Self::as_std_mut).
///
/// # Examples
///
/// ```
/// # #[heist::main] async fn main() -> std::io::Result<()> {
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
/// use heist::process::Command;
/// use std::process::Stdio;
///
/// let mut cat = Command::new("cat")
///     .stdin(Stdio::piped())
///     .stdout(Stdio::piped())
///     .kill_on_drop(true)
///     .spawn()?;
/// let mut stdin = cat.stdin.take().expect("piped");
/// stdin.write_all(b"loot").await?;
/// drop(stdin);
/// let output = cat.wait_with_output().await?;
/// assert_eq!(output.stdout, b"loot");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Command {
    std: StdCommand,
    kill_on_drop: bool,
}

impl Command {
    /// Runs `program`, looked up in `PATH`, without arguments, with this process's environment,
    /// directory and standard streams.
    pub fn new<S: AsRef<OsStr>>(program: S) -> Self {
        StdCommand::new(program).into()
    }

    /// Returns the standard library's command inside.
    pub fn as_std(&self) -> &StdCommand {
        &self.std
    }

    /// Returns the standard library's command inside.
    pub fn as_std_mut(&mut self) -> &mut StdCommand {
        &mut self.std
    }

    /// Returns the standard library's command inside.
    pub fn into_std(self) -> StdCommand {
        self.std
    }

    /// Adds an argument.
    pub fn arg<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Self {
        self.std.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<I, S>(&mut self, args: I) -> &mut Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.std.args(args);
        self
    }

    /// Sets a variable of the child's environment.
    pub fn env<K, V>(&mut self, key: K, value: V) -> &mut Self
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.env(key, value);
        self
    }

    /// Sets variables of the child's environment.
    pub fn envs<I, K, V>(&mut self, vars: I) -> &mut Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(vars);
        self
    }

    /// Takes a variable out of the child's environment.
    pub fn env_remove<K: AsRef<OsStr>>(&mut self, key: K) -> &mut Self {
        self.std.env_remove(key);
        self
    }

    /// Lets the child inherit no variables.
    pub fn env_clear(&mut self) -> &mut Self {
        self.std.env_clear();
        self
    }

    /// Sets the child's working directory.
    pub fn current_dir<P: AsRef<Path>>(&mut self, dir: P) -> &mut Self {
        self.std.current_dir(dir);
        self
    }

    /// Sets what the child's standard input is: inherited by default.
    pub fn stdin<T: Into<Stdio>>(&mut self, stdio: T) -> &mut Self {
        self.std.stdin(stdio);
        self
    }

    /// Sets what the child's standard output is: inherited by default.
    pub fn stdout<T: Into<Stdio>>(&mut self, stdio: T) -> &mut Self {
        self.std.stdout(stdio);
        self
    }

    /// Sets what the child's standard error is: inherited by default.
    pub fn stderr<T: Into<Stdio>>(&mut self, stdio: T) -> &mut Self {
        self.std.stderr(stdio);
        self
    }

    /// Sets whether dropping the [`Child`] ends the process with `SIGKILL`. Off by default.
    pub fn kill_on_drop(&mut self, kill_on_drop: bool) -> &mut Self {
        self.kill_on_drop = kill_on_drop;
        self
    }

    /// Whether dropping the [`Child`] ends the process.
    pub fn get_kill_on_drop(&self) -> bool {
        self.kill_on_drop
    }

    /// Sets the user the child runs as. Also drops supplementary groups, if this process may.
    pub fn uid(&mut self, id: u32) -> &mut Self {
        self.std.uid(id);
        self
    }

    /// Sets the group the child runs as.
    pub fn gid(&mut self, id: u32) -> &mut Self {
        self.std.gid(id);
        self
    }

    /// Sets the child's first argument, by custom its name.
    pub fn arg0<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Self {
        self.std.arg0(arg);
        self
    }

    /// Sets the process group of the child; 0 makes it the first of its own, out of reach of the
    /// terminal's Ctrl-C.
    pub fn process_group(&mut self, group: i32) -> &mut Self {
        self.std.process_group(group);
        self
    }

    /// Starts the process.
    ///
    /// The calling thread waits until the child has begun to run its program, about a millisecond.
    ///
    /// # Errors
    ///
    /// Those of fork(2) and execve(2), such as `NotFound`; or when the system has no descriptors
    /// left to watch the child, which is ended then.
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.spawn_with(StdCommand::spawn)
    }

    /// As [`spawn`](Self::spawn), with a function that starts the standard library's command.
    ///
    /// # Errors
    ///
    /// Those of `with`, and as [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    #[track_caller]
    pub fn spawn_with(
        &mut self,
        with: impl FnOnce(&mut StdCommand) -> io::Result<std::process::Child>,
    ) -> io::Result<Child> {
        orphan::reap();
        // Before the child is there, lest the panic about a missing runtime leave one behind.
        let home = Handle::current();
        let mut child = with(&mut self.std)?;
        match watch(&mut child) {
            Ok((bell, stdin, stdout, stderr)) => {
                let exit = Exit::new(child, bell, home, self.kill_on_drop);
                Ok(Child::new(exit, stdin, stdout, stderr))
            }
            Err(error) => {
                // Nobody could wait for it. The kill fails if it is gone already.
                let _ = child.kill();
                orphan::leave(child);
                Err(error)
            }
        }
    }

    /// Starts the process and waits for its end. Pipes to it, if any were asked for, are closed at
    /// once.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn) and [`Child::wait`].
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the [`Child`]: it runs on, or ends with
    /// [`kill_on_drop`](Self::kill_on_drop).
    #[track_caller]
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + use<> {
        let child = self.spawn();
        async {
            let mut child = child?;
            drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
            child.wait().await
        }
    }

    /// Starts the process, waits for its end and collects its output and error, whatever was set
    /// for these two.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn) and [`Child::wait_with_output`].
    ///
    /// # Panics
    ///
    /// When the calling thread is not inside a runtime.
    ///
    /// # Cancel safety
    ///
    /// As [`status`](Self::status); what was read is lost.
    #[track_caller]
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> + use<> {
        self.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.spawn();
        async { child?.wait_with_output().await }
    }
}

/// What a child is watched and talked to with.
type Ends = (
    Bell,
    Option<ChildStdin>,
    Option<ChildStdout>,
    Option<ChildStderr>,
);

fn watch(child: &mut std::process::Child) -> io::Result<Ends> {
    Ok((
        Bell::new(child)?,
        child.stdin.take().map(ChildStdin::from_std).transpose()?,
        child.stdout.take().map(ChildStdout::from_std).transpose()?,
        child.stderr.take().map(ChildStderr::from_std).transpose()?,
    ))
}

impl From<StdCommand> for Command {
    fn from(std: StdCommand) -> Self {
        Self {
            std,
            kill_on_drop: false,
        }
    }
}
