//! The services that the network workloads are served with. The clients are in `xtask/src/load`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::Job;
use crate::runtime::{Runtime, Stream};

/// What is done with a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    /// Everything is sent back, read with a buffer of so many bytes.
    Echo {
        /// Bytes per read.
        buffer: usize,
        /// What is done in between.
        handler: Handler,
    },
    /// It is closed at once.
    Close,
    /// HTTP/1.1 with hyper, thirteen bytes of body.
    Http,
}

/// What an echo does with what it has read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// Nothing.
    Inline,
    /// If it begins with [`BLOCK`], it blocks its worker for a second.
    Blocking,
    /// A task is spawned for it, as servers of HTTP/2 do, and the connection waits for that.
    Spawned,
}

impl Service {
    /// The service of a network workload; `--width` is the buffer's size.
    pub(crate) fn named(job: &Job) -> Option<Service> {
        let echo = |handler| Service::Echo {
            buffer: job.width,
            handler,
        };
        Some(match job.workload.as_str() {
            "tcp_echo" => echo(Handler::Inline),
            "tcp_spawn" => echo(Handler::Spawned),
            "blocked" => echo(Handler::Blocking),
            "accept_close" => Service::Close,
            "http" => Service::Http,
            _ => return None,
        })
    }

    /// Serves one connection, except [`Service::Http`], which asks for hyper's I/O traits.
    pub(crate) async fn handle<R: Runtime>(self, stream: impl Stream) {
        if let Service::Echo { buffer, handler } = self {
            // The client ends a connection as it likes; that is no error here.
            let _ = echo::<R>(stream, buffer, handler).await;
        }
    }
}

async fn echo<R: Runtime>(
    mut stream: impl Stream,
    size: usize,
    handler: Handler,
) -> io::Result<()> {
    let mut buffer = vec![0; size];
    loop {
        let (count, mut filled) = stream.read(buffer).await;
        let count = count?;
        if count == 0 {
            return Ok(());
        }
        match handler {
            Handler::Spawned => filled = R::spawn(async move { filled }).await,
            Handler::Blocking if filled[0] == BLOCK => thread::sleep(Duration::from_secs(1)),
            Handler::Blocking | Handler::Inline => {}
        }
        let (written, taken) = stream.write(filled, count).await;
        written?;
        buffer = taken;
    }
}

/// So many listeners on one free loopback port, which the first line printed names. The kernel
/// spreads connections over them.
pub(crate) fn listeners(count: usize) -> io::Result<Vec<TcpListener>> {
    let mut addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut listeners = Vec::new();
    for _ in 0..count {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(count > 1)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        addr = listener.local_addr()?;
        listeners.push(listener);
    }
    println!("listening on {addr}");
    Ok(listeners)
}

/// No message of the echo workload begins with this byte.
pub(crate) const BLOCK: u8 = 255;

const BACKLOG: i32 = 4096;
