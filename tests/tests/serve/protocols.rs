//! Both versions, pipelining, upgrades, and what can be turned off.

use std::{
    convert::Infallible,
    future::{IntoFuture, poll_fn},
    pin::Pin,
};

use bytes::Bytes;
use heist::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use heist_hyper::{PeerAddr, serve_hyper};
use http_body_util::Empty;
use hyper::{Request, Response, StatusCode, body::Incoming};

use crate::world::{GET, LONG, PREFACE, Server, answer, get, http2_client, rest, run};

#[test]
fn pipelined_requests_are_answered_in_order() {
    run(async {
        for flush in [false, true] {
            let server = Server::start(LONG, |serve| serve.pipeline_flush(flush)).await;
            let mut client = server.connect().await;
            let requests = [
                GET,
                b"GET /yield HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n",
            ];
            client.write_all(&requests.concat()).await.expect("sent");
            let text = rest(&mut client).await;
            let (first, second) = text.split_once("hello").expect("the first answer");
            assert!(
                first.starts_with("HTTP/1.1 200") && second.ends_with("yielded"),
                "{text}"
            );
        }
    });
}

#[test]
fn keep_alive_can_be_turned_off() {
    run(async {
        let server = Server::start(LONG, |serve| serve.keep_alive(false)).await;
        let mut client = server.connect().await;
        client.write_all(GET).await.expect("sent");
        let text = rest(&mut client).await;
        assert!(
            text.contains("connection: close") && text.ends_with("hello"),
            "{text}"
        );
    });
}

#[test]
fn a_panicking_handler_ends_only_its_http2_stream() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut client = http2_client(&server).await;
        get(&mut client, "/panic")
            .await
            .expect_err("its stream is reset");
        assert_eq!(get(&mut client, "/").await.expect("served"), "hello");
        assert_eq!(server.stop().await.panicked, 1);
    });
}

#[test]
fn http2_can_be_refused() {
    run(async {
        let server = Server::start(LONG, |serve| serve.http2(None)).await;
        let mut client = server.connect().await;
        client.write_all(PREFACE).await.expect("sent");
        assert_eq!(rest(&mut client).await, "");
    });
}

#[test]
fn an_http2_preface_in_pieces_is_understood() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut client = server.connect().await;
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        for byte in PREFACE.iter().chain(&settings) {
            client.write_all(&[*byte]).await.expect("sent");
            heist::task::yield_now().await;
        }
        let mut head = [0; 9];
        client
            .read_exact(&mut head)
            .await
            .expect("the server's settings");
        assert_eq!(head[3], 4, "a SETTINGS frame, not {head:?}");
    });
}

#[test]
fn a_connection_can_be_upgraded() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let service = hyper::service::service_fn(|mut request: Request<Incoming>| async move {
            let upgraded = hyper::upgrade::on(&mut request);
            // hyper's I/O is enough for one byte each way.
            drop(heist::spawn(async move {
                greet(upgraded.await.expect("upgraded")).await
            }));
            let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
            response
                .header("upgrade", "greeting")
                .body(Empty::<Bytes>::new())
        });
        let server = heist::spawn(serve_hyper(listener, service).into_future());
        let mut client = TcpStream::connect(addr).await.expect("it listens");
        let request =
            b"GET / HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: greeting\r\n\r\n";
        client.write_all(request).await.expect("sent");
        let text = rest(&mut client).await;
        assert!(
            text.starts_with("HTTP/1.1 101") && text.ends_with("\r\n\r\nhi"),
            "{text:?}"
        );
        server.abort();
    });
}

async fn greet(mut upgraded: hyper::upgrade::Upgraded) {
    use hyper::rt::Write;
    let written = poll_fn(|cx| Pin::new(&mut upgraded).poll_write(cx, b"hi")).await;
    assert_eq!(written.expect("the client reads"), 2);
}

#[test]
fn the_peer_address_is_given_on_request() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let service = hyper::service::service_fn(|request: Request<Incoming>| async move {
            let peer = request
                .extensions()
                .get::<PeerAddr>()
                .map(|peer| peer.0.to_string());
            Ok::<_, Infallible>(Response::new(peer.unwrap_or_default()))
        });
        let server = heist::spawn(serve_hyper(listener, service).peer_addr(true).into_future());
        let mut client = TcpStream::connect(addr).await.expect("it listens");
        client.write_all(GET).await.expect("sent");
        let own = client.local_addr().expect("bound").to_string();
        assert!(answer(&mut client).await.ends_with(&own));
        server.abort();
    });
}
