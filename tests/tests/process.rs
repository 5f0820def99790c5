//! Child processes through the public API: every end is told, nothing stays behind.

use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use heist::io::{AsyncReadExt, AsyncWriteExt};
use heist::net::{TcpListener, TcpStream, UdpSocket, unix::pipe};
use heist::net::{UnixDatagram, UnixListener, UnixStream};
use heist::process::{Child, Command};
use heist::signal::unix::{SignalKind, signal};
use heist::time::{sleep, timeout};
use heist_tests::{deadline, multi};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn is_there(pid: u32) -> bool {
    std::fs::exists(format!("/proc/{pid}")).expect("procfs")
}

/// Descriptors of ours that a child would inherit, each with what it is.
fn inheritable() -> Vec<(String, String)> {
    const O_CLOEXEC: u32 = 0o2_000_000;
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fdinfo").expect("procfs") {
        let name = entry.expect("procfs").file_name();
        let name = name.into_string().expect("a number");
        // One that has been closed meanwhile is none.
        let Ok(info) = std::fs::read_to_string(format!("/proc/self/fdinfo/{name}")) else {
            continue;
        };
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.expect("flags").trim(), 8).expect("octal");
        if flags & O_CLOEXEC == 0 {
            let target = std::fs::read_link(format!("/proc/self/fd/{name}"));
            found.push((name, format!("{target:?}")));
        }
    }
    found.sort();
    found
}

/// Whether `pid` is a child of ours that has ended and that nobody has reaped.
fn is_zombie(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let (_, rest) = stat.rsplit_once(") ").expect("pid (name) state ppid");
    rest.starts_with(&format!("Z {}", std::process::id()))
}

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

fn on_two_workers(test: impl Future<Output = ()> + Send + 'static) {
    deadline(|| multi(2).block_on(test));
}

#[test]
fn a_thousand_children_of_eight_tasks_each_end_as_they_should() {
    on_two_workers(async {
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                heist::spawn(async move {
                    for round in 0..125 {
                        let code = (task * 31 + round) % 256;
                        let mut child = shell(&format!("exit {code}")).spawn().expect("starts");
                        let pid = child.id().expect("runs");
                        let status = child.wait().await.expect("waits");
                        assert_eq!(status.code(), Some(code));
                        assert_eq!(child.id(), None);
                        assert!(!is_zombie(pid));
                        assert_eq!(child.wait().await.expect("kept"), status);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
}

#[test]
fn a_hundred_megabytes_pass_through_both_outputs_at_once() {
    on_two_workers(async {
        const BYTES: usize = 100_000_000;
        let script = "head -c 100000000 /dev/zero & head -c 100000000 /dev/zero >&2; wait";
        let mut child = shell(script)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        async fn count(mut stream: impl heist::io::AsyncRead + Unpin) -> io::Result<usize> {
            let (mut total, mut buf) = (0, vec![0; 1 << 16]);
            loop {
                match stream.read(&mut buf).await? {
                    0 => return Ok(total),
                    length => total += length,
                }
            }
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (out, err, status) = heist::join!(
            count(stdout.expect("piped")),
            count(stderr.expect("piped")),
            child.wait()
        );
        assert_eq!((out.ok(), err.ok()), (Some(BYTES), Some(BYTES)));
        assert!(status.expect("waits").success());
    });
}

#[test]
fn output_is_collected_and_input_is_fed() {
    on_two_workers(async {
        let output = shell("echo out; echo err >&2; exit 3").output().await;
        let output = output.expect("runs");
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (&b"out\n"[..], &b"err\n"[..])
        );

        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut stdin = child.stdin.take().expect("piped");
        let fed = heist::spawn(async move {
            for _ in 0..1000 {
                stdin.write_all(&[b'x'; 4096]).await.expect("writes");
            }
        });
        let output = child.wait_with_output().await.expect("runs");
        fed.await.expect("no panic");
        assert_eq!(output.stdout.len(), 4_096_000);
        assert!(shell("exit 0").status().await.expect("runs").success());
    });
}

#[test]
fn one_childs_output_is_anothers_input() {
    on_two_workers(async {
        let mut first = Command::new("printf")
            .arg("b\\na\\nc\\n")
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let input: Stdio = first
            .stdout
            .take()
            .expect("piped")
            .try_into()
            .expect("leaves the reactor");
        let sorted = Command::new("sort").stdin(input).output().await;
        assert_eq!(sorted.expect("runs").stdout, b"a\nb\nc\n");
        assert!(first.wait().await.expect("waits").success());
    });
}

#[test]
fn the_builder_sets_what_the_child_sees() {
    on_two_workers(async {
        let mut command = Command::new("sh");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a path"))
            .envs([("ONE", "1"), ("TWO", "2")])
            .env_remove("TWO")
            .current_dir("/")
            .arg0("shell")
            .process_group(0)
            .arg("-c")
            .args(["echo $0 $ONE$TWO $(pwd) $(ps -o pgid= -p $$) $$"]);
        let output = command.output().await.expect("runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(&words[..3], ["shell", "1", "/"]);
        assert!(words.len() < 5 || words[3] == words[4], "{text}");
        let error = Command::new("/no/such/program").spawn().expect_err("none");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_child_is_killed_when_asked_and_when_dropped_if_so_set() {
    on_two_workers(async {
        let sleeper = || {
            let mut command = Command::new("sleep");
            command.arg("1000");
            command
        };
        let mut child = sleeper().spawn().expect("starts");
        assert_eq!(child.try_wait().expect("asks"), None);
        child.kill().await.expect("kills");
        let status = child.try_wait().expect("asks").expect("has ended");
        assert_eq!(status.signal(), Some(9));
        child
            .start_kill()
            .expect("it is gone, which is what was asked for");
        child.kill().await.expect("as before");

        let child = sleeper().kill_on_drop(true).spawn().expect("starts");
        let pid = child.id().expect("runs");
        drop(child);
        eventually("killed and reaped", || !is_there(pid)).await;
    });
}

#[test]
fn a_child_outlives_the_task_that_started_it_and_is_reaped() {
    on_two_workers(async {
        let (sender, mut receiver) = pipe::pipe().expect("a pipe");
        let writer = sender.into_blocking_fd().expect("leaves");
        let task = heist::spawn(async move {
            let mut command = shell("read line; echo $line; exit 5");
            let child = command.stdin(Stdio::piped()).stdout(writer).spawn();
            drop(command);
            let mut child = child.expect("starts");
            (
                child.id().expect("runs"),
                child.stdin.take().expect("piped"),
            )
        });
        let (pid, mut stdin) = task.await.expect("no panic");
        assert!(is_there(pid));
        stdin.write_all(b"still here\n").await.expect("writes");
        let mut text = String::new();
        receiver.read_to_string(&mut text).await.expect("reads");
        assert_eq!(text, "still here\n");
        eventually("reaped", || !is_there(pid)).await;
    });
}

#[test]
fn children_of_a_runtime_that_has_ended_are_reaped_by_the_next_to_start_one() {
    deadline(|| {
        let first = multi(1);
        let (pid, stdin): (u32, _) = first.block_on(async {
            let mut child: Child = shell("read line")
                .stdin(Stdio::piped())
                .spawn()
                .expect("starts");
            let stdin = child
                .stdin
                .take()
                .expect("piped")
                .into_owned_fd()
                .expect("leaves");
            (child.id().expect("runs"), stdin)
        });
        drop(first);
        drop(stdin);
        multi(1).block_on(async {
            // Whichever child of whichever test is the next one: it takes this one along.
            eventually("has ended", || is_zombie(pid) || !is_there(pid)).await;
            shell("exit 0").status().await.expect("runs");
            assert!(!is_zombie(pid));
        });
    });
}

#[test]
fn a_child_is_waited_for_in_another_runtime_after_its_own_has_ended() {
    deadline(|| {
        let start = |script: &str| multi(1).block_on(async { shell(script).spawn() });
        let mut child = start("exit 3").expect("starts");
        let status = multi(1).block_on(child.wait()).expect("waits");
        assert_eq!(status.code(), Some(3));
        let mut child = start("exec sleep 1000").expect("starts");
        multi(1).block_on(child.kill()).expect("kills");
        assert_eq!(child.id(), None);
    });
}

#[test]
fn a_wait_that_is_given_up_loses_no_status() {
    on_two_workers(async {
        let mut child = shell("read line; exit 9")
            .stdin(Stdio::piped())
            .spawn()
            .expect("starts");
        let stdin = child.stdin.take();
        for _ in 0..10 {
            timeout(Duration::from_millis(1), child.wait())
                .await
                .expect_err("runs");
        }
        drop(stdin);
        assert_eq!(child.wait().await.expect("waits").code(), Some(9));
    });
}

#[test]
fn a_child_inherits_no_descriptor_of_ours() {
    // Those of whoever started the tests.
    let before = inheritable();
    on_two_workers(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let addr = listener.local_addr().expect("an address");
        let connected = TcpStream::connect(addr).await.expect("connects");
        let accepted = listener.accept().await.expect("accepts");
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
        let pair = UnixStream::pair().expect("a pair");
        let datagrams = UnixDatagram::pair().expect("a pair");
        let name = format!("\0heist-inherited-{}", std::process::id());
        let unix = UnixListener::bind(&name).expect("binds");
        let near = UnixStream::connect(&name).await.expect("connects");
        let far = unix.accept().await.expect("accepts");
        let pipe = pipe::pipe().expect("a pipe");
        let hangup = signal(SignalKind::hangup()).expect("listens");
        let mut other = shell("read line");
        other
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let other = other.spawn().expect("starts");
        assert_eq!(inheritable(), before);
        drop((
            connected, accepted, udp, pair, datagrams, near, far, pipe, hangup, other,
        ));
    });
}
