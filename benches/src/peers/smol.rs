//! smol: async-executor, its threads driving async-io, as the crate `smol` puts them together.

use std::future::{Future, pending};
use std::io;
use std::net::TcpListener;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use async_executor::{Executor, Task};
use async_io::Timer;
use async_net::TcpStream;
use futures_lite::{AsyncReadExt, AsyncWriteExt as _, future};
use smol_hyper::rt::FuturesIo;

use crate::Job;
use crate::measure::Outcome;
use crate::runtime::{Net, Runtime, Shared, Stream};
use crate::workloads::net::Service;
use crate::workloads::{self, http};

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> anyhow::Result<Option<Outcome>> {
    match workloads::any::<Smol>(job).or_else(|| workloads::shared::<Smol>(job)) {
        None => workloads::serve::<Smol>(job),
        outcome => Ok(outcome),
    }
}

/// The threads that run [`EXECUTOR`], for the rest of the process.
#[derive(Debug)]
pub(super) struct Smol;

static EXECUTOR: LazyLock<Executor<'static>> = LazyLock::new(Executor::new);

impl Runtime for Smol {
    type Join<T: Send + 'static> = Task<T>;

    fn run<F>(job: &Job, root: impl Fn(usize) -> F + Send + Sync)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Smol = Smol::start(job);
        async_io::block_on(EXECUTOR.spawn(root(0)));
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        EXECUTOR.spawn(future)
    }

    fn detach<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        EXECUTOR.spawn(future).detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        future::yield_now()
    }

    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    async fn timeout<F>(limit: Duration, future: F) -> bool
    where
        F: Future<Output = ()> + Send,
    {
        let in_time = async {
            future.await;
            true
        };
        let over = async {
            Timer::after(limit).await;
            false
        };
        future::or(in_time, over).await
    }
}

impl Shared for Smol {
    fn start(job: &Job) -> Self {
        for _ in 0..job.workers {
            thread::spawn(|| async_io::block_on(EXECUTOR.run(pending::<()>())));
        }
        Smol
    }

    fn spawn_from_outside<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        EXECUTOR.spawn(future).detach();
    }

    fn spawn_blocking(work: impl FnOnce() + Send + 'static) -> Task<()> {
        blocking::unblock(work)
    }
}

impl Net for Smol {
    fn serve(job: &Job, listeners: Vec<TcpListener>, service: Service) -> io::Result<()> {
        let Smol = Smol::start(job);
        let accept = EXECUTOR.spawn(async move {
            let listener = listeners.into_iter().next().expect("there is one per root");
            let listener = async_net::TcpListener::try_from(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                match service {
                    Service::Http => EXECUTOR
                        .spawn(http::handle(FuturesIo::new(stream)))
                        .detach(),
                    _ => EXECUTOR.spawn(service.handle::<Smol>(stream)).detach(),
                }
            }
        });
        async_io::block_on(accept)
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
