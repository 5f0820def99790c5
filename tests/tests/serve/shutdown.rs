//! How a server ends: what finishes, what is closed, what is cut.

use std::{sync::Arc, time::Duration};

use heist::{io::AsyncWriteExt, net::TcpStream};

use crate::world::{GET, LONG, Server, answer, get, http2_client, rest, run, until_closed};

#[test]
fn a_request_in_flight_finishes_in_the_grace() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut client = server.connect().await;
        client
            .write_all(b"GET /wait HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .expect("sent");
        server.world.started.notified().await;
        let (world, addr) = (Arc::clone(&server.world), server.addr);
        let report = heist::spawn(server.stop());
        until_closed(addr).await;
        world.release.notify_one();
        let answer = rest(&mut client).await;
        // Whole, and then the end of the stream. That it says `connection: close` is not certain: the
        // answer may be ready before the connection has heard of the shutdown.
        assert!(answer.ends_with("released"), "{answer}");
        let report = report.await.expect("no panic");
        assert_eq!(report.cut, []);
        assert!(report.finished >= 1, "{report}");
    });
}

#[test]
fn a_shutdown_closes_idle_connections_at_once() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut silent = server.connect().await;
        let mut idle = server.connect().await;
        idle.write_all(GET).await.expect("sent");
        assert!(answer(&mut idle).await.ends_with("hello"));
        let addr = server.addr;
        let report = server.stop().await;
        assert_eq!(
            (report.served, report.finished, report.cut.len()),
            (2, 2, 0)
        );
        assert_eq!(rest(&mut idle).await + &rest(&mut silent).await, "");
        TcpStream::connect(addr)
            .await
            .expect_err("the listener is closed");
    });
}

#[test]
fn what_outlives_the_grace_is_cut_and_reported() {
    run(async {
        let server = Server::start(Duration::from_millis(20), |serve| serve).await;
        let mut client = server.connect().await;
        client
            .write_all(b"GET /wait HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .expect("sent");
        server.world.started.notified().await;
        let report = server.stop().await;
        assert_eq!(report.cut, [client.local_addr().expect("bound")]);
        assert_eq!((report.served, report.finished, report.panicked), (1, 0, 0));
        assert_eq!(rest(&mut client).await, "");
    });
}

#[test]
fn dropping_the_server_cuts_its_connections() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut client = server.connect().await;
        client
            .write_all(b"GET /wait HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .expect("sent");
        server.world.started.notified().await;
        server.report.abort();
        assert_eq!(rest(&mut client).await, "");
    });
}

#[test]
fn a_shutdown_ends_a_server_that_waits_at_its_cap() {
    run(async {
        let server = Server::start(Duration::ZERO, |serve| serve.max_connections(1)).await;
        let mut client = server.connect().await;
        client
            .write_all(b"GET /wait HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .expect("sent");
        server.world.started.notified().await;
        assert_eq!(server.stop().await.cut.len(), 1);
    });
}

#[test]
fn http2_finishes_its_streams_in_the_grace() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut client = http2_client(&server).await;
        assert_eq!(get(&mut client, "/").await.expect("served"), "hello");
        let mut waiting = client.clone();
        let waiting = heist::spawn(async move { get(&mut waiting, "/wait").await });
        server.world.started.notified().await;
        let world = Arc::clone(&server.world);
        let report = heist::spawn(server.stop());
        world.release.notify_one();
        assert_eq!(
            waiting.await.expect("no panic").expect("served"),
            "released"
        );
        let report = report.await.expect("no panic");
        assert_eq!(report.cut, []);
        assert!(report.finished >= 1, "{report}");
    });
}
