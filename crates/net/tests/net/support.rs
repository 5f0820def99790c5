//! A reactor on a thread of its own and a `block_on` with a deadline: what a runtime is to sockets.
//!
//! The crate under test knows no scheduler, so neither do its tests.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use heist_net::{TcpListener, TcpStream};
use heist_reactor::{Config, Handle, Reactor};

/// How long anything may take before it counts as hung.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A reactor that is turned until this is dropped.
pub(crate) struct Driven {
    pub(crate) handle: Handle,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Driven {
    pub(crate) fn start() -> Self {
        let mut reactor = Reactor::new(Config::default()).expect("a reactor");
        let handle = reactor.handle().clone();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                reactor.turn(None).expect("the reactor turns");
            }
        });
        Self {
            handle,
            stop,
            thread: Some(thread),
        }
    }

    /// Runs `future` on this thread, with the reactor entered; panics after [`DEADLINE`].
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.handle.enter();
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the future hangs");
            thread::park_timeout(left);
        }
    }

    /// Makes a connected pair: the side that connected, then the side that accepted.
    pub(crate) fn pair(&self) -> (TcpStream, TcpStream) {
        self.block_on(async {
            let (listener, addr) = listener().await;
            let (near, far) = tokio::join!(TcpStream::connect(addr), listener.accept());
            (near.expect("connects"), far.expect("accepts").0)
        })
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.handle.unpark();
        let thread = self.thread.take().expect("joined only here");
        assert!(thread.join().is_ok() || thread::panicking());
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Binds to a free port of the loopback interface.
pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let addr = listener.local_addr().expect("has an address");
    (listener, addr)
}

/// Polls `future` once with a waker that does nothing, and drops it.
pub(crate) fn poll_and_drop<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future)
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// How many descriptors this process has open.
#[cfg(target_os = "linux")]
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count()
}

/// Waits until `condition` holds; panics after [`DEADLINE`].
#[cfg(unix)]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the kind of the error, or panics.
pub(crate) fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.err().expect("an error").kind()
}

/// Runs the test `name` again in a process of its own, where no other test opens descriptors or
/// minds limits. Returns `true` in that process; elsewhere `false`, once it has passed there.
#[cfg(unix)]
pub(crate) fn alone(name: &str) -> bool {
    const MARK: &str = "HEIST_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let test = std::env::current_exe().expect("the test binary");
    let mut child = std::process::Command::new(test)
        .args([name, "--exact", "--nocapture"])
        .env(MARK, "1")
        .spawn()
        .expect("the test binary runs");
    let deadline = Instant::now() + DEADLINE * 2;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("a child of ours");
            child.wait().expect("a child of ours");
            panic!("{name} hangs");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{name} failed in its own process");
    false
}
