//! Configures and builds a [`Runtime`].

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use heist_scheduler::{SlowPoll, SlowPollHook, ThreadHook, budget};

use super::handle::RuntimeFlavor;
use super::threads::Threads;
use super::{LocalOptions, LocalRuntime, Runtime};

mod start;

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
    flavor: RuntimeFlavor,
    name: Option<String>,
    start_paused: bool,
    unhandled_panic: UnhandledPanic,
    worker_threads: Option<usize>,
    max_blocking_threads: usize,
    keep_alive: Duration,
    max_io_events: usize,
    max_busy_wait: Duration,
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
        Self::new(RuntimeFlavor::MultiThread)
    }

    /// A builder for a runtime without worker threads.
    ///
    /// Everything runs on the thread that is in [`Runtime::block_on`], and nothing while none is. If
    /// several are, one serves, and another goes on when it returns. The blocking pool has its threads
    /// all the same. Nothing protects such a runtime from a task that blocks, and
    /// [`block_in_place`](crate::task::block_in_place) panics.
    ///
    /// Tasks run in the order in which they were spawned and woken. The future in `block_on` is polled
    /// again, once it was woken, when all that is ready has run, but after 61 polls at the latest; a task
    /// that yields is polled again after that. So in a test, one
    /// [`yield_now`](crate::task::yield_now) lets all that was spawned come to its first wait.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let runtime = heist::runtime::Builder::new_current_thread().build()?;
    /// let here = std::thread::current().id();
    /// let there = runtime.block_on(async {
    ///     heist::spawn(async { std::thread::current().id() }).await.unwrap()
    /// });
    /// assert_eq!(here, there);
    /// # Ok(()) }
    /// ```
    pub fn new_current_thread() -> Self {
        Self::new(RuntimeFlavor::CurrentThread)
    }

    fn new(flavor: RuntimeFlavor) -> Self {
        Self {
            flavor,
            name: None,
            start_paused: false,
            unhandled_panic: UnhandledPanic::Ignore,
            worker_threads: None,
            max_blocking_threads: 512,
            keep_alive: Duration::from_secs(10),
            max_io_events: heist_reactor::DEFAULT_MAX_EVENTS,
            max_busy_wait: heist_reactor::DEFAULT_MAX_BUSY_WAIT,
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

    /// Sets whether the runtime's clock stands still from the start, as after
    /// [`time::pause`](crate::time::pause). On either flavor.
    ///
    /// # Examples
    /// ```
    /// use heist::time::{Duration, Instant, sleep};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let runtime = heist::runtime::Builder::new_multi_thread().start_paused(true).build()?;
    /// runtime.block_on(async {
    ///     let start = Instant::now();
    ///     sleep(Duration::from_secs(86_400)).await; // returns at once
    ///     assert_eq!(start.elapsed(), Duration::from_secs(86_400));
    /// });
    /// # Ok(()) }
    /// ```
    pub fn start_paused(&mut self, start_paused: bool) -> &mut Self {
        self.start_paused = start_paused;
        self
    }

    /// Sets what a task's panic does to the runtime; by default nothing.
    ///
    /// # Examples
    /// ```should_panic
    /// use heist::runtime::{Builder, UnhandledPanic};
    ///
    /// let mut builder = Builder::new_multi_thread();
    /// builder.unhandled_panic(UnhandledPanic::ShutdownRuntime);
    /// builder.build().unwrap().block_on(async {
    ///     drop(heist::spawn(async { panic!("on purpose") }));
    ///     std::future::pending::<()>().await // panics, naming the task and its panic
    /// });
    /// ```
    pub fn unhandled_panic(&mut self, behavior: UnhandledPanic) -> &mut Self {
        self.unhandled_panic = behavior;
        self
    }

    /// Sets the number of workers, 1 to 65,535. 0 makes [`Builder::build`] fail. A current-thread
    /// runtime heeds it not.
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

    /// Names the runtime, for [`Handle::name`](super::Handle::name). Threads have their own names.
    ///
    /// # Panics
    /// If the name is empty or blank.
    #[track_caller]
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        assert!(
            !name.trim().is_empty(),
            "the name of a runtime is empty: leave it out instead"
        );
        self.name = Some(name);
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

    /// Sets how many I/O events one look at the reactor takes at most, and how many timers it fires; 256
    /// by default, where tokio has 1024: with more the slowest requests wait longer. Of several workers one
    /// that has tasks to run takes a quarter of the events.
    ///
    /// # Panics
    /// If `count` is 0.
    #[track_caller]
    pub fn max_io_events_per_tick(&mut self, count: usize) -> &mut Self {
        assert!(
            count > 0,
            "a runtime that takes no events would never do any I/O: make it at least 1"
        );
        self.max_io_events = count;
        self
    }

    /// Sets how long the worker that waits for I/O and timers looks for events at most before it blocks;
    /// 100 µs by default. With [`Duration::ZERO`] it always blocks at once, also for timers that are due
    /// within 20 µs.
    ///
    /// It looks only if the last wait was short, for no longer than three times the processor time that it
    /// has measured blocking to cost (six times after a wait that blocked), and it lets others of its
    /// control group have the processor between two looks. When that pays in less than half of the cases,
    /// it tries ever more rarely, down to once in 32 waits; while other threads take the processor away,
    /// once in 255 to 4,095. On virtual machines, where waking a thread is dear, one connection's requests
    /// are answered two to three times as fast; where it is cheap, the looks are as short. A runtime that is
    /// idle does not look at all, nor does one on a platform that does not tell how much processor time a
    /// thread has used (all but Linux, Android and Apple's).
    ///
    /// # Cost
    /// A wait that is answered awake takes no more processor time than one that blocks if the answer comes
    /// soon, and up to four times as much if it comes late, seven times after a wait that blocked; the worst
    /// rhythm, events that always come just in time, can keep a processor busy that would be busy for a
    /// third. Where processor time is what is scarce (a tight quota of a container, a battery), set
    /// [`Duration::ZERO`].
    ///
    /// [`RuntimeMetrics::driver_busy_wait_count`](super::RuntimeMetrics::driver_busy_wait_count) tells
    /// how many waits were spared to block by this.
    pub fn max_busy_wait(&mut self, limit: Duration) -> &mut Self {
        self.max_busy_wait = limit;
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

    /// Runs `f` on a worker just before it goes to sleep, or begins to
    /// [wait awake](Self::max_busy_wait).
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
    ///
    /// The watchdog looks every 1 to 5 ms: a slow poll is found up to 10 ms after the threshold, and not
    /// at all if it is over by then.
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
        self.start(None)
    }

    /// Starts a runtime whose tasks need not be `Send`, of a [`Builder::new_current_thread`].
    ///
    /// # Errors
    /// As [`Builder::build`].
    ///
    /// # Panics
    /// If this builds a multi-thread runtime.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "tokio's signature is kept")]
    pub fn build_local(&mut self, options: LocalOptions) -> io::Result<LocalRuntime> {
        let LocalOptions { .. } = options;
        assert!(
            self.flavor == RuntimeFlavor::CurrentThread,
            "`build_local` called for a multi-thread runtime: begin with `Builder::new_current_thread`"
        );
        let here = thread::current().id();
        let is_here = Arc::new(move || thread::current().id() == here);
        Ok(LocalRuntime::of(self.start(Some(is_here))?))
    }
}

/// What the panic of a spawned task does to its runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// Nothing: the task's `JoinHandle` reports it.
    Ignore,
    /// Shuts the runtime down, whether or not somebody holds the `JoinHandle`; every `block_on` of the
    /// runtime then panics with the message.
    ShutdownRuntime,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flavor", &self.flavor)
            .field("start_paused", &self.start_paused)
            .field("unhandled_panic", &self.unhandled_panic)
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
