//! Every workload runs on Heist, in the smallest size, so that the benchmark is there when it is
//! wanted.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value};

/// How long anything here may take. Generous: the machine may be loaded.
const LIMIT: Duration = Duration::from_secs(60);

fn bench_run(workload: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench-run"));
    command.args(["heist", workload]);
    command
}

fn figures(workload: &str, options: &[&str]) -> Map<String, Value> {
    let output = bench_run(workload).args(options).output();
    let output = output.expect("the program was built");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{workload}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{workload}: {error}"))
}

#[test]
fn every_workload_yields_its_figures() {
    let per_op = ["wall_ns", "cpu_ns", "switches"];
    for workload in [
        "spawn_join",
        "spawn_remote",
        "spawn_concurrent",
        "spawn_blocking",
        "chained_spawn",
        "fork_join",
        "yield_now",
        "ping_pong",
        "ping_pong_oneshot",
        "timer_create_cancel",
        "timeout_churn",
    ] {
        let figures = figures(workload, &["--ops", "200", "--width", "2"]);
        for name in per_op {
            assert!(figures[name].is_number(), "{workload}: {name}");
        }
    }
}

#[test]
fn every_latency_has_its_quantiles() {
    for workload in [
        "wake_latency",
        "strand_rare",
        "strand_known",
        "fair_hog",
        "timer_accuracy",
    ] {
        let figures = figures(workload, &["--ops", "4", "--seconds", "0.2"]);
        for name in ["p50_us", "p99_us", "p999_us", "max_us"] {
            assert!(figures[name].is_number(), "{workload}: {name}");
        }
    }
}

#[test]
fn what_a_runtime_at_rest_costs_is_measured() {
    assert!(figures("mem_task", &["--ops", "1000"])["bytes"].is_number());
    assert!(figures("idle", &["--seconds", "0.1"])["total_switches"].is_number());
    assert!(figures("idle_tick", &["--seconds", "0.1"])["ticks_per_s"].is_number());
}

#[test]
fn an_unknown_workload_is_an_error() {
    let status = bench_run("nonsense").stderr(Stdio::null()).status();
    assert!(!status.expect("the program was built").success());
}

/// A server under test, ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A connection to the server of a network workload.
fn serve(workload: &str) -> (Server, TcpStream) {
    let child = bench_run(workload)
        .args(["--width", "64"])
        .stdout(Stdio::piped())
        .spawn();
    let mut server = Server(child.expect("the program was built"));
    let stdout = server.0.stdout.take().expect("it was piped");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("the server says where it listens");
    let addr = line
        .trim()
        .strip_prefix("listening on ")
        .expect("the server says where it listens");
    let stream = TcpStream::connect(addr).expect("the server accepts");
    stream
        .set_read_timeout(Some(LIMIT))
        .expect("the limit is not zero");
    (server, stream)
}

#[test]
fn an_echo_comes_back() {
    for workload in ["tcp_echo", "tcp_spawn", "blocked"] {
        let (_server, mut stream) = serve(workload);
        stream.write_all(b"hello").expect("the server reads");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("the server answers");
        assert_eq!(&answer, b"hello");
    }
}

#[test]
fn a_connection_is_closed_at_once() {
    let (_server, mut stream) = serve("accept_close");
    assert_eq!(
        stream.read(&mut [0; 1]).expect("it is closed, not reset"),
        0
    );
}

#[test]
fn http_says_hello() {
    let (_server, mut stream) = serve("http");
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request).expect("the server reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the server answers and closes");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("Hello, world!"), "{answer}");
}
