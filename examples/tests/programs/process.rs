//! Starts an example as a process of its own, and never leaves it behind.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// What takes longer hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running example; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Held open: a server must not see its stdout closed.
    _stdout: BufReader<ChildStdout>,
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// Starts `program` on a free port and waits until it says that it listens.
    pub(crate) fn start(program: &str, args: &[&str]) -> Self {
        let mut child = command(program, &["--addr", "127.0.0.1:0", "--workers", "2"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the example speaks");
        let addr = line
            .trim_end()
            .strip_prefix("listening on ")
            .map(str::parse);
        let addr = addr.and_then(Result::ok);
        let addr = addr.unwrap_or_else(|| panic!("not ready: {line:?}"));
        Self {
            child,
            _stdout: stdout,
            addr,
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("the example listens");
        stream
            .set_read_timeout(Some(DEADLINE))
            .expect("a good timeout");
        stream
            .set_write_timeout(Some(DEADLINE))
            .expect("a good timeout");
        stream.set_nodelay(true).expect("TCP has it");
        stream
    }

    /// Asks the server to end.
    pub(crate) fn terminate(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it runs");
    }

    /// Waits for the end that was asked for.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// How many descriptors the server holds.
    pub(crate) fn descriptors(&self) -> usize {
        let dir = format!("/proc/{}/fd", self.child.id());
        fs::read_dir(dir).expect("it runs").count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// Runs a program that is to end at once.
pub(crate) fn run(program: &str, args: &[&str]) -> Output {
    let mut child = command(program, args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example starts");
    wait(&mut child);
    child.wait_with_output().expect("it has ended")
}

/// Waits with a deadline; a child that does not end is killed.
fn wait(child: &mut Child) -> ExitStatus {
    let pid = Pid::from_child(child);
    let (done, over) = mpsc::channel::<()>();
    let guard = thread::spawn(move || {
        if over.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let status = child.wait().expect("it is our child");
    drop(done);
    guard.join().expect("it does not panic");
    status
}

/// Checks that `program` refuses `args` with one line on stderr, which it gives, and status `code`.
pub(crate) fn refusal(program: &str, args: &[&str], code: i32) -> String {
    let output = run(program, args);
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stdout.is_empty());
    text
}

/// What every example must do, whatever it serves.
pub(crate) fn check_start_and_end(program: &str, args: &[&str]) {
    let mut server = Server::start(program, args);
    let addr = server.addr.to_string();
    let taken = refusal(program, &[args, &["--addr", &addr]].concat(), 1);
    assert!(taken.contains(&addr) && taken.contains("in use"), "{taken}");
    let unknown = refusal(program, &[args, &["--colour", "red"]].concat(), 2);
    assert!(unknown.contains("unknown argument '--colour'"), "{unknown}");
    let workers = refusal(program, &[args, &["--workers", "0"]].concat(), 2);
    assert!(workers.contains("--workers"), "{workers}");
    server.terminate();
    assert!(server.wait().success());
}

/// Sends `request`, ends the sending side, reads to the end.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    let mut sender = stream.try_clone().expect("a second handle");
    let request = request.to_vec();
    let sending = thread::spawn(move || -> io::Result<()> {
        sender.write_all(&request)?;
        sender.shutdown(Shutdown::Write)
    });
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("an end of stream, no reset");
    sending.join().expect("no panic").expect("all is sent");
    answer
}
