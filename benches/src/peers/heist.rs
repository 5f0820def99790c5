//! Heist.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use heist::io::{AsyncReadExt, AsyncWriteExt as _};
use heist::net::TcpStream;
use heist::runtime::{Builder, Runtime as HeistRuntime, SlowPoll};
use heist::task::{JoinHandle, TaskInfo};

use crate::Job;
use crate::measure::Outcome;
use crate::runtime::{Net, Runtime, Shared, Stalled, Stream};
use crate::workloads::net::Service;
use crate::workloads::{self, http, stall};

/// Runs a workload; `None` if it cannot.
pub(super) fn run(job: &Job) -> anyhow::Result<Option<Outcome>> {
    let outcome = workloads::any::<Heist>(job).or_else(|| workloads::shared::<Heist>(job));
    match outcome.or_else(|| stall::run::<Heist>(job)) {
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
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(job.workers)
            .enable_all()
            // It looks after the workers by the clock, and so more often per operation the slower
            // the machine: a count under valgrind would hold thirty times its share.
            .watchdog(job.watched && !job.counted)
            .on_slow_poll(|poll| {
                let mut reports = REPORTS.lock().expect("nobody panics with it");
                reports.push(told(poll));
            });
        if !job.busy_waits {
            builder.max_busy_wait(Duration::ZERO);
        }
        let runtime = builder.build();
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

/// What the watchdog said.
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn told(poll: &SlowPoll) -> String {
    let task = poll.task.as_ref().map_or("a task".to_owned(), named);
    let stall = format!("{:?}", poll.stall).to_lowercase();
    let (ms, over) = (poll.duration.as_millis(), poll.is_over);
    let so_far = if over { "in all" } else { "so far" };
    format!(
        "worker {} is {stall} in {task}, {ms} ms {so_far}",
        poll.worker
    )
}

fn named(task: &TaskInfo) -> String {
    let name = task.name.as_deref().unwrap_or("unnamed");
    format!("`{name}`, spawned at {}", task.spawned_at)
}

impl Stalled for Heist {
    fn accept(&self, listener: TcpListener) {
        let accept = async move {
            let listener = heist::net::TcpListener::from_std(listener).expect("it registers");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("it is a TCP socket");
                let task = heist::task::Builder::new().name("connection");
                let connection = task.spawn(stall::connection::<Heist>(stream));
                drop(connection.expect("it spawns"));
            }
        };
        drop(self.0.spawn(accept));
    }

    #[track_caller]
    fn spawn_named<F>(&self, name: &str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _entered = self.0.enter();
        let task = heist::task::Builder::new().name(name);
        drop(task.spawn(future).expect("it spawns"));
    }

    #[track_caller]
    fn block_named(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        let _entered = self.0.enter();
        let job = heist::task::Builder::new().name(name);
        drop(job.spawn_blocking(work).expect("it spawns"));
    }

    fn end(self, grace: Duration) -> Vec<String> {
        let report = self.0.shutdown(grace);
        let tasks = report
            .tasks
            .iter()
            .map(|task| format!("task {}", named(task)));
        let jobs = report
            .blocking
            .iter()
            .map(|job| format!("blocking job {}", named(job)));
        tasks.chain(jobs).collect()
    }

    fn reports() -> Vec<String> {
        REPORTS.lock().expect("nobody panics with it").clone()
    }

    fn spare_workers(&self) -> u64 {
        self.0.metrics().spare_worker_start_count()
    }
}

impl Net for Heist {
    fn serve(job: &Job, listeners: Vec<TcpListener>, service: Service) -> io::Result<()> {
        let Heist(runtime) = Heist::start(job);
        let accept = runtime.spawn(async move {
            let listener = listeners.into_iter().next().expect("there is one per root");
            let listener = heist::net::TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                match service {
                    Service::Http => drop(heist::spawn(http::handle(stream))),
                    _ => drop(heist::spawn(service.handle::<Heist>(stream))),
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
