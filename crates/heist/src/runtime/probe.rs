//! How a worker's thread spends its time, as the kernel tells: it parts blocked workers from
//! spinning ones.

use std::sync::Arc;
use std::time::Duration;

use heist_scheduler::ThreadTime;

/// The calling thread, as other threads may ask about it.
pub(super) fn this_thread() -> Arc<dyn ThreadTime> {
    Arc::new(imp::Thread::current())
}

/// Lets the calling thread's timed waits end so much later than asked for.
pub(super) fn set_leeway(leeway: Duration) {
    imp::set_leeway(leeway);
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;
    use std::num::NonZeroU64;

    use super::{Duration, ThreadTime};

    /// A thread of this process, by its number.
    pub(super) struct Thread(i32);

    impl Thread {
        pub(super) fn current() -> Self {
            Self(rustix::thread::gettid().as_raw_nonzero().get())
        }
    }

    /// Only a hint: if the kernel refuses, waits are a little longer, or cost more.
    pub(super) fn set_leeway(leeway: Duration) {
        let nanoseconds = u64::try_from(leeway.as_nanos()).unwrap_or(u64::MAX);
        // The kernel takes 0 as its default, which is 50 µs.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(nanoseconds.max(1)));
    }

    impl ThreadTime for Thread {
        /// `schedstat` has the nanoseconds on a processor, then those spent waiting for one.
        fn runnable(&self) -> Option<Duration> {
            let text = fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.0)).ok()?;
            let mut fields = text.split_whitespace().map(str::parse::<u64>);
            let (running, waiting) = (fields.next()?.ok()?, fields.next()?.ok()?);
            Some(Duration::from_nanos(running.saturating_add(waiting)))
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::{Duration, ThreadTime};

    /// A thread of a system that tells nothing of it.
    pub(super) struct Thread;

    impl Thread {
        pub(super) fn current() -> Self {
            Self
        }
    }

    pub(super) fn set_leeway(_: Duration) {}

    impl ThreadTime for Thread {
        fn runnable(&self) -> Option<Duration> {
            None
        }
    }
}
