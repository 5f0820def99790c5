//! The `kv` example as a process: its protocol, pipelining, large values, its end.

use std::io::{Read, Write};

use crate::process::{Server, check_start_and_end, exchange};

const KV: &str = env!("CARGO_BIN_EXE_kv");

fn command(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[test]
fn it_starts_ends_and_refuses_as_it_should() {
    check_start_and_end(KV, &[]);
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let server = Server::start(KV, &[]);
    let requests: Vec<u8> = (0..10_000)
        .flat_map(|index| command(&[b"SET", format!("key{index}").as_bytes(), b"v"]))
        .chain((0..10_000).flat_map(|_| command(&[b"INCR", b"n"])))
        .chain(command(&[b"DBSIZE"]))
        .collect();
    let expected: String = "+OK\r\n".repeat(10_000)
        + &(1..=10_000)
            .map(|number| format!(":{number}\r\n"))
            .collect::<String>()
        + ":10001\r\n";
    let answer = exchange(&mut server.connect(), &requests);
    assert!(answer == expected.as_bytes(), "{} bytes", answer.len());
}

#[test]
fn a_value_of_64_mib_survives() {
    let server = Server::start(KV, &[]);
    let value: Vec<u8> = (0..64 * 1024 * 1024u32)
        .map(|index| (index / 7) as u8)
        .collect();
    let mut client = server.connect();
    let answer = exchange(&mut client, &command(&[b"SET", b"big", &value]));
    assert_eq!(answer, b"+OK\r\n");
    let answer = exchange(&mut server.connect(), &command(&[b"GET", b"big"]));
    let head = format!("${}\r\n", value.len());
    let body = answer.strip_prefix(head.as_bytes()).expect("a bulk string");
    assert!(
        body.strip_suffix(b"\r\n") == Some(&value),
        "{} bytes",
        body.len()
    );
}

#[test]
fn what_is_no_resp_is_answered_and_closed() {
    let server = Server::start(KV, &[]);
    for (request, error) in [
        (&b"*1\r\n:3\r\n"[..], "expected '$', got ':'"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*1\r\n$-5\r\n", "invalid bulk length"),
    ] {
        let mut client = server.connect();
        // What was sent before is answered first, and what follows is not looked at.
        client
            .write_all(&[b"PING\r\n", request, b"PING\r\n"].concat())
            .expect("sent");
        let mut answer = String::new();
        client
            .read_to_string(&mut answer)
            .expect("closed in good order");
        assert_eq!(answer, format!("+PONG\r\n-ERR Protocol error: {error}\r\n"));
    }
    assert_eq!(exchange(&mut server.connect(), b"PING\r\n"), b"+PONG\r\n");
}

#[test]
fn open_connections_do_not_hold_up_the_end() {
    let mut server = Server::start(KV, &[]);
    let mut client = server.connect();
    client.write_all(b"PING\r\n").expect("sent");
    let mut pong = [0; 7];
    client.read_exact(&mut pong).expect("answered");
    server.terminate();
    assert_eq!(client.read(&mut pong).expect("an end, no reset"), 0);
    drop(client);
    assert!(server.wait().success());
}
