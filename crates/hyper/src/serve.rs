//! The server: its builder and its shutdown.
//!
//! # Protocol of the shutdown
//!
//! 1. The signal comes: connections drain (see [`crate::connection`]).
//! 2. Connections that the kernel has already queued are taken, then the listener is closed.
//! 3. The grace runs until the last connection has ended, or until it is over.
//! 4. What is left is noted in the [`Report`], then cut; the server waits [`CUT_WAIT`] at most for
//!    the sockets to close, since a handler that blocks its thread cannot be cut.

use std::{
    error::Error,
    fmt,
    future::{Future, IntoFuture, Pending, pending, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use heist::{net::TcpListener, task::JoinSet, time::timeout};
use http_body::Body;
use hyper::{Request, Response, body::Incoming, service::Service};
use hyper_util::service::TowerToHyperService;

use crate::{
    acceptor::Acceptor,
    config::{Config, Http2},
    registry::{Phase, Registry},
    report::Report,
};

/// How long cut connections get to close their sockets.
const CUT_WAIT: Duration = Duration::from_millis(500);
/// Serves a tower service, such as an axum `Router`, on `listener`, with a clone per connection.
///
/// Each connection speaks HTTP/1 or HTTP/2 (prior knowledge), as its client does. Nothing happens
/// before the [`Serve`] is awaited.
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::get};
/// use heist::net::TcpListener;
///
/// # #[heist::main]
/// # async fn main() -> std::io::Result<()> {
/// let app = Router::new().route("/", get(|| async { "hello, world\n" }));
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let stop = std::future::ready(());
/// // `stop` is any future; a server takes `heist::signal::ctrl_c()` or the like.
/// let report = heist_hyper::serve(listener, app)
///     .max_connections(10_000)
///     .with_graceful_shutdown(stop, Duration::from_secs(10))
///     .await;
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
pub fn serve<S>(listener: TcpListener, service: S) -> Serve<TowerToHyperService<S>> {
    serve_hyper(listener, TowerToHyperService::new(service))
}

/// Serves a hyper service, such as a [`service_fn`](hyper::service::service_fn), on `listener`,
/// with a clone per connection. Otherwise as [`serve`].
pub fn serve_hyper<S>(listener: TcpListener, service: S) -> Serve<S> {
    Serve {
        listeners: vec![listener],
        service,
        config: Config::default(),
        signal: pending(),
        grace: Duration::ZERO,
    }
}

/// A server that is set up; await it to run it. Made by [`serve`] and [`serve_hyper`].
///
/// Awaiting gives a [`Report`] once the graceful shutdown is over, and never ends without one
/// ([`with_graceful_shutdown`](Self::with_graceful_shutdown)): no error of a connection or of `accept` ends a
/// server. A handler that panics ends only its own connection.
///
/// # Cancel safety
///
/// Dropping the future closes the listener and cuts all its connections.
///
/// # Panics
///
/// Polling panics outside a Heist runtime.
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<S, F = Pending<()>> {
    listeners: Vec<TcpListener>,
    service: S,
    config: Config,
    signal: F,
    grace: Duration,
}

impl<S, F> Serve<S, F> {
    /// Ends gracefully once `signal` is ready.
    ///
    /// The server stops accepting, closes idle keep-alive connections at once, finishes what is in
    /// flight within `grace`, then cuts what is left and reports it.
    pub fn with_graceful_shutdown<G>(self, signal: G, grace: Duration) -> Serve<S, G>
    where
        G: Future<Output = ()>,
    {
        let Self {
            listeners,
            service,
            config,
            ..
        } = self;
        Serve {
            listeners,
            service,
            config,
            signal,
            grace,
        }
    }

    /// Bounds the connections that are open at once: at the bound the server accepts no more, and
    /// new clients wait in the kernel's queue. Unbounded unless set; 0 counts as 1.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.config.max_connections = Some(connections.max(1));
        self
    }

    /// Bounds the time from the start of a connection, or from the end of an answer, to the end of
    /// the next request's head; a client that takes longer is closed. 30 s unless set; `None` sets
    /// no bound.
    ///
    /// It is also how long an idle HTTP/1 keep-alive connection stays open. On HTTP/2 it bounds the
    /// first request only; [`Http2::ping`] finds dead clients later.
    pub fn header_read_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.config.header_read_timeout = timeout.into();
        self
    }

    /// Bounds the bytes of a request head; HTTP/1 answers a larger one with 431 and closes.
    /// 64 KiB unless set.
    pub fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.config.max_header_bytes = bytes;
        self
    }

    /// Sets whether an HTTP/1 connection serves more than one request. On unless set.
    pub fn keep_alive(mut self, enabled: bool) -> Self {
        self.config.keep_alive = enabled;
        self
    }

    /// Sets `TCP_NODELAY` on accepted sockets. On unless set.
    pub fn nodelay(mut self, enabled: bool) -> Self {
        self.config.nodelay = enabled;
        self
    }

    /// Sends the answers to pipelined HTTP/1 requests in one write. Off unless set.
    ///
    /// For services that answer at once: an answer waits while part of a further request has
    /// arrived, so a slow stream before a pipelined request is held up.
    pub fn pipeline_flush(mut self, enabled: bool) -> Self {
        self.config.pipeline_flush = enabled;
        self
    }

    /// Puts the client's [`PeerAddr`](crate::PeerAddr) into each request's extensions. Off unless
    /// set.
    pub fn peer_addr(mut self, enabled: bool) -> Self {
        self.config.peer_addr = enabled;
        self
    }

    /// Sets how HTTP/2 is spoken; `None` refuses it. [`Http2::default`] unless set.
    pub fn http2(mut self, http2: impl Into<Option<Http2>>) -> Self {
        self.config.http2 = http2.into();
        self
    }

    /// Accepts from these listeners as well, with a task for each.
    ///
    /// Where accepting is what limits a server, one listener per worker, all of a group that shares
    /// the port, lets the kernel spread the connections; their clients wait longer for a worker that
    /// is busy, because a connection stays with its listener.
    ///
    /// ```
    /// use axum::Router;
    /// use heist::net::TcpListener;
    ///
    /// # #[heist::main]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut group = TcpListener::bind_group("127.0.0.1:0", 4).await?;
    /// let first = group.swap_remove(0);
    /// let server = heist_hyper::serve(first, Router::<()>::new()).with_listeners(group);
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_listeners(mut self, listeners: impl IntoIterator<Item = TcpListener>) -> Self {
        self.listeners.extend(listeners);
        self
    }

    /// The address that the server, or its first listener, listens on.
    ///
    /// # Errors
    ///
    /// What the system says when it cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listeners[0].local_addr()
    }
}

impl<S, F> fmt::Debug for Serve<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listeners", &self.listeners)
            .field("config", &self.config)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

impl<S, B, F> IntoFuture for Serve<S, F>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    F: Future<Output = ()> + Send + 'static,
{
    type Output = Report;
    type IntoFuture = Pin<Box<dyn Future<Output = Report> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let server = Server::new(self.service, self.config);
        Box::pin(server.run(self.listeners, self.signal, self.grace))
    }
}

/// A server that runs. Dropping it cuts its connections.
struct Server<S> {
    acceptor: Acceptor<S>,
    registry: Arc<Registry>,
}

impl<S, B> Server<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn new(service: S, config: Config) -> Self {
        let registry = Registry::new();
        Self {
            acceptor: Acceptor::new(service, config, &registry),
            registry,
        }
    }

    async fn run<F>(mut self, listeners: Vec<TcpListener>, signal: F, grace: Duration) -> Report
    where
        F: Future<Output = ()>,
    {
        let listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
        let (first, more) = listeners
            .split_first()
            .expect("a server is made with a listener");
        // A task each, so that they accept on several workers at once.
        let mut others = JoinSet::new();
        for listener in more {
            let acceptor = self.acceptor.clone();
            others.spawn(acceptor.accept_forever(Arc::clone(listener)));
        }
        let accepting = self.acceptor.clone().accept_forever(Arc::clone(first));
        unless(signal, accepting).await;
        others.shutdown().await;

        let live = self.registry.len();
        let before = self.registry.entered();
        self.registry.advance(Phase::Draining);
        for listener in &listeners {
            self.acceptor.accept_queued(listener).await;
        }
        drop(listeners);
        let alive = live as u64 + (self.registry.entered() - before);
        let cut = drain(&self.registry, grace).await;
        Report {
            served: self.registry.entered(),
            finished: alive.saturating_sub(cut.len() as u64),
            cut,
            panicked: self.registry.panicked(),
            accept_errors: self.acceptor.errors(),
        }
    }
}

impl<S> Drop for Server<S> {
    fn drop(&mut self) {
        self.registry.advance(Phase::Cutting);
    }
}

/// Waits for the connections to end; gives those that the end of the grace cuts.
async fn drain(registry: &Registry, grace: Duration) -> Vec<SocketAddr> {
    if timeout(grace, registry.emptied()).await.is_ok() {
        return Vec::new();
    }
    let cut = registry.peers();
    registry.advance(Phase::Cutting);
    drop(timeout(CUT_WAIT, registry.emptied()).await);
    cut
}

/// Runs `work` until `signal` is ready.
async fn unless(signal: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    let mut signal = pin!(signal);
    let mut work = pin!(work);
    poll_fn(|cx| match signal.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => work.as_mut().poll(cx),
    })
    .await;
}
