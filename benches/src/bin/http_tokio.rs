//! The `http` example's `/` and `/json` on tokio's multi-thread runtime with `axum::serve`.

use std::error::Error;
use std::process::ExitCode;

use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use heist_benches::ServerArgs;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http_tokio: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args = ServerArgs::parse(std::env::args_os().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.workers)
        .enable_io()
        .enable_time()
        .build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: ServerArgs) -> Result<(), Box<dyn Error>> {
    let router = Router::new()
        .route("/", get(async || "Hello, world!"))
        .route("/json", get(hello_json));
    let listener = TcpListener::bind(args.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // The example sets it too; a connection that refuses it is served all the same.
        let _ = stream.set_nodelay(true);
    });
    let mut terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    Ok(())
}

async fn hello_json() -> Json<Value> {
    Json(json!({ "message": "Hello, world!" }))
}
