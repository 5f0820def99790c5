//! A TCP proxy: `proxy --upstream HOST:PORT [--addr HOST:PORT] [--workers N]`.
//!
//! Each direction ends on its own: a client that has said all it has to say still hears the answer.
//! A reset on one side resets the other. On SIGTERM the open connections run on until both sides
//! are done, or the grace is over.

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use heist::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use heist_examples::{run, tcp};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const BUFFER_BYTES: usize = 64 * 1024;

fn main() -> ExitCode {
    run("proxy", "127.0.0.1:7000", true, |options| async move {
        let upstream: Arc<str> = options.upstream.as_deref().unwrap_or_default().into();
        tcp::serve(&options, move |client, _ending| {
            let upstream = Arc::clone(&upstream);
            async move {
                if let Err(error) = proxy(client, &upstream).await {
                    eprintln!("{error}");
                }
            }
        })
        .await
    })
}

async fn proxy(mut client: TcpStream, upstream: &str) -> io::Result<()> {
    let mut server = match timeout(CONNECT_TIMEOUT, TcpStream::connect(upstream)).await {
        Ok(Ok(server)) => server,
        Ok(Err(error)) => return unreachable(client, upstream, error),
        Err(late) => return unreachable(client, upstream, late.into()),
    };
    server.set_nodelay(true)?;
    let passed = {
        let (client_read, client_write) = client.split();
        let (server_read, server_write) = server.split();
        heist::try_join!(
            pass(client_read, server_write),
            pass(server_read, client_write),
        )
    };
    if passed.is_err() {
        // Ends of stream are passed on by `pass`; what is left is a reset, or a peer that is gone.
        reset_on_close(&client);
        reset_on_close(&server);
    }
    Ok(())
}

/// Passes on bytes until the end of `from`, then passes on the end.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}

/// Lets the client see a reset, as it would without a proxy in between.
fn unreachable(client: TcpStream, upstream: &str, error: io::Error) -> io::Result<()> {
    reset_on_close(&client);
    Err(io::Error::new(
        error.kind(),
        format!("cannot connect to {upstream}: {error}"),
    ))
}

fn reset_on_close(stream: &TcpStream) {
    // It fails only on a socket that is broken already.
    drop(stream.set_zero_linger());
}
