//! What the integration tests of Heist share: runtimes and deadline guards.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use heist::runtime::{Builder, Runtime};

/// How long a test may take before it counts as hung. Generous: the machine may be loaded.
const LIMIT: Duration = Duration::from_secs(120);

/// A runtime with `workers` workers.
///
/// # Panics
/// If the system gives no threads.
pub fn multi(workers: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("the system gives threads and descriptors")
}

/// Whether `HEIST_FULL=1` asks for the full measure of tests that the suite plays in small.
pub fn full() -> bool {
    std::env::var_os("HEIST_FULL").is_some_and(|value| value == "1")
}

/// Runs `test` on a thread of its own and fails if it has not ended within two minutes.
///
/// # Panics
/// With the panic of `test`, or if it hangs.
pub fn deadline(test: impl FnOnce() + Send + 'static) {
    let (send, receive) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(test));
        let _ = send.send(result);
    });
    match receive.recv_timeout(LIMIT) {
        Ok(Ok(())) => {
            let _ = thread.join();
        }
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("the test hangs: not done after {LIMIT:?}"),
    }
}
