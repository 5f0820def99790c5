//! How an example starts, says that it is ready, and ends.

use std::{
    env,
    future::Future,
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use heist::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::options::{Options, Refusal};

/// Runs an example: reads the command line, builds the runtime, runs `serve` on it.
///
/// The exit status is 0 when `serve` ends well, 1 when it fails, 2 for a wrong command line; an
/// error is one line on stderr.
pub fn run<F>(
    name: &str,
    default_addr: &str,
    accepts_upstream: bool,
    serve: impl FnOnce(Options) -> F,
) -> ExitCode
where
    F: Future<Output = io::Result<()>>,
{
    let options = match Options::parse(env::args().skip(1), default_addr, accepts_upstream) {
        Ok(options) => options,
        Err(Refusal::Help) => {
            let upstream = if accepts_upstream {
                " --upstream HOST:PORT"
            } else {
                ""
            };
            println!(
                "usage: {name}{upstream} [--addr {default_addr}] [--workers N] [--grace SECONDS]"
            );
            return ExitCode::SUCCESS;
        }
        Err(Refusal::Wrong(line)) => {
            eprintln!("{name}: {line} (see --help)");
            return ExitCode::from(2);
        }
    };
    match run_with(options, serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_with<F>(options: Options, serve: impl FnOnce(Options) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>>,
{
    raise_descriptor_limit();
    let mut builder = Builder::new_multi_thread();
    builder.enable_all();
    if let Some(workers) = options.workers {
        builder.worker_threads(workers);
    }
    builder.build()?.block_on(serve(options))
}

/// A server wants as many descriptors as it may have; the soft limit is for `select` users.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("cannot raise the limit of open files: {error}");
    }
}

/// Says `listening on ADDR`, the line by which scripts know that the server is ready.
pub fn announce(addr: SocketAddr) {
    let mut stdout = io::stdout().lock();
    // Nobody may be reading; the server is of use all the same.
    drop(writeln!(stdout, "listening on {addr}").and_then(|()| stdout.flush()));
}

/// The signals that end a server: SIGINT and SIGTERM.
#[derive(Debug)]
pub struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
}

impl Shutdown {
    /// Takes both signals over from now on.
    ///
    /// # Errors
    ///
    /// When a handler cannot be installed.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for either signal.
    ///
    /// # Cancel safety
    ///
    /// No signal is lost: one that came is still there for the next call.
    pub async fn wait(&mut self) {
        heist::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
