//! The HTTP service: hyper's "Hello, world!".

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

/// Serves one connection.
pub(crate) async fn handle(io: impl Read + Write + Unpin) {
    let service = service_fn(hello);
    // The client ends a connection as it likes; that is no error here.
    let _ = http1::Builder::new().serve_connection(io, service).await;
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(BODY))))
}

/// What every peer answers.
pub(crate) const BODY: &[u8] = b"Hello, world!";
