//! What takes connections from a listener and starts a task for each; one per listener.

use std::{
    error::Error,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
    time::Duration,
};

use heist::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use http_body::Body;
use hyper::{Request, Response, body::Incoming, service::Service};

use crate::{config::Config, connection::Protocols, registry::Registry, wire::Wire};

/// How long the accept loop rests after an error. (A shortage of descriptors, or a client that is
/// gone already, is no error of Heist's listener.)
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// How many queued connections a shutdown still takes.
const MAX_QUEUED: usize = 4096;

/// Clones share the connection cap, the registry and the count of errors.
#[derive(Clone)]
pub(crate) struct Acceptor<S> {
    service: S,
    nodelay: bool,
    places: Option<Arc<Semaphore>>,
    protocols: Arc<Protocols>,
    registry: Arc<Registry>,
    errors: Arc<AtomicU64>,
}

impl<S, B> Acceptor<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(crate) fn new(service: S, config: Config, registry: &Arc<Registry>) -> Self {
        let places = config
            .max_connections
            .map(|max| max.min(Semaphore::MAX_PERMITS));
        Self {
            service,
            nodelay: config.nodelay,
            places: places.map(|places| Arc::new(Semaphore::new(places))),
            protocols: Protocols::new(config, registry),
            registry: Arc::clone(registry),
            errors: Arc::default(),
        }
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(crate) async fn accept_forever(self, listener: Arc<TcpListener>) {
        loop {
            let permit = place(self.places.clone()).await;
            match listener.accept().await {
                Ok((stream, peer)) => self.spawn(stream, peer, permit),
                Err(_) => {
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// Takes what the kernel has queued, as far as there is place, without waiting for more.
    pub(crate) async fn accept_queued(&mut self, listener: &TcpListener) {
        for _ in 0..MAX_QUEUED {
            let Some(permit) = at_once(place(self.places.clone())).await else {
                return;
            };
            let Some(Ok((stream, peer))) = at_once(listener.accept()).await else {
                return;
            };
            self.spawn(stream, peer, permit);
        }
    }

    fn spawn(&self, stream: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        if self.nodelay {
            // It fails only when the client is gone already, which the first read will tell.
            drop(stream.set_nodelay(true));
        }
        let member = self.registry.enter(peer);
        let wire = Wire::new(stream, permit);
        let protocols = Arc::clone(&self.protocols);
        drop(heist::spawn(protocols.serve(
            wire,
            peer,
            self.service.clone(),
            member,
        )));
    }
}

/// Waits for a place under the connection cap, if there is a cap.
async fn place(places: Option<Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    Some(
        places?
            .acquire_owned()
            .await
            .expect("the semaphore is never closed"),
    )
}

/// The output of `future` if one poll gives it.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
