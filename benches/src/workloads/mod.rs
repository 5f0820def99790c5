//! The workloads, each once, generic over the runtime; one file per family.

pub(crate) mod http;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod net;
pub(crate) mod spawn;
pub(crate) mod stall;
pub(crate) mod switch;
pub(crate) mod timer;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::Job;
use crate::measure::{Gate, Outcome};
use crate::runtime::{Net, Runtime, Shared};

/// Runs one of the workloads that every runtime can do; `None` if the name is no such.
pub(crate) fn any<R: Runtime>(job: &Job) -> Option<Outcome> {
    Some(match job.workload.as_str() {
        "spawn_join" => spawn::join::<R>(job),
        "spawn_concurrent" => spawn::concurrent::<R>(job),
        "chained_spawn" => spawn::chained::<R>(job),
        "fork_join" => spawn::fork_join::<R>(job),
        "yield_now" => switch::yield_now::<R>(job),
        "ping_pong" => switch::ping_pong::<R>(job),
        "ping_pong_oneshot" => switch::ping_pong_oneshot::<R>(job),
        "wake_latency" => latency::wake::<R>(job),
        "fair_hog" => latency::fair_hog::<R>(job),
        "timer_create_cancel" => timer::create_cancel::<R>(job),
        "timeout_churn" => timer::timeout_churn::<R>(job),
        "timer_accuracy" => timer::accuracy::<R>(job),
        "mem_task" => idle::mem_task::<R>(job),
        "idle" => idle::idle::<R>(job),
        "idle_tick" => idle::tick::<R>(job),
        _ => return None,
    })
}

/// Runs one of the workloads that ask for workers that share their tasks.
pub(crate) fn shared<R: Shared>(job: &Job) -> Option<Outcome> {
    Some(match job.workload.as_str() {
        "spawn_remote" => spawn::remote::<R>(job),
        "spawn_blocking" => spawn::blocking::<R>(job),
        "strand_rare" => latency::strand_rare::<R>(job),
        "strand_known" => latency::strand_known::<R>(job),
        _ => return None,
    })
}

/// Serves, if the name is one of a service. Ctrl-C ends the process well.
pub(crate) fn serve<R: Net>(job: &Job) -> anyhow::Result<Option<Outcome>> {
    let Some(service) = net::Service::named(job) else {
        return Ok(None);
    };
    end_on_interrupt()?;
    let listeners = net::listeners(R::roots(job.workers))?;
    R::serve(job, listeners, service)?;
    anyhow::bail!("the server ended by itself")
}

/// Lets Ctrl-C end the process as if it had nothing left to do.
pub(crate) fn end_on_interrupt() -> io::Result<()> {
    flag::register_conditional_shutdown(SIGINT, 0, Arc::new(true.into())).map(drop)
}

/// Runs `body` with a number of operations as a root task, first a tenth of them to warm up.
fn measured<R, F>(job: &Job, body: impl Fn(u64) -> F + Send + Sync) -> Outcome
where
    R: Runtime,
    F: Future<Output = u64> + Send + 'static,
{
    let roots = R::roots(job.workers);
    let gate = Arc::new(Gate::new(roots));
    let done = Arc::new(Collected::default());
    let ops = (job.ops / roots as u64).max(1);
    R::run(job, |_| {
        let (gate, done) = (gate.clone(), done.clone());
        let warm_up = (!job.counted).then(|| body((ops / 10).max(1)));
        let body = body(ops);
        async move {
            if let Some(warm_up) = warm_up {
                warm_up.await;
            }
            gate.start();
            let ops = body.await;
            gate.stop();
            done.add([ops]);
        }
    });
    Outcome::per_op(done.take().iter().sum(), gate.used())
}

/// What several tasks hand in.
#[derive(Debug)]
struct Collected<T>(std::sync::Mutex<Vec<T>>);

impl<T> Default for Collected<T> {
    fn default() -> Self {
        Collected(Vec::new().into())
    }
}

impl<T> Collected<T> {
    fn add(&self, items: impl IntoIterator<Item = T>) {
        self.0.lock().expect("no holder panics").extend(items);
    }

    fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().expect("no holder panics"))
    }
}

/// Polls a future once; true if it is done.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}

/// Keeps this thread busy.
fn burn(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}
