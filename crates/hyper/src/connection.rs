//! One connection's life: tell the version, serve it, end it in good order.
//!
//! # Protocol
//!
//! 1. [`Wire::poll_version`] reads the first bytes, within the head's time.
//! 2. hyper serves the connection; on each poll [`Control::drive`] also looks at the server's phase
//!    and at the head's time.
//! 3. Draining: hyper is polled first, so that a request which has already arrived is still served,
//!    then told to end after what it has in flight. An idle connection ends there and then.
//! 4. After an answer that refuses a head (400, 431), the rest of what the client sends is read and
//!    dropped for a moment: to close with bytes unread would reset the connection, and the reset
//!    would overtake the answer.
//!
//! # Rejected
//!
//! hyper-util's `auto` connection: it waits for the first bytes without a bound, takes a second read
//! for every first request, and keeps one timer per request (see [`crate::head`]).

use std::{
    error::Error,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http_body::Body;
use hyper::{
    Request, Response,
    body::Incoming,
    rt::{Read, Write},
    server::conn::{http1, http2},
    service::Service,
};

use crate::{
    config::Config,
    head::{HeadClock, HeadTimer, HeadWatch},
    registry::{Member, Phase, Registry},
    streams::StreamExecutor,
    wire::{Version, Wire},
};

/// How long, and how much, a refused client is still listened to.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// The client's address, put into the extensions of each request when
/// [`Serve::peer_addr`](crate::Serve::peer_addr) asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);

/// What all connections of one server share.
#[derive(Debug)]
pub(crate) struct Protocols {
    config: Config,
    http1: http1::Builder,
    http2: http2::Builder<StreamExecutor>,
}

impl Protocols {
    pub(crate) fn new(config: Config, registry: &Arc<Registry>) -> Arc<Self> {
        let executor = StreamExecutor::new(Arc::clone(registry));
        Arc::new(Self {
            http1: config.http1_builder(),
            http2: config.http2_builder(executor),
            config,
        })
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve<I, S, B>(
        self: Arc<Self>,
        mut wire: Wire<I>,
        peer: SocketAddr,
        service: S,
        member: Member,
    ) where
        I: Read + Write + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>>,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let clock = HeadClock::starting(self.config.header_read_timeout);
        let mut control = Control::new(member, HeadWatch::new(Arc::clone(&clock)));
        let peer = self.config.peer_addr.then_some(PeerAddr(peer));
        match control.version(&mut wire).await {
            None => {}
            Some(Version::Http2) if self.config.http2.is_some() => {
                let service = Noting {
                    service,
                    peer,
                    first: Some(clock),
                };
                let mut conn = self.http2.serve_connection(wire, service);
                drop(
                    control
                        .drive(&mut conn, http2::Connection::graceful_shutdown)
                        .await,
                );
            }
            Some(_) => {
                self.serve_http1(
                    wire,
                    Noting {
                        service,
                        peer,
                        first: None,
                    },
                    &mut control,
                    clock,
                )
                .await
            }
        }
        control.member.end();
    }

    async fn serve_http1<I, S, B>(
        &self,
        wire: Wire<I>,
        service: S,
        control: &mut Control,
        clock: Arc<HeadClock>,
    ) where
        I: Read + Write + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>>,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut builder = self.http1.clone();
        if let Some(timeout) = self.config.header_read_timeout {
            builder.timer(HeadTimer(clock)).header_read_timeout(timeout);
        }
        let mut conn = builder.serve_connection(wire, service).with_upgrades();
        let drain = http1::UpgradeableConnection::graceful_shutdown;
        let result = control.drive(&mut conn, drain).await;
        let refused = result.is_some_and(|result| result.is_err_and(|error| error.is_parse()));
        if !refused {
            return;
        }
        if let Some(parts) = conn.into_parts() {
            linger(parts.io).await;
        }
    }
}

/// Reads on for a moment after a refusal, so that the refusal arrives.
async fn linger<I: Read + Unpin>(mut wire: Wire<I>) {
    let mut budget = LINGER_BYTES;
    let discard = poll_fn(|cx| wire.poll_discard(cx, &mut budget));
    drop(heist::time::timeout(LINGER, discard).await);
}

/// What steers one connection from outside hyper.
struct Control {
    member: Member,
    watch: HeadWatch,
    drained: bool,
}

impl Control {
    fn new(member: Member, watch: HeadWatch) -> Self {
        Self {
            member,
            watch,
            drained: false,
        }
    }

    fn phase(&self) -> Phase {
        self.member.registry().phase()
    }

    /// The version that the client speaks; `None` when the connection is to end without a word.
    async fn version<I: Read + Unpin>(&mut self, wire: &mut Wire<I>) -> Option<Version> {
        poll_fn(|cx| {
            self.member.reachable_by(cx.waker());
            if let Poll::Ready(version) = wire.poll_version(cx) {
                return Poll::Ready(version.ok());
            }
            let give_up = match self.phase() {
                Phase::Serving => self.watch.poll(cx).is_ready(),
                Phase::Draining => wire.is_untouched() || self.watch.poll(cx).is_ready(),
                Phase::Cutting => true,
            };
            if give_up {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Runs a hyper connection to its result; `None` when it was cut or the client took too long
    /// over a head.
    async fn drive<C>(&mut self, conn: &mut C, drain: fn(Pin<&mut C>)) -> Option<hyper::Result<()>>
    where
        C: Future<Output = hyper::Result<()>> + Unpin,
    {
        poll_fn(|cx| self.poll_drive(conn, drain, cx)).await
    }

    fn poll_drive<C>(
        &mut self,
        conn: &mut C,
        drain: fn(Pin<&mut C>),
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<()>>>
    where
        C: Future<Output = hyper::Result<()>> + Unpin,
    {
        let phase = self.phase();
        if phase == Phase::Cutting {
            return Poll::Ready(None);
        }
        let mut polled = Pin::new(&mut *conn).poll(cx);
        if polled.is_pending() && phase == Phase::Draining && !self.drained {
            self.drained = true;
            drain(Pin::new(conn));
            polled = Pin::new(conn).poll(cx);
        }
        match polled {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => self.watch.poll(cx).map(|()| None),
        }
    }
}

/// The user's service, with what the server has to note about each request.
struct Noting<S> {
    service: S,
    peer: Option<PeerAddr>,
    /// HTTP/2: where the first request ends the wait for a head.
    first: Option<Arc<HeadClock>>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Noting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        if let Some(clock) = &self.first {
            clock.complete();
        }
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        self.service.call(request)
    }
}
