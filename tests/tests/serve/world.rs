//! A server to test, the handlers that it runs, and the clients' side of a connection.

use std::{
    convert::Infallible,
    future::Future,
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
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::timeout,
};
use heist_hyper::{HeistExecutor, Report, Serve, serve_hyper};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, client::conn::http2, service::Service};

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Longer than any test runs: what it bounds must end for another reason.
pub(crate) const LONG: Duration = Duration::from_secs(600);
/// More than socket buffers hold.
pub(crate) const LARGE_BYTES: usize = 64 * 1024 * 1024;
pub(crate) const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) fn run<F: Future>(test: F) -> F::Output {
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
pub(crate) struct World {
    pub(crate) started: Notify,
    pub(crate) release: Notify,
    pub(crate) open: AtomicUsize,
    pub(crate) most_open: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct Handlers(Arc<World>);

pub(crate) type Answer = Result<Response<Full<Bytes>>, Infallible>;

impl Service<Request<Incoming>> for Handlers {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(handle(Arc::clone(&self.0), request))
    }
}

pub(crate) async fn handle(world: Arc<World>, request: Request<Incoming>) -> Answer {
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
        "/large" => return Ok(Response::new(Full::from(vec![b'x'; LARGE_BYTES]))),
        _ => "hello",
    };
    world.open.fetch_sub(1, SeqCst);
    Ok(Response::new(Full::from(answer)))
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) world: Arc<World>,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) report: JoinHandle<Report>,
}

impl Server {
    /// Starts a server after `set` has had its say; `grace` is that of its shutdown.
    pub(crate) async fn start(
        grace: Duration,
        set: impl FnOnce(Serve<Handlers>) -> Serve<Handlers>,
    ) -> Self {
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

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr)
            .await
            .expect("the server listens")
    }

    pub(crate) async fn stop(self) -> Report {
        drop(self.stop);
        self.report.await.expect("the server does not panic")
    }
}

/// Waits until nobody listens at `addr`, so that a shutdown has begun.
pub(crate) async fn until_closed(addr: SocketAddr) {
    while TcpStream::connect(addr).await.is_ok() {
        heist::task::yield_now().await;
    }
}

/// Reads one answer whose length the head gives.
pub(crate) async fn answer(stream: &mut TcpStream) -> String {
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
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes).await);
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) type Sender = http2::SendRequest<Empty<Bytes>>;

/// Connects with HTTP/2 by prior knowledge.
pub(crate) async fn http2_client(server: &Server) -> Sender {
    let stream = server.connect().await;
    let (sender, conn) = http2::handshake(HeistExecutor, stream)
        .await
        .expect("HTTP/2 is spoken");
    drop(heist::spawn(conn));
    sender
}

pub(crate) async fn get(sender: &mut Sender, path: &str) -> hyper::Result<String> {
    let uri = format!("http://test{path}");
    let request = Request::get(uri)
        .body(Empty::new())
        .expect("a good request");
    let response = sender.send_request(request).await?;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}
