//! The `http` example as a process: routes, a shutdown under load, resets.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::process::{DEADLINE, Server, check_start_and_end};

const HTTP: &str = env!("CARGO_BIN_EXE_http");

/// One request on a connection of its own; its answer.
fn get(server: &Server, path: &str) -> String {
    let mut stream = server.connect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn it_starts_ends_and_refuses_as_it_should() {
    check_start_and_end(HTTP, &[]);
}

#[test]
fn every_route_answers() {
    let server = Server::start(HTTP, &[]);
    for (path, end) in [
        ("/", "Hello, world!"),
        ("/json", "{\"message\":\"Hello, world!\"}"),
        ("/sleep/1", "slept 1 ms\n"),
        ("/stream", "line 10 of 10\n\r\n0\r\n\r\n"),
    ] {
        let answer = get(&server, path);
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with(end),
            "{answer}"
        );
    }
    let metrics = get(&server, "/metrics");
    assert!(
        metrics.contains("\nheist_worker_polls_total{worker=\"1\"} "),
        "{metrics}"
    );
    assert!(get(&server, "/sleep/60001").starts_with("HTTP/1.1 400"));
    assert!(get(&server, "/nowhere").starts_with("HTTP/1.1 404"));
}

#[test]
fn an_upload_comes_back_while_it_is_sent() {
    let server = Server::start(HTTP, &[]);
    let body: Vec<u8> = (0..16_000_000u32).map(|index| index as u8).collect();
    let mut stream = server.connect();
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut sender = stream.try_clone().expect("a second handle");
    let upload = [head.as_bytes(), &body].concat();
    let sending = thread::spawn(move || sender.write_all(&upload));
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    sending.join().expect("no panic").expect("all is sent");
    let echoed: usize = answer
        .windows(2)
        .filter(|pair| pair[1] == pair[0].wrapping_add(1))
        .count();
    assert!(
        echoed > body.len() * 99 / 100,
        "{echoed} of {} bytes in order",
        body.len()
    );
}

#[test]
fn requests_in_flight_outlive_sigterm() {
    let mut server = Server::start(HTTP, &[]);
    let mut clients: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        client
            .write_all(b"GET /sleep/500 HTTP/1.1\r\nhost: t\r\n\r\n")
            .expect("sent");
    }
    // An answer on a later connection shows that the earlier ones were accepted.
    assert!(get(&server, "/").ends_with("Hello, world!"));
    server.terminate();
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("answered");
        assert!(answer.ends_with("slept 500 ms\n"), "{answer:?}");
    }
    assert!(server.wait().success());
}

#[test]
fn what_does_not_end_in_the_grace_is_cut() {
    let mut server = Server::start(HTTP, &["--grace", "0"]);
    let mut client = server.connect();
    client
        .write_all(b"GET /sleep/60000 HTTP/1.1\r\nhost: t\r\n\r\n")
        .expect("sent");
    assert!(get(&server, "/").ends_with("Hello, world!"));
    server.terminate();
    assert!(server.wait().success());
    let mut rest = Vec::new();
    drop(client.read_to_end(&mut rest));
    assert!(rest.is_empty());
}

#[test]
fn clients_that_vanish_leave_no_descriptor_behind() {
    let server = Server::start(HTTP, &[]);
    assert!(get(&server, "/").ends_with("Hello, world!"));
    let before = server.descriptors();
    for round in 0..200 {
        let mut stream = server.connect();
        let begun: &[u8] = match round % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nho",
            2 => b"GET /sleep/60000 HTTP/1.1\r\nhost: t\r\n\r\n",
            _ => b"POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\nabc",
        };
        stream.write_all(begun).expect("sent");
        if round % 3 == 0 {
            drop(stream.shutdown(Shutdown::Write));
        }
    }
    let begun = Instant::now();
    while server.descriptors() > before {
        assert!(
            begun.elapsed() < DEADLINE,
            "{} descriptors, not {before}",
            server.descriptors()
        );
        thread::sleep(Duration::from_millis(10));
    }
    assert!(get(&server, "/").ends_with("Hello, world!"));
}
