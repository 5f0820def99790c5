//! Serves hyper, tower and axum services on the Heist runtime, over HTTP/1 and HTTP/2.
//!
//! [`serve()`] is the whole of it for most programs: it accepts, speaks the version that the client
//! speaks, bounds what a client may hold up, and ends gracefully with a [`Report`]. [`HeistExecutor`]
//! and [`HeistTimer`] are the two adapters for programs that drive hyper (or tonic, or a pooled
//! client) themselves; Heist's sockets already speak hyper's I/O traits.
//!
//! # Example
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//! use heist::{io::{AsyncReadExt, AsyncWriteExt}, net::{TcpListener, TcpStream}, sync::oneshot};
//! use hyper::{Request, Response, body::Incoming, service::service_fn};
//!
//! async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
//!     Ok(Response::new("hello, world\n".to_owned()))
//! }
//!
//! # #[heist::main]
//! # async fn main() -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let addr = listener.local_addr()?;
//! let (stop, stopped) = oneshot::channel::<()>();
//!
//! // An axum `Router`, or any other tower service, goes to `serve` just so.
//! let server = heist_hyper::serve_hyper(listener, service_fn(hello))
//!     .with_graceful_shutdown(async { drop(stopped.await) }, Duration::from_secs(10));
//! let server = heist::spawn(async move { server.await });
//!
//! let mut client = TcpStream::connect(addr).await?;
//! client.write_all(b"GET / HTTP/1.1\r\nhost: example\r\nconnection: close\r\n\r\n").await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//! assert!(answer.starts_with("HTTP/1.1 200 OK"));
//!
//! stop.send(()).expect("the server still listens");
//! let report = server.await.expect("the server does not panic");
//! assert_eq!((report.served, report.cut.len()), (1, 0));
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants of absence
//!
//! - No unsafe code, and no tokio runtime: of tokio only its traits and its `sync` are linked.
//! - No clock of its own but [`HeistTimer`]'s: every deadline is a Heist timer.

#![forbid(unsafe_code)]

mod rt;

mod head;
mod registry;
mod streams;
mod wire;

mod config;
mod connection;

mod report;
mod acceptor;
mod serve;

pub use config::Http2;
pub use connection::PeerAddr;
pub use report::Report;
pub use rt::{HandleExecutor, HeistExecutor, HeistTimer};
pub use serve::{Serve, serve, serve_hyper};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
