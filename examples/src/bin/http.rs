//! An axum application: `http [--addr HOST:PORT] [--workers N]`.
//!
//! HTTP/1 and HTTP/2 (prior knowledge) on one port. On SIGTERM it finishes the requests in flight.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    pin::Pin,
    process::ExitCode,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use heist::{
    runtime::Handle,
    time::{Sleep, sleep},
};
use heist_examples::{Options, Shutdown, announce, prometheus, run, tcp};
use http_body::Frame;

fn main() -> ExitCode {
    run("http", "127.0.0.1:8080", false, serve)
}

async fn serve(options: Options) -> std::io::Result<()> {
    let mut shutdown = Shutdown::new()?;
    let listener = tcp::bind(&options.addr).await?;
    announce(listener.local_addr()?);
    let report = heist_hyper::serve(listener, application())
        .with_graceful_shutdown(async move { shutdown.wait().await }, options.grace)
        .await;
    eprintln!("{report}");
    Ok(())
}

fn application() -> Router {
    Router::new()
        .route("/", get(|| async { "Hello, world!" }))
        .route("/json", get(json))
        .route("/sleep/{ms}", get(sleep_ms))
        .route("/stream", get(stream))
        .route("/echo", post(|body: Body| async { body }))
        .route("/metrics", get(metrics))
}

async fn json() -> Json<BTreeMap<&'static str, &'static str>> {
    Json(BTreeMap::from([("message", "Hello, world!")]))
}

/// The longest that a client may make the server sleep, in milliseconds.
const MAX_SLEEP_MS: u64 = 60_000;

async fn sleep_ms(Path(ms): Path<u64>) -> Response {
    if ms > MAX_SLEEP_MS {
        let refusal = format!("at most {MAX_SLEEP_MS} ms\n");
        return (StatusCode::BAD_REQUEST, refusal).into_response();
    }
    sleep(Duration::from_millis(ms)).await;
    format!("slept {ms} ms\n").into_response()
}

/// Ten lines, a tenth of a second apart.
async fn stream() -> Body {
    Body::new(Lines {
        next: 1,
        pause: sleep(Duration::ZERO),
    })
}

/// A body that sends its lines as time goes by.
struct Lines {
    next: u32,
    pause: Sleep,
}

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next > 10 {
            return Poll::Ready(None);
        }
        ready!(Pin::new(&mut self.pause).poll(cx));
        let line = format!("line {} of 10\n", self.next);
        self.next += 1;
        self.pause = sleep(Duration::from_millis(100));
        Poll::Ready(Some(Ok(Frame::data(line.into()))))
    }
}

/// What the runtime counts, in Prometheus' text format.
async fn metrics() -> String {
    prometheus::text(&Handle::current().metrics())
}
