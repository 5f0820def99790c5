//! A TCP echo server: `echo [--addr HOST:PORT] [--workers N]`.
//!
//! On SIGTERM each connection sends back what it has read, then ends.

use std::{io, process::ExitCode};

use heist::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use heist_examples::{run, tcp};

const BUFFER_BYTES: usize = 16 * 1024;

fn main() -> ExitCode {
    run("echo", "127.0.0.1:7777", false, |options| async move {
        tcp::serve(&options, |stream, ending| async move {
            // A client that resets its connection is nobody's error but its own.
            drop(echo(stream, ending).await);
        })
        .await
    })
}

async fn echo(mut stream: TcpStream, mut ending: tcp::Ending) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    while !ending.has_begun() {
        let count = heist::select! {
            biased;
            count = stream.read(&mut buffer) => count?,
            () = ending.begun() => break,
        };
        if count == 0 {
            break;
        }
        stream.write_all(&buffer[..count]).await?;
    }
    tcp::close(stream).await
}
