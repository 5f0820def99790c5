//! What one client can do to the others: nothing. Time, size, number, panics.

use std::{io, sync::atomic::Ordering::SeqCst, time::Duration};

use heist::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::world::{GET, LARGE_BYTES, LONG, PREFACE, Server, answer, rest, run};

#[test]
fn a_client_that_keeps_the_server_waiting_for_a_head_is_closed() {
    run(async {
        let short = Duration::from_millis(300);
        let server = Server::start(LONG, |serve| serve.header_read_timeout(short)).await;
        let then_idle = [GET, b"GET"].concat();
        let beginnings: [&[u8]; 5] = [b"", b"GET / HT", &PREFACE[..9], PREFACE, &then_idle];
        let mut clients = Vec::new();
        for beginning in beginnings {
            let mut client = server.connect().await;
            client.write_all(beginning).await.expect("sent");
            clients.push(client);
        }
        for (beginning, mut client) in beginnings.iter().zip(clients) {
            let text = rest(&mut client).await;
            let served = beginning.starts_with(GET);
            assert_eq!(
                text.ends_with("hello"),
                served,
                "{beginning:?} gave {text:?}"
            );
        }
        assert_eq!(server.stop().await.served, 5);
    });
}

#[test]
fn a_client_that_drips_its_head_is_closed() {
    run(async {
        let short = Duration::from_millis(100);
        let server = Server::start(LONG, |serve| serve.header_read_timeout(short)).await;
        let mut client = server.connect().await;
        // Sending fails once the server has closed; until then there is always a next byte.
        for byte in GET[..GET.len() - 1]
            .iter()
            .chain(b"x: ")
            .chain([b'a'; 100_000].iter())
        {
            if client.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(rest(&mut client).await, "");
    });
}

#[test]
fn a_busy_connection_outlives_many_head_timeouts() {
    run(async {
        let short = Duration::from_secs(1);
        let server = Server::start(LONG, |serve| serve.header_read_timeout(short)).await;
        let mut client = server.connect().await;
        let begun = heist::time::Instant::now();
        while begun.elapsed() < short * 3 / 2 {
            client.write_all(GET).await.expect("sent");
            assert!(answer(&mut client).await.ends_with("hello"));
        }
        assert_eq!(rest(&mut client).await, "", "and idles no longer than one");
    });
}

#[test]
fn a_long_answer_is_not_held_to_the_head_timeout() {
    run(async {
        let short = Duration::from_millis(300);
        let server = Server::start(LONG, |serve| serve.header_read_timeout(short)).await;
        let mut client = server.connect().await;
        client
            .write_all(b"GET /wait HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .expect("sent");
        server.world.started.notified().await;
        sleep(2 * short).await;
        server.world.release.notify_one();
        assert!(answer(&mut client).await.ends_with("released"));
    });
}

#[test]
fn a_slow_download_is_not_held_to_the_head_timeout() {
    run(async {
        let short = Duration::from_millis(300);
        let server = Server::start(LONG, |serve| serve.header_read_timeout(short)).await;
        let mut client = server.connect().await;
        client
            .write_all(b"GET /large HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .expect("sent");
        let mut buffer = vec![0; LARGE_BYTES / 8];
        for _ in 0..8 {
            sleep(short / 2).await;
            client
                .read_exact(&mut buffer)
                .await
                .expect("the download goes on");
        }
    });
}

#[test]
fn a_malformed_request_is_answered_400_and_closed() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        for request in [
            "GARBAGE\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "PRI * HTTP/1.1\r\nb@d\r\n\r\n",
        ] {
            let mut client = server.connect().await;
            client.write_all(request.as_bytes()).await.expect("sent");
            let text = rest(&mut client).await;
            assert!(
                text.starts_with("HTTP/1.1 400 "),
                "{request:?} gave {text:?}"
            );
        }
    });
}

#[test]
fn a_megabyte_of_header_is_answered_431_and_closed() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut client = server.connect().await;
        let head = [
            b"GET / HTTP/1.1\r\nx: ".as_slice(),
            &vec![b'a'; 1024 * 1024],
        ]
        .concat();
        client
            .write_all(&head)
            .await
            .expect("the server reads on for a moment");
        client.shutdown().await.expect("still connected");
        let text = rest(&mut client).await;
        assert!(text.starts_with("HTTP/1.1 431 "), "{text:?}");
    });
}

#[test]
fn the_connection_cap_holds_clients_back_and_drops_none() {
    run(async {
        let server = Server::start(LONG, |serve| serve.max_connections(2)).await;
        let clients: Vec<_> = (0..40)
            .map(|_| {
                let addr = server.addr;
                heist::spawn(async move {
                    let mut client = TcpStream::connect(addr).await?;
                    client.write_all(b"GET /yield HTTP/1.0\r\n\r\n").await?;
                    io::Result::Ok(rest(&mut client).await)
                })
            })
            .collect();
        for client in clients {
            let text = client.await.expect("no panic").expect("not refused");
            assert!(text.ends_with("yielded"), "{text:?}");
        }
        assert!(server.world.most_open.load(SeqCst) <= 2);
        assert_eq!(server.stop().await.served, 40);
    });
}

#[test]
fn a_panicking_handler_ends_only_its_own_connection() {
    run(async {
        let server = Server::start(LONG, |serve| serve).await;
        let mut bystander = server.connect().await;
        let mut client = server.connect().await;
        client
            .write_all(b"GET /panic HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .expect("sent");
        assert_eq!(rest(&mut client).await, "");
        bystander.write_all(GET).await.expect("sent");
        assert!(answer(&mut bystander).await.ends_with("hello"));
        assert_eq!(server.stop().await.panicked, 1);
    });
}

#[test]
fn a_group_of_listeners_serves_as_one() {
    run(async {
        let group = TcpListener::bind_group("127.0.0.1:0", 4)
            .await
            .expect("binds");
        let addr = group[0].local_addr().expect("an address");
        let server = Server::start(LONG, |serve| serve.with_listeners(group)).await;
        let first = server.addr;
        for addr in [addr, addr, addr, addr, addr, addr, first] {
            let mut client = TcpStream::connect(addr).await.expect("listens");
            client.write_all(GET).await.expect("sent");
            assert!(answer(&mut client).await.ends_with("hello"));
        }
        let report = server.stop().await;
        assert_eq!((report.served, report.accept_errors), (7, 0));
        for addr in [addr, first] {
            TcpStream::connect(addr).await.expect_err("closed");
        }
    });
}
