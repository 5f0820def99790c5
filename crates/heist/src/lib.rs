//! A multi-threaded, work-stealing async runtime for servers.
//!
//! Per-core workers steal cooperative tasks from one another, and one shared reactor delivers I/O
//! and timers to them. Names, signatures and meaning are tokio's: moving over is a rename.
//!
//! ```
//! use heist::io::{AsyncReadExt, AsyncWriteExt};
//! use heist::net::{TcpListener, TcpStream};
//!
//! #[heist::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let addr = listener.local_addr()?;
//!     let server = heist::spawn(async move {
//!         let (mut stream, _) = listener.accept().await?;
//!         stream.write_all(b"hello").await
//!     });
//!
//!     let mut text = String::new();
//!     TcpStream::connect(addr).await?.read_to_string(&mut text).await?;
//!     assert_eq!(text, "hello");
//!     server.await?
//! }
//! ```
//!
//! | Module | What it holds |
//! |---|---|
//! | [`runtime`] | building, entering and shutting down a runtime; its figures |
//! | [`task`] | spawning, joining, aborting, yielding |
//! | [`time`] | sleeping, timeouts, intervals |
//! | [`net`] | TCP, UDP, Unix sockets, pipes |
//! | [`fs`] | files and directories |
//! | [`process`] | child processes |
//! | [`io`], [`sync`] | tokio's runtime-independent utilities, re-exported; standard streams |
//! | [`signal`] | Ctrl-C and other signals |
//!
//! Linux is the system it is made for and tested on. macOS and Windows are served by the same code where it
//! is portable; [`process`], Unix sockets, pipes and foreign descriptors are there on Unix only, and what is
//! says so on its page.
//!
//! This crate only assembles `heist-scheduler`, `heist-reactor` and `heist-net`, and owns the
//! threads.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    docsrs,
    doc(auto_cfg(hide(loom, feature = "io-util", feature = "std", feature = "sync"))),
    expect(
        unexpected_cfgs,
        reason = "those of the crates whose items are re-exported"
    )
)]

pub mod runtime;
pub mod sync;
pub mod time;

pub mod task;

mod blocking_io;
pub mod io;

pub mod net;

#[doc(hidden)]
pub mod select;

pub mod fs;
pub mod signal;

#[cfg(unix)]
pub mod process;

pub use heist_macros::{main, test};
pub use task::spawn;
pub use tokio::{join, pin, try_join};
