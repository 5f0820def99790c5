//! TCP through the public API, on a multi-threaded runtime: servers, clients, and tasks cut short.

use std::io::ErrorKind;
use std::time::Duration;

use heist::io::{self, AsyncReadExt, AsyncWriteExt};
use heist::net::tcp::OwnedReadHalf;
use heist::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use heist::task::JoinHandle;
use heist_tests::{deadline, multi};

/// Runs `test` on two workers, with a deadline.
fn on_two_workers(test: impl Future<Output = ()> + Send + 'static) {
    deadline(|| multi(2).block_on(test));
}

async fn local() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("binds")
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = local().await;
    let addr = listener.local_addr().expect("an address");
    let (near, far) = heist::join!(TcpStream::connect(addr), listener.accept());
    (near.expect("connects"), far.expect("accepts").0)
}

/// Echoes every connection of `listener` in a task of its own.
fn echo(listener: TcpListener) -> JoinHandle<()> {
    heist::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(heist::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                io::copy(&mut reader, &mut writer).await
            }));
        }
    })
}

#[test]
fn an_echo_server_echoes_to_many_clients_at_once() {
    on_two_workers(async {
        let listener = local().await;
        let addr = listener.local_addr().expect("an address");
        let server = echo(listener);
        let clients: Vec<_> = (0..64u8)
            .map(|id| {
                heist::spawn(async move {
                    let mut stream = TcpStream::connect(addr).await.expect("connects");
                    for round in 0..50 {
                        let sent = [id; 100].map(|byte| byte ^ round);
                        stream.write_all(&sent).await.expect("writes");
                        let mut back = [0; 100];
                        stream.read_exact(&mut back).await.expect("reads");
                        assert_eq!(back, sent);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.expect("the client is content");
        }
        server.abort();
    });
}

#[test]
fn a_proxy_passes_half_closes_on() {
    on_two_workers(async {
        let (mut client, mut inbound) = pair().await;
        let (mut outbound, mut server) = pair().await;
        let proxy =
            heist::spawn(async move { io::copy_bidirectional(&mut inbound, &mut outbound).await });
        client.write_all(b"question").await.expect("writes");
        client.shutdown().await.expect("shuts down");
        let mut question = String::new();
        server.read_to_string(&mut question).await.expect("reads");
        server.write_all(b"long answer").await.expect("writes");
        drop(server);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("reads");
        assert_eq!((&*question, &*answer), ("question", "long answer"));
        let passed = proxy.await.expect("no panic").expect("no error");
        assert_eq!(passed, (8, 11));
    });
}

#[test]
fn an_aborted_reader_leaves_the_bytes_to_the_next() {
    on_two_workers(async {
        let (mut near, far) = pair().await;
        let (reader, _writer) = far.into_split();
        let shared = std::sync::Arc::new(heist::sync::Mutex::new(reader));
        for round in 0..100u8 {
            let read = |shared: std::sync::Arc<heist::sync::Mutex<OwnedReadHalf>>| async move {
                let mut byte = [0];
                shared.lock().await.read_exact(&mut byte).await?;
                io::Result::Ok(byte[0])
            };
            let first = heist::spawn(read(shared.clone()));
            near.write_all(&[round]).await.expect("writes");
            first.abort();
            // Either the first had it before it was aborted, or the second gets it.
            let byte = match first.await {
                Ok(byte) => byte,
                Err(_) => read(shared.clone()).await,
            };
            assert_eq!(byte.expect("reads"), round);
        }
    });
}

#[test]
fn a_stream_moves_between_tasks_and_runtimes() {
    deadline(|| {
        let (home, abroad) = (multi(1), multi(1));
        let (mut near, mut far) = home.block_on(pair());
        // The sockets stay with the runtime they were made in, wherever they are used.
        abroad.block_on(async {
            let writing = heist::spawn(async move {
                near.write_all(b"from abroad").await.expect("writes");
            });
            let mut text = String::new();
            far.read_to_string(&mut text).await.expect("reads");
            assert_eq!(text, "from abroad");
            writing.await.expect("no panic");
        });
    });
}

#[test]
fn a_busy_socket_does_not_starve_its_worker() {
    deadline(|| {
        // One worker: unless the flood yields, the other task never runs.
        multi(1).block_on(async {
            let (mut near, mut far) = pair().await;
            let flood = heist::spawn(async move {
                let chunk = [0; 1024];
                while near.write_all(&chunk).await.is_ok() {}
            });
            let drain = heist::spawn(async move {
                let mut buf = [0; 1024];
                while far.read(&mut buf).await.is_ok_and(|length| length > 0) {}
            });
            for _ in 0..1000 {
                heist::spawn(heist::task::yield_now()).await.expect("runs");
            }
            drain.abort();
            flood.abort();
        });
    });
}

#[test]
fn shutting_the_runtime_down_closes_its_connections() {
    deadline(|| {
        let outside = multi(1);
        let inside = multi(2);
        let (addr, mut near) = outside.block_on(async {
            let server = inside
                .spawn(async {
                    let listener = local().await;
                    let addr = listener.local_addr().expect("an address");
                    drop(echo(listener));
                    addr
                })
                .await
                .expect("no panic");
            let mut near = TcpStream::connect(server).await.expect("connects");
            near.write_all(b"x").await.expect("writes");
            near.read_exact(&mut [0]).await.expect("reads");
            (server, near)
        });
        drop(inside);
        outside.block_on(async {
            let end = near.read(&mut [0]).await;
            assert!(
                matches!(end, Ok(0)) || end.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset)
            );
            TcpStream::connect(addr).await.expect_err("nobody listens");
        });
    });
}

#[test]
fn thousands_of_short_connections_leave_nothing_behind() {
    on_two_workers(async {
        let listener = local().await;
        let addr = listener.local_addr().expect("an address");
        let server = heist::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                drop(heist::spawn(async move {
                    let _ = stream.write_all(b"bye").await;
                }));
            }
        });
        let registered = || {
            heist::runtime::Handle::current()
                .metrics()
                .io_driver_fd_registered_count()
        };
        let mut text = Vec::new();
        let before = registered();
        for round in 0..2000 {
            let mut stream = TcpStream::connect(addr).await.expect("connects");
            if round % 3 == 0 {
                // Reset while the server writes.
                stream.set_zero_linger().expect("an option");
                continue;
            }
            text.clear();
            stream.read_to_end(&mut text).await.expect("reads");
            assert_eq!(text, b"bye");
        }
        // The server's ends close a moment after ours.
        while registered() > before {
            heist::time::sleep(Duration::from_millis(1)).await;
        }
        server.abort();
    });
}

#[test]
fn names_resolve_and_refusals_are_told() {
    on_two_workers(async {
        let mut addrs = lookup_host("localhost:80").await.expect("resolves");
        assert!(addrs.all(|addr| addr.ip().is_loopback() && addr.port() == 80));
        let error = TcpStream::connect("localhost").await.expect_err("no port");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);

        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("binds");
        let addr = socket.local_addr().expect("an address");
        let error = TcpStream::connect(addr)
            .await
            .expect_err("bound, but not listening");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn sockets_outside_a_runtime_panic_with_the_remedy() {
    let std_listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let panic = std::panic::catch_unwind(|| TcpListener::from_std(std_listener).map(drop))
        .expect_err("no runtime here");
    let message = panic.downcast_ref::<&str>().expect("a message");
    assert!(message.contains("Runtime::block_on"), "{message}");
}

#[test]
fn the_shutdown_of_a_connection_that_was_reset_is_no_error() {
    on_two_workers(async {
        let (mut near, far) = pair().await;
        far.set_zero_linger().expect("sets");
        drop(far);
        assert!(near.read(&mut [0]).await.is_err(), "it was reset");
        near.shutdown().await.expect("there is nothing to tell");
    });
}
