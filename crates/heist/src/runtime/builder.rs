//! Configures and builds a [`Runtime`].

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use heist_reactor::Reactor;
use heist_scheduler::{
    Config, Launch, Reporting, SlowPoll, SlowPollHook, ThreadHook, ThreadKind, Watchdog, budget,
};

use super::driver::{COOP, ReactorDriver, SystemClock};
use super::threads::{self, Threads};
use super::{Handle, Runtime};

/// Builds a [`Runtime`].
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// let runtime = heist::runtime::Builder::new_multi_thread()
///     .worker_threads(4)
///     .thread_name("my-server")
///     .enable_all()
///     .build()?;
/// # drop(runtime);
/// # Ok(()) }
/// ```
pub struct Builder {
    worker_threads: Option<usize>,
    max_blocking_threads: usize,
    keep_alive: Duration,
    max_io_events: usize,
    threads: Threads,
    on_park: Option<ThreadHook>,
    on_unpark: Option<ThreadHook>,
    budget_per_poll: u32,
    watchdog: bool,
    max_spare_workers: Option<usize>,
    slow_poll_threshold: Duration,
    on_slow_poll: Option<SlowPollHook>,
}

impl Builder {
    /// A builder for a runtime with one worker per core.
    ///
    /// The number of workers is, in this order: [`Builder::worker_threads`]; the environment variable
    /// `HEIST_WORKER_THREADS`; [`std::thread::available_parallelism`], which heeds the process's CPU
    /// affinity and its cgroup's quota.
    pub fn new_multi_thread() -> Self {
        Self {
            worker_threads: None,
            max_blocking_threads: 512,
            keep_alive: Duration::from_secs(10),
            max_io_events: 1024,
            threads: Threads {
                name: Arc::new(|| "heist-worker".to_owned()),
                stack_size: None,
                on_start: None,
                on_stop: None,
            },
            on_park: None,
            on_unpark: None,
            budget_per_poll: budget::PER_POLL,
            watchdog: true,
            max_spare_workers: None,
            slow_poll_threshold: Duration::from_millis(100),
            on_slow_poll: None,
        }
    }

    /// Does nothing: I/O and timers are always there. It exists so that code written for tokio
    /// compiles.
    pub fn enable_all(&mut self) -> &mut Self {
        self
    }

    /// Does nothing; see [`Builder::enable_all`].
    pub fn enable_io(&mut self) -> &mut Self {
        self
    }

    /// Does nothing; see [`Builder::enable_all`].
    pub fn enable_time(&mut self) -> &mut Self {
        self
    }

    /// Sets the number of workers, 1 to 65,535. 0 makes [`Builder::build`] fail.
    pub fn worker_threads(&mut self, count: usize) -> &mut Self {
        self.worker_threads = Some(count);
        self
    }

    /// Sets how many threads the blocking pool may have, at least 1; 512 by default.
    pub fn max_blocking_threads(&mut self, count: usize) -> &mut Self {
        self.max_blocking_threads = count;
        self
    }

    /// Sets how long an idle thread of the blocking pool stays; 10 seconds by default.
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Self {
        self.keep_alive = duration;
        self
    }

    /// Names all threads; `heist-worker` by default. Linux shows the first 15 bytes.
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        self.thread_name_fn(move || name.clone())
    }

    /// Sets a function that names each thread.
    pub fn thread_name_fn<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        self.threads.name = Arc::new(f);
        self
    }

    /// Sets the stack size of all threads in bytes; the standard library's 2 MiB by default.
    pub fn thread_stack_size(&mut self, bytes: usize) -> &mut Self {
        self.threads.stack_size = Some(bytes);
        self
    }

    /// Sets how many I/O events one look at the reactor takes at most; 1024 by default.
    pub fn max_io_events_per_tick(&mut self, count: usize) -> &mut Self {
        self.max_io_events = count;
        self
    }

    /// Runs `f` on each thread of the runtime, worker or blocking, when it starts.
    pub fn on_thread_start<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.threads.on_start = Some(Arc::new(f));
        self
    }

    /// Runs `f` on each thread of the runtime, worker or blocking, before it ends.
    ///
    /// The end of the runtime waits for that on the workers. A blocking thread does it once all its
    /// jobs are over, which is what the runtime waits for; its last steps may come a little later.
    pub fn on_thread_stop<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.threads.on_stop = Some(Arc::new(f));
        self
    }

    /// Runs `f` on a worker just before it goes to sleep.
    pub fn on_thread_park<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.on_park = Some(Arc::new(f));
        self
    }

    /// Runs `f` on a worker just after it woke up.
    pub fn on_thread_unpark<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.on_unpark = Some(Arc::new(f));
        self
    }

    /// Sets how many operations a task may complete in one poll before it has to let others run: at
    /// least 1; 128 by default. See [`crate::task::coop`].
    pub fn budget_per_poll(&mut self, units: u32) -> &mut Self {
        self.budget_per_poll = units;
        self
    }

    /// Sets whether a watchdog keeps tasks that block or spin from stopping others; it does by
    /// default.
    ///
    /// It is one more thread, asleep while the runtime is idle. Without it a poll that does not
    /// return keeps the tasks behind it waiting, and I/O and timers if it came from there.
    pub fn watchdog(&mut self, enabled: bool) -> &mut Self {
        self.watchdog = enabled;
        self
    }

    /// Sets how many spare workers the watchdog may start while all others are stuck in long polls:
    /// 0 to 1,024; by default as many as there are workers, and at least 4.
    ///
    /// A spare worker leaves a second after the last moment at which all others were stuck.
    pub fn max_spare_workers(&mut self, count: usize) -> &mut Self {
        self.max_spare_workers = Some(count);
        self
    }

    /// Sets how long a poll may take before it is reported as slow; 100 ms by default, at least 1 ms.
    pub fn slow_poll_threshold(&mut self, duration: Duration) -> &mut Self {
        self.slow_poll_threshold = duration;
        self
    }

    /// Runs `f` when a slow poll is found, and again when it is over, in place of the default: a
    /// `tracing` event of level WARN (with the `tracing` feature, on by default).
    ///
    /// At most 10 polls per second are reported; [`RuntimeMetrics::slow_poll_count`] counts all. `f`
    /// runs on the watchdog's thread: while it blocks nobody watches.
    ///
    /// [`RuntimeMetrics::slow_poll_count`]: super::RuntimeMetrics::slow_poll_count
    pub fn on_slow_poll<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn(&SlowPoll) + Send + Sync + 'static,
    {
        self.on_slow_poll = Some(Arc::new(f));
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    /// - [`io::ErrorKind::InvalidInput`]: a number is out of its range, or `HEIST_WORKER_THREADS`
    ///   is not a number; the message names it.
    /// - Else the operating system's error: it gave no descriptor for the reactor, or no thread for
    ///   a worker. Threads that had started are stopped again before this returns.
    pub fn build(&mut self) -> io::Result<Runtime> {
        let workers = self.workers()?;
        self.check()?;
        let reactor = Reactor::new(heist_reactor::Config {
            clock: Arc::new(SystemClock),
            coop: COOP,
            timer_shards: workers,
            max_events: self.max_io_events,
        })?;
        let reactor_handle = reactor.handle().clone();
        let config = self.config(workers, &reactor_handle);
        let driver = Box::new(ReactorDriver(reactor));
        let (scheduler, launches) = heist_scheduler::Handle::new(config, driver);
        let handle = Handle {
            scheduler,
            reactor: reactor_handle,
        };
        self.start_workers(handle, launches)
    }

    fn start_workers(&self, handle: Handle, launches: Vec<Launch>) -> io::Result<Runtime> {
        let mut started: Vec<thread::JoinHandle<()>> = Vec::with_capacity(launches.len());
        for launch in launches {
            let (index, entered) = (launch.index(), handle.clone());
            let body = move || {
                let _entered = entered.enter();
                launch.start().run();
            };
            // A launch that is dropped, here or by the loop's end, counts as a stopped worker.
            match self.threads.start(body) {
                Ok(thread) => started.push(thread),
                Err(error) => {
                    return Err(no_thread(
                        &handle,
                        started,
                        &format!("worker thread {index}"),
                        &error,
                    ));
                }
            }
        }
        if self.watchdog {
            match threads::start_watchdog(Watchdog::new(&handle.scheduler), handle.clone()) {
                Ok(thread) => started.push(thread),
                Err(error) => {
                    return Err(no_thread(&handle, started, "the watchdog's thread", &error));
                }
            }
        }
        Ok(Runtime::from_parts(handle, started))
    }

    fn check(&self) -> io::Result<()> {
        if self.max_blocking_threads == 0 {
            return Err(invalid("max_blocking_threads is 0: it must be at least 1"));
        }
        if self.budget_per_poll == 0 {
            return Err(invalid("budget_per_poll is 0: it must be at least 1"));
        }
        if let Some(count @ 1_025..) = self.max_spare_workers {
            let message = format!("max_spare_workers is {count}: it must be at most 1024");
            return Err(invalid(&message));
        }
        if self.slow_poll_threshold < Duration::from_millis(1) {
            return Err(invalid(
                "slow_poll_threshold is below 1 ms: the watchdog cannot see that",
            ));
        }
        Ok(())
    }

    fn config(&self, workers: usize, reactor: &heist_reactor::Handle) -> Config {
        let (threads, reactor) = (self.threads.clone(), reactor.clone());
        let spawn_thread: heist_scheduler::SpawnThread = Arc::new(move |kind, body| {
            let reactor = (kind == ThreadKind::Worker).then(|| reactor.clone());
            let body = move || {
                let _entered = reactor.as_ref().map(heist_reactor::Handle::enter);
                body();
            };
            threads.start(body).map(drop)
        });
        let mut config = Config::new(workers, spawn_thread);
        config.clock = Arc::new(SystemClock);
        config.seed = seed();
        config.max_blocking_threads = self.max_blocking_threads;
        config.blocking_keep_alive = self.keep_alive;
        config.on_park = self.on_park.clone();
        config.on_unpark = self.on_unpark.clone();
        config.budget_per_poll = self.budget_per_poll;
        config.max_spare_workers = match self.max_spare_workers {
            _ if !self.watchdog => 0,
            Some(count) => count,
            None => workers.clamp(4, 1_024),
        };
        config.reporting = Reporting {
            threshold: self.slow_poll_threshold,
            on_slow_poll: self
                .on_slow_poll
                .clone()
                .or_else(super::slow_poll::by_default),
            thread_probe: Some(Arc::new(super::probe::this_thread)),
        };
        config
    }

    fn workers(&self) -> io::Result<usize> {
        match self.worker_threads {
            Some(count) => in_range(count, "worker_threads"),
            None => match std::env::var(WORKERS_VARIABLE) {
                Ok(text) => {
                    let not_a_number = |_| invalid("HEIST_WORKER_THREADS is not a number");
                    let count = text.trim().parse().map_err(not_a_number)?;
                    in_range(count, WORKERS_VARIABLE)
                }
                Err(_) => Ok(thread::available_parallelism().map_or(1, usize::from)),
            },
        }
    }
}

/// A runtime cannot be built for want of a thread: stops those that have started.
fn no_thread(
    handle: &Handle,
    started: Vec<thread::JoinHandle<()>>,
    what: &str,
    error: &io::Error,
) -> io::Error {
    handle.scheduler.shut_down();
    for thread in started {
        let _ = thread.join();
    }
    io::Error::new(error.kind(), format!("cannot start {what}: {error}"))
}

const WORKERS_VARIABLE: &str = "HEIST_WORKER_THREADS";
const MAX_WORKERS: usize = 65_535;

fn in_range(count: usize, what: &str) -> io::Result<usize> {
    match count {
        1..=MAX_WORKERS => Ok(count),
        _ => Err(invalid(&format!(
            "{what} is {count}: it must be between 1 and {MAX_WORKERS}"
        ))),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A seed that differs from runtime to runtime: the address-space layout and a counter.
fn seed() -> u64 {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let layout = std::ptr::from_ref(&COUNT) as usize as u64;
    let count = COUNT.fetch_add(1, Relaxed) as u64;
    (layout ^ count.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("worker_threads", &self.worker_threads)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("thread_keep_alive", &self.keep_alive)
            .field("thread_name", &(self.threads.name)())
            .field("thread_stack_size", &self.threads.stack_size)
            .field("watchdog", &self.watchdog)
            .field("slow_poll_threshold", &self.slow_poll_threshold)
            .finish_non_exhaustive()
    }
}
