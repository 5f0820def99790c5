//! compio: a runtime per thread, nothing shared, io_uring.
//!
//! What of it is not `Send` goes into a `SendWrapper`, which looks at the thread's id at each poll:
//! some nanoseconds per timer and socket operation that are not compio's.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use compio::buf::{BufResult, IntoInner as _, IoBuf as _};
use compio::io::{AsyncRead, AsyncWriteExt as _};
use compio::net::TcpStream;
use compio::runtime::JoinHandle;
use send_wrapper::SendWrapper;

use crate::Job;
use crate::measure::Outcome;
use crate::runtime::{Net, Runtime, Stream};
use crate::workloads;
use crate::workloads::net::Service;

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> anyhow::Result<Option<Outcome>> {
    match workloads::any::<Compio>(job) {
        None if job.workload == "http" => Ok(None),
        None => workloads::serve::<Compio>(job),
        outcome => Ok(outcome),
    }
}

/// One runtime per thread.
#[derive(Debug)]
pub(super) struct Compio;

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

impl Runtime for Compio {
    type Join<T: Send + 'static> = Join<T>;

    fn roots(workers: usize) -> usize {
        workers
    }

    fn run<F>(job: &Job, root: impl Fn(usize) -> F + Send + Sync)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        on_each_thread(job.workers, root);
    }

    fn spawn<F>(future: F) -> Join<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Join(compio::runtime::spawn(future))
    }

    fn detach<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        compio::runtime::spawn(future).detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        futures_lite::future::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        SendWrapper::new(compio::time::sleep(duration))
    }

    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = bool> + Send
    where
        F: Future<Output = ()> + Send,
    {
        SendWrapper::new(async move { compio::time::timeout(limit, future).await.is_ok() })
    }
}

/// Runs one root per thread, each in a runtime of its own.
fn on_each_thread<F: Future>(workers: usize, root: impl Fn(usize) -> F + Send + Sync) {
    let root = &root;
    thread::scope(|scope| {
        for index in 0..workers {
            scope.spawn(move || {
                let runtime = compio::runtime::Runtime::new();
                runtime
                    .expect("the system gives a ring")
                    .block_on(root(index));
            });
        }
    });
}

impl Net for Compio {
    fn serve(job: &Job, listeners: Vec<TcpListener>, service: Service) -> io::Result<()> {
        on_each_thread(job.workers, |index| {
            let listener = listeners[index].try_clone();
            async move {
                let listener = compio::net::TcpListener::from_std(listener?)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    compio::runtime::spawn(service.handle::<Compio>(stream)).detach();
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
        let BufResult(count, slice) = AsyncRead::read(self, buffer.slice(..size)).await;
        (count, slice.into_inner())
    }

    async fn write(&mut self, buffer: Vec<u8>, count: usize) -> (io::Result<()>, Vec<u8>) {
        let BufResult(written, slice) = self.write_all(buffer.slice(..count)).await;
        (written, slice.into_inner())
    }
}
