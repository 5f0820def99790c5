//! Tests of the commands.

use bytes::BytesMut;

use super::*;
use crate::resp::Parser;

/// Runs an inline command and gives its reply as Redis writes it.
fn run(store: &Store, line: &str) -> String {
    let mut input = BytesMut::from(format!("{line}\r\n").as_bytes());
    let mut parser = Parser::default();
    let command = parser
        .next(&mut input)
        .expect("well formed")
        .expect("complete");
    let (Outcome::Reply(reply) | Outcome::Last(reply)) = store.execute(&command);
    let mut output = BytesMut::new();
    reply.put(&mut output);
    String::from_utf8(output.to_vec())
        .expect("text")
        .replace("\r\n", " ")
        .trim_end()
        .to_owned()
}

fn check(lines: &[(&str, &str)]) {
    let store = Store::new();
    for (line, expected) in lines {
        assert_eq!(run(&store, line), *expected, "{line}");
    }
}

#[test]
fn strings() {
    check(&[
        ("GET a", "$-1"),
        ("set a 1", "+OK"),
        ("GET a", "$1 1"),
        ("SET a 2 NX", "$-1"),
        ("SET b 2 XX", "$-1"),
        ("SET a 3 XX", "+OK"),
        ("SET b 4 nx", "+OK"),
        ("SET b 4 EX", "-ERR syntax error"),
        ("SETNX b 5", ":0"),
        ("MSET a x b y", "+OK"),
        ("MGET a b c", "*3 $1 x $1 y $-1"),
        ("APPEND a yz", ":3"),
        ("STRLEN a", ":3"),
        (
            "MSET a",
            "-ERR wrong number of arguments for 'mset' command",
        ),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("INCR n", ":1"),
        ("INCRBY n 41", ":42"),
        ("DECRBY n 2", ":40"),
        ("DECR n", ":39"),
        ("SET n 9223372036854775807", "+OK"),
        ("INCR n", "-ERR increment or decrement would overflow"),
        (
            "DECRBY n -9223372036854775808",
            "-ERR value is not an integer or out of range",
        ),
        ("SET n x", "+OK"),
        ("INCR n", "-ERR value is not an integer or out of range"),
    ]);
}

#[test]
fn lists() {
    check(&[
        ("LPUSH l a b", ":2"),
        ("RPUSH l c", ":3"),
        ("LRANGE l 0 -1", "*3 $1 b $1 a $1 c"),
        ("LRANGE l -1 5", "*1 $1 c"),
        ("LRANGE l 2 1", "*0"),
        ("LPOP l", "$1 b"),
        ("RPOP l", "$1 c"),
        ("LLEN l", ":1"),
        ("TYPE l", "+list"),
        (
            "GET l",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("LPOP l", "$1 a"),
        ("EXISTS l", ":0"),
        ("LPOP l", "$-1"),
    ]);
}

#[test]
fn keys() {
    check(&[
        ("MSET ab 1 ac 2", "+OK"),
        ("DBSIZE", ":2"),
        ("KEYS ab", "*1 $2 ab"),
        ("KEYS x*", "*0"),
        ("EXISTS ab ab zz", ":2"),
        ("DEL ab zz", ":1"),
        ("FLUSHALL", "+OK"),
        ("DBSIZE", ":0"),
    ]);
}

#[test]
fn the_server_itself() {
    check(&[
        ("PING", "+PONG"),
        ("ping hi", "$2 hi"),
        ("CONFIG GET save", "*0"),
        ("COMMAND DOCS", "*0"),
        ("CLIENT SETNAME x", "+OK"),
        ("HELLO 3", "-NOPROTO unsupported protocol version"),
        ("QUIT", "+OK"),
        ("a\x01", "-ERR unknown command 'a\\x01'"),
        (
            "averyveryverylongcommand",
            "-ERR unknown command 'averyveryverylongcommand'",
        ),
    ]);
}
