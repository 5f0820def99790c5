//! Heist.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use heist::io::{AsyncReadExt, AsyncWriteExt as _};
use heist::net::TcpStream;
use heist::runtime::{Builder, Runtime as HeistRuntime};
use heist::task::JoinHandle;

use crate::Job;
use crate::measure::Outcome;
use crate::runtime::{Net, Runtime, Shared, Stream};
use crate::workloads::net::Service;
use crate::workloads::{self, http};

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> anyhow::Result<Option<Outcome>> {
    match workloads::any::<Heist>(job).or_else(|| workloads::shared::<Heist>(job)) {
        None => workloads::serve::<Heist>(job),
        outcome => Ok(outcome),
    }
}

/// A runtime of it.
#[derive(Debug)]
pub(super) struct Heist(HeistRuntime);

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

impl Runtime for Heist {
    type Join<T: Send + 'static> = Join<T>;

    fn run<F>(job: &Job, root: impl Fn(usize) -> F + Send + Sync)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Heist(runtime) = Heist::start(job);
        let root = runtime.spawn(root(0));
        runtime.block_on(root).expect("no workload panics");
    }

    fn spawn<F>(future: F) -> Join<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Join(heist::spawn(future))
    }

    fn detach<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(heist::spawn(future));
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        heist::task::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        heist::time::sleep(duration)
    }

    async fn timeout<F>(limit: Duration, future: F) -> bool
    where
        F: Future<Output = ()> + Send,
    {
        heist::time::timeout(limit, future).await.is_ok()
    }
}

impl Shared for Heist {
    fn start(job: &Job) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(job.workers)
            .enable_all()
            // It looks after the workers by the clock, and so more often per operation the slower
            // the machine: a count under valgrind would hold thirty times its share.
            .watchdog(job.watched && !job.counted)
            .build();
        Heist(runtime.expect("the system gives threads and descriptors"))
    }

    fn spawn_from_outside<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.spawn(future));
    }

    fn spawn_blocking(work: impl FnOnce() + Send + 'static) -> Join<()> {
        Join(heist::task::spawn_blocking(work))
    }
}

impl Net for Heist {
    fn serve(job: &Job, listeners: Vec<TcpListener>, service: Service) -> io::Result<()> {
        let Heist(runtime) = Heist::start(job);
        let accept = runtime.spawn(async move {
            service.begin::<Heist>();
            let listener = listeners.into_iter().next().expect("there is one per root");
            let listener = heist::net::TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                match service {
                    Service::Http => drop(heist::spawn(http::handle(stream))),
                    _ => drop(heist::spawn(service.handle(stream))),
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
