//! monoio: a runtime per thread, nothing shared, io_uring.
//!
//! What of it is not `Send` goes into a `SendWrapper`, which looks at the thread's id at each poll:
//! some nanoseconds per timer and socket operation that are not monoio's.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use monoio::buf::{IoBuf as _, IoBufMut as _};
use monoio::io::{AsyncReadRent, AsyncWriteRentExt as _};
use monoio::net::TcpStream;
use monoio::task::JoinHandle;
use monoio::{FusionDriver, RuntimeBuilder};
use send_wrapper::SendWrapper;

use crate::Job;
use crate::measure::Outcome;
use crate::runtime::{Net, Runtime, Stream};
use crate::workloads;
use crate::workloads::net::Service;

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> anyhow::Result<Option<Outcome>> {
    match workloads::any::<Monoio>(job) {
        None if job.workload == "http" => Ok(None),
        None => workloads::serve::<Monoio>(job),
        outcome => Ok(outcome),
    }
}

/// One runtime per thread.
#[derive(Debug)]
pub(super) struct Monoio;

impl Runtime for Monoio {
    type Join<T: Send + 'static> = JoinHandle<T>;

    fn roots(workers: usize) -> usize {
        workers
    }

    fn run<F>(job: &Job, root: impl Fn(usize) -> F + Send + Sync)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        on_each_thread(job.workers, root);
    }

    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        monoio::spawn(future)
    }

    fn detach<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(monoio::spawn(future));
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        futures_lite::future::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        SendWrapper::new(monoio::time::sleep(duration))
    }

    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = bool> + Send
    where
        F: Future<Output = ()> + Send,
    {
        SendWrapper::new(async move { monoio::time::timeout(limit, future).await.is_ok() })
    }
}

/// Runs one root per thread, each in a runtime of its own.
fn on_each_thread<F: Future>(workers: usize, root: impl Fn(usize) -> F + Send + Sync) {
    let root = &root;
    thread::scope(|scope| {
        for index in 0..workers {
            scope.spawn(move || {
                let runtime = RuntimeBuilder::<FusionDriver>::new().enable_timer().build();
                runtime
                    .expect("the system gives a ring")
                    .block_on(root(index));
            });
        }
    });
}

impl Net for Monoio {
    fn serve(job: &Job, listeners: Vec<TcpListener>, service: Service) -> io::Result<()> {
        on_each_thread(job.workers, |index| {
            let listener = listeners[index].try_clone();
            async move {
                let listener = monoio::net::TcpListener::from_std(listener?)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    monoio::spawn(service.handle::<Monoio>(stream));
                }
                #[expect(unreachable_code, reason = "it names the type of the error")]
                io::Result::Ok(())
            }
        });
        Ok(())
    }
}

impl Stream for TcpStream {
    async fn read(&mut self, buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        let size = buffer.len();
        let (count, slice) = AsyncReadRent::read(self, buffer.slice_mut(..size)).await;
        (count, slice.into_inner())
    }

    async fn write(&mut self, buffer: Vec<u8>, count: usize) -> (io::Result<()>, Vec<u8>) {
        let (written, slice) = self.write_all(buffer.slice(..count)).await;
        (written.map(drop), slice.into_inner())
    }
}
