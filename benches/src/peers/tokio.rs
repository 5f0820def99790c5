//! tokio, multi-threaded.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime as TokioRuntime};
use tokio::task::JoinHandle;

use crate::Job;
use crate::measure::Outcome;
use crate::runtime::{Net, Runtime, Shared, Stalled, Stream};
use crate::workloads::net::Service;
use crate::workloads::{self, http, stall};

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> anyhow::Result<Option<Outcome>> {
    let outcome = workloads::any::<Tokio>(job).or_else(|| workloads::shared::<Tokio>(job));
    match outcome.or_else(|| stall::run::<Tokio>(job)) {
        None => workloads::serve::<Tokio>(job),
        outcome => Ok(outcome),
    }
}

/// A runtime of it.
#[derive(Debug)]
pub(super) struct Tokio(TokioRuntime);

/// Its join handle; a panic of the task becomes one of the joiner.
#[derive(Debug)]
pub(super) struct Join<T>(JoinHandle<T>);

impl<T> Future for Join<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let output = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(output.expect("no task of a workload panics"))
    }
}

impl Runtime for Tokio {
    type Join<T: Send + 'static> = Join<T>;

    fn run<F>(job: &Job, root: impl Fn(usize) -> F + Send + Sync)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Tokio(runtime) = Tokio::start(job);
        let root = runtime.spawn(root(0));
        runtime.block_on(root).expect("no workload panics");
    }

    fn spawn<F>(future: F) -> Join<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Join(tokio::spawn(future))
    }

    fn detach<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(tokio::spawn(future));
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        tokio::task::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }

    async fn timeout<F>(limit: Duration, future: F) -> bool
    where
        F: Future<Output = ()> + Send,
    {
        tokio::time::timeout(limit, future).await.is_ok()
    }
}

impl Shared for Tokio {
    fn start(job: &Job) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(job.workers)
            .enable_all()
            .build();
        Tokio(runtime.expect("the system gives threads and descriptors"))
    }

    fn spawn_from_outside<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.spawn(future));
    }

    fn spawn_blocking(work: impl FnOnce() + Send + 'static) -> Join<()> {
        Join(tokio::task::spawn_blocking(work))
    }
}

impl Stalled for Tokio {
    fn accept(&self, listener: TcpListener) {
        let accept = async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it registers");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("it is a TCP socket");
                drop(tokio::spawn(stall::connection::<Tokio>(stream)));
            }
        };
        drop(self.0.spawn(accept));
    }

    fn spawn_named<F>(&self, _name: &str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.spawn(future));
    }

    fn block_named(&self, _name: &str, work: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn_blocking(work));
    }

    fn end(self, grace: Duration) -> Vec<String> {
        self.0.shutdown_timeout(grace);
        Vec::new()
    }

    fn reports() -> Vec<String> {
        Vec::new()
    }

    fn spare_workers(&self) -> u64 {
        0
    }
}

impl Net for Tokio {
    fn serve(job: &Job, listeners: Vec<TcpListener>, service: Service) -> io::Result<()> {
        let Tokio(runtime) = Tokio::start(job);
        let accept = runtime.spawn(async move {
            let listener = listeners.into_iter().next().expect("there is one per root");
            let listener = tokio::net::TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                match service {
                    Service::Http => drop(tokio::spawn(http::handle(TokioIo::new(stream)))),
                    _ => drop(tokio::spawn(service.handle::<Tokio>(stream))),
                }
            }
        });
        runtime.block_on(accept).expect("accepting does not panic")
    }
}

impl Stream for TcpStream {
    async fn read(&mut self, mut buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        (AsyncReadExt::read(self, &mut buffer).await, buffer)
    }

    async fn write(&mut self, buffer: Vec<u8>, count: usize) -> (io::Result<()>, Vec<u8>) {
        (self.write_all(&buffer[..count]).await, buffer)
    }
}
