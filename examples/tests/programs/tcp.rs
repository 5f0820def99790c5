//! The `echo` and `proxy` examples as processes.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener},
    thread,
};

use crate::process::{DEADLINE, Server, check_start_and_end, exchange};

const ECHO: &str = env!("CARGO_BIN_EXE_echo");
const PROXY: &str = env!("CARGO_BIN_EXE_proxy");

fn proxy_to(upstream: &str) -> Server {
    Server::start(PROXY, &["--upstream", upstream])
}

#[test]
fn both_start_end_and_refuse_as_they_should() {
    check_start_and_end(ECHO, &[]);
    check_start_and_end(PROXY, &["--upstream", "127.0.0.1:1"]);
}

#[test]
fn echo_sends_everything_back_after_a_half_close() {
    let server = Server::start(ECHO, &[]);
    let request = vec![7; 5_000_000];
    assert_eq!(exchange(&mut server.connect(), &request), request);
}

#[test]
fn echo_ends_with_open_connections() {
    let mut server = Server::start(ECHO, &[]);
    let mut idle = server.connect();
    idle.write_all(b"x").expect("sent");
    let mut byte = [0];
    idle.read_exact(&mut byte).expect("echoed");
    server.terminate();
    assert!(server.wait().success());
    assert_eq!(idle.read(&mut byte).expect("an end, no reset"), 0);
}

#[test]
fn proxy_passes_half_closes_in_both_directions() {
    let upstream = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let proxy = proxy_to(&upstream.local_addr().expect("bound").to_string());
    let serving = thread::spawn(move || {
        // The first hears everything, then speaks; the second speaks first, then hears.
        let (mut stream, _) = upstream.accept().expect("the proxy connects");
        let mut heard = Vec::new();
        stream
            .read_to_end(&mut heard)
            .expect("the client's end is passed on");
        stream.write_all(&heard).expect("the way back is open");
        drop(stream);
        let (mut stream, _) = upstream.accept().expect("the proxy connects");
        stream.write_all(b"banner").expect("sent");
        stream.shutdown(Shutdown::Write).expect("connected");
        stream
            .read_to_end(&mut heard)
            .expect("the way here is open");
        heard
    });
    let request = vec![b'x'; 3_000_000];
    assert_eq!(exchange(&mut proxy.connect(), &request), request);
    let mut client = proxy.connect();
    let mut banner = Vec::new();
    client
        .read_to_end(&mut banner)
        .expect("the server's end is passed on");
    assert_eq!(banner, b"banner");
    client.write_all(b"late").expect("the way there is open");
    drop(client);
    let heard = serving.join().expect("no panic");
    assert_eq!(heard.len(), request.len() + 4);
}

#[test]
fn proxy_resets_the_client_when_there_is_no_upstream() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = taken.local_addr().expect("bound").to_string();
    drop(taken);
    let proxy = proxy_to(&nobody);
    let mut client = proxy.connect();
    let error = client.read(&mut [0]).expect_err("no end of stream");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn proxy_lets_open_connections_finish_after_sigterm() {
    let upstream = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut proxy = proxy_to(&upstream.local_addr().expect("bound").to_string());
    let mut client = proxy.connect();
    let (mut server, _) = upstream.accept().expect("the proxy connects");
    server
        .set_read_timeout(Some(DEADLINE))
        .expect("a good timeout");
    proxy.terminate();
    // The listener closes, the connection lives on.
    while std::net::TcpStream::connect(proxy.addr).is_ok() {
        thread::yield_now();
    }
    client.write_all(b"x").expect("sent");
    let mut byte = [0];
    server.read_exact(&mut byte).expect("passed on");
    // What connected meanwhile ends as well, once nobody is there for it.
    drop((client, server, upstream));
    assert!(proxy.wait().success());
}
