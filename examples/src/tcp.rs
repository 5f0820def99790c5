//! A TCP server around a function of one connection, with a graceful end.

use std::{future::Future, io, time::Duration};

use heist::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

use crate::{Options, Shutdown, announce};

/// Tells a connection that the server is ending.
#[derive(Clone, Debug)]
pub struct Ending(watch::Receiver<bool>);

impl Ending {
    /// Whether the end has begun.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the end to begin.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn begun(&mut self) {
        // An error means that the server is gone, which is an end as well.
        drop(self.0.wait_for(|ending| *ending).await);
    }
}

/// Listens on [`Options::addr`] and runs `handle` for each connection, until SIGINT or SIGTERM; then
/// stops accepting, tells the connections, and waits for them as long as [`Options::grace`].
///
/// # Errors
///
/// When it cannot listen; the line names the address.
pub async fn serve<F>(options: &Options, handle: impl Fn(TcpStream, Ending) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut shutdown = Shutdown::new()?;
    let listener = bind(&options.addr).await?;
    announce(listener.local_addr()?);
    let (end, ending) = watch::channel(false);
    let ending = Ending(ending);
    heist::select! {
        () = shutdown.wait() => {}
        () = accept_forever(&listener, &ending, handle) => {}
    }
    drop((listener, ending));
    end.send_replace(true);
    // Each connection holds a receiver, so the channel closes when the last one has ended.
    if timeout(options.grace, end.closed()).await.is_err() {
        eprintln!("connections cut after the grace");
    }
    Ok(())
}

/// How long [`close`] listens on.
const LINGER: Duration = Duration::from_secs(1);

/// Closes a connection so that all that was written arrives: says so, then reads on until the client
/// closes as well, or a second is over. (Closing with bytes unread would reset the connection.)
///
/// # Errors
///
/// When the connection is broken.
pub async fn close(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = vec![0; 16 * 1024];
    let listen = async {
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    };
    timeout(LINGER, listen).await.unwrap_or(Ok(()))
}

/// Binds a listener, and says what it could not listen on.
///
/// # Errors
///
/// The system's, with the address in front.
pub async fn bind(addr: &str) -> io::Result<TcpListener> {
    TcpListener::bind(addr)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {addr}: {error}")))
}

async fn accept_forever<F>(
    listener: &TcpListener,
    ending: &Ending,
    handle: impl Fn(TcpStream, Ending) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => {
                drop(stream.set_nodelay(true));
                let connection = handle(stream, ending.clone());
                let alive = ending.clone();
                drop(heist::spawn(async move {
                    connection.await;
                    drop(alive);
                }));
            }
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
