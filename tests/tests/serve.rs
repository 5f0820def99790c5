//! `heist_hyper::serve` from outside: shutdown, bounds, hostile clients, panics, both versions.

use std::{
    convert::Infallible,
    future::{Future, IntoFuture, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use heist::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use heist_hyper::{HeistExecutor, PeerAddr, Report, Serve, serve_hyper};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, client::conn::http2, service::Service};

const DEADLINE: Duration = Duration::from_secs(60);
/// Longer than any test runs: what it bounds must end for another reason.
const LONG: Duration = Duration::from_secs(600);
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn run<F: Future>(test: F) -> F::Output {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .expect("the runtime starts")
        .block_on(async { timeout(DEADLINE, test).await.expect("within the deadline") })
}

/// What the handlers of a test see and do.
#[derive(Default)]
struct World {
    started: Notify,
    release: Notify,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

#[derive(Clone)]
struct Handlers(Arc<World>);

type Answer = Result<Response<Full<Bytes>>, Infallible>;

impl Service<Request<Incoming>> for Handlers {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(handle(Arc::clone(&self.0), request))
    }
}

async fn handle(world: Arc<World>, request: Request<Incoming>) -> Answer {
    let open = world.open.fetch_add(1, SeqCst) + 1;
    world.most_open.fetch_max(open, SeqCst);
    let answer = match request.uri().path() {
        "/wait" => {
            world.started.notify_one();
            world.release.notified().await;
            "released"
        }
        "/panic" => panic!("a handler that panics, as the test wants"),
        "/yield" => {
            heist::task::yield_now().await;
            "yielded"
        }
        _ => "hello",
    };
    world.open.fetch_sub(1, SeqCst);
    Ok(Response::new(Full::from(answer)))
}

struct Server {
    addr: SocketAddr,
    world: Arc<World>,
    stop: oneshot::Sender<()>,
    report: JoinHandle<Report>,
}

impl Server {
    /// Starts a server after `set` has had its say; `grace` is that of its shutdown.
    async fn start(grace: Duration, set: impl FnOnce(Serve<Handlers>) -> Serve<Handlers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let world = Arc::new(World::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = set(serve_hyper(listener, Handlers(Arc::clone(&world))))
            .with_graceful_shutdown(async { drop(stopped.await) }, grace);
        let report = heist::spawn(async move { server.await });
        Self {
            addr,
            world,
            stop,
            report,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr)
            .await
            .expect("the server listens")
    }

    async fn stop(self) -> Report {
        drop(self.stop);
        self.report.await.expect("the server does not panic")
    }
}

/// Waits until nobody listens at `addr`, so that a shutdown has begun.
async fn until_closed(addr: SocketAddr) {
    while TcpStream::connect(addr).await.is_ok() {
        heist::task::yield_now().await;
    }
}

/// Reads one answer whose length the head gives.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let len = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let len: usize = len.and_then(|len| len.parse().ok()).unwrap_or(0);
            if body.len() >= len {
                return text;
            }
        }
        let read = stream.read_buf(&mut bytes).await.expect("an answer");
        assert_ne!(read, 0, "the connection ended after {text:?}");
    }
}

/// Reads to the end of the connection; a reset is an end as well.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes).await);
    String::from_utf8_lossy(&bytes).into_owned()
}

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
        assert!(
            answer.contains("connection: close") && answer.ends_with("released"),
            "{answer}"
        );
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

type Sender = http2::SendRequest<Empty<Bytes>>;

/// Connects with HTTP/2 by prior knowledge.
async fn http2_client(server: &Server) -> Sender {
    let stream = server.connect().await;
    let (sender, conn) = http2::handshake(HeistExecutor, stream)
        .await
        .expect("HTTP/2 is spoken");
    drop(heist::spawn(conn));
    sender
}

async fn get(sender: &mut Sender, path: &str) -> hyper::Result<String> {
    let uri = format!("http://test{path}");
    let request = Request::get(uri)
        .body(Empty::new())
        .expect("a good request");
    let response = sender.send_request(request).await?;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
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
