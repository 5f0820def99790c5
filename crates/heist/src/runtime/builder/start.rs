//! What [`Builder::build`] does: checks the numbers, puts the parts together, starts the threads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use heist_reactor::{Control as _, Reactor};
use heist_scheduler::{Config, Launch, Reporting, ThreadKind, ThreadTest, Watchdog};

use super::{Builder, UnhandledPanic};
use crate::runtime::clock::PausableClock;
use crate::runtime::driver::{COOP, ReactorDriver, SystemClock};
use crate::runtime::handle::RuntimeFlavor;
use crate::runtime::{Handle, Runtime, probe, slow_poll, threads};

impl Builder {
    /// With `only_thread` a runtime that is driven on that one alone.
    pub(super) fn start(&self, only_thread: Option<ThreadTest>) -> io::Result<Runtime> {
        let workers = self.workers()?;
        self.check()?;
        let clock = Arc::new(PausableClock::new());
        if self.start_paused {
            clock.pause();
        }
        let reactor = Reactor::new(heist_reactor::Config {
            clock: clock.clone(),
            coop: COOP,
            timer_shards: workers,
            max_events: self.max_io_events,
            // A single worker has nobody to leave the rest to.
            max_polled_events: if workers == 1 { self.max_io_events } else { 0 },
            max_busy_wait: self.max_busy_wait,
        })?;
        let reactor_handle = reactor.handle().clone();
        let mut config = self.config(workers, &reactor_handle);
        config.only_thread = only_thread;
        let driver = ReactorDriver::new(reactor, clock);
        let place = driver.scheduler();
        let (scheduler, launches) = heist_scheduler::Handle::new(config, Box::new(driver));
        place.get_or_init(|| scheduler.clone());
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
        // Without threads there is none that could take over.
        if self.watchdog && self.flavor == RuntimeFlavor::MultiThread {
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
        let seated = self.flavor == RuntimeFlavor::CurrentThread;
        let mut config = Config::new(workers, spawn_thread);
        config.seat = seated;
        config.name.clone_from(&self.name);
        config.stop_on_panic = self.unhandled_panic == UnhandledPanic::ShutdownRuntime;
        config.clock = Arc::new(SystemClock);
        config.seed = seed();
        config.max_blocking_threads = self.max_blocking_threads;
        config.blocking_keep_alive = self.keep_alive;
        config.on_park = self.on_park.clone();
        config.on_unpark = self.on_unpark.clone();
        config.budget_per_poll = self.budget_per_poll;
        config.max_spare_workers = match self.max_spare_workers {
            _ if seated || !self.watchdog => 0,
            Some(count) => count,
            None => workers.clamp(4, 1_024),
        };
        config.reporting = Reporting {
            threshold: self.slow_poll_threshold,
            on_slow_poll: self.on_slow_poll.clone().or_else(slow_poll::by_default),
            thread_probe: Some(Arc::new(probe::this_thread)),
        };
        config
    }

    fn workers(&self) -> io::Result<usize> {
        match self.worker_threads {
            _ if self.flavor == RuntimeFlavor::CurrentThread => Ok(1),
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
