//! Tasks that are counted, refused, left behind by a worker that goes, or queued behind a poll that waits.

use std::future::{Future, pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use heist_scheduler::driver::Idle;
use heist_scheduler::{Config, Handle, Launch, SpawnThread, block_in_place, block_on};

/// Longer than anything here takes, on the slowest machine.
const LONG: Duration = Duration::from_secs(60);

fn scheduler(workers: usize) -> (Handle, Vec<Launch>) {
    let spawn: SpawnThread = Arc::new(|_, body| thread::Builder::new().spawn(body).map(drop));
    Handle::new(Config::new(workers, spawn), Box::new(Idle::default()))
}

/// A scheduler whose workers are running; stopped by its drop.
struct Running {
    handle: Handle,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Running {
    fn start(handle: Handle, launches: Vec<Launch>) -> Self {
        let run = |launch: Launch| thread::spawn(move || launch.start().run());
        let threads = launches.into_iter().map(run).collect();
        Self { handle, threads }
    }

    fn new(workers: usize) -> Self {
        let (handle, launches) = scheduler(workers);
        Self::start(handle, launches)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shut_down();
        let stopped = self.handle.wait_stopped(Some(LONG));
        assert!(
            stopped || thread::panicking(),
            "the scheduler does not stop"
        );
        for thread in self.threads.drain(..).filter(|_| stopped) {
            thread.join().expect("no worker panics");
        }
    }
}

fn yield_now() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn a_joined_task_is_not_counted_as_alive() {
    let scheduler = Running::new(2);
    for _ in 0..5_000 {
        let task = scheduler.handle.spawn(async {}, None);
        block_on(task).expect("it ends");
        assert_eq!(scheduler.handle.live_tasks(), 0);
    }
}

#[test]
fn a_thread_that_lost_its_worker_leaves_the_workers_counts_alone() {
    let scheduler = Running::new(1);
    let over = Arc::new(AtomicBool::new(false));
    let (handle, is_over) = (scheduler.handle.clone(), over.clone());
    let feed = async move {
        while !is_over.load(Ordering::Relaxed) {
            (0..50).for_each(|_| drop(handle.spawn(async {}, None)));
            yield_now().await;
        }
    };
    let feeder = scheduler.handle.spawn(feed, None);
    for _ in 0..300 {
        let pause = || thread::sleep(Duration::from_micros(100));
        let away = scheduler
            .handle
            .spawn(async move { block_in_place(pause) }, None);
        block_on(away).expect("it ends");
    }
    over.store(true, Ordering::Relaxed);
    block_on(feeder).expect("it ends");
    // The only worker runs what was queued before this one first.
    block_on(scheduler.handle.spawn(yield_now(), None)).expect("it ends");
    assert_eq!(scheduler.handle.tasks().len(), 0);
    assert_eq!(scheduler.handle.live_tasks(), 0);
}

#[test]
fn a_worker_that_never_comes_cancels_nobodys_tasks() {
    let (handle, mut launches) = scheduler(3);
    let dead = launches.pop().expect("three workers");
    let scheduler = Running::start(handle, launches);
    let spawn = |_| scheduler.handle.spawn(pending::<()>(), None);
    let tasks: Vec<_> = (0..100).map(spawn).collect();
    drop(dead);
    assert!(tasks.iter().all(|task| !task.is_finished()));
    assert_eq!(scheduler.handle.live_tasks(), 100);
}

#[test]
fn a_refused_task_is_never_among_those_alive() {
    struct Look(Handle, mpsc::Sender<usize>);

    impl Drop for Look {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.tasks().len());
        }
    }

    let scheduler = Running::new(1);
    scheduler.handle.shut_down();
    let (send, seen) = mpsc::channel();
    let look = Look(scheduler.handle.clone(), send);
    let refused = scheduler.handle.spawn(async move { drop(look) }, None);
    assert!(refused.is_finished());
    assert_eq!(seen.recv(), Ok(0));
}

#[test]
fn without_a_watchdog_an_idle_worker_takes_what_waits_behind_a_poll() {
    let scheduler = Running::new(2);
    let handle = scheduler.handle.clone();
    let waits = async move {
        let (send, receive) = mpsc::channel();
        drop(handle.spawn(async move { send.send(()) }, None));
        (0..10).for_each(|_| drop(handle.spawn(async {}, None)));
        receive.recv_timeout(LONG).is_ok()
    };
    let taken = block_on(scheduler.handle.spawn(waits, None)).expect("it ends");
    assert!(taken, "nobody took it");
}

/// Ending a task, cancelling one, and dropping the handle of one that has ended hold its output on the
/// stack no more often than its move to the one who awaits it takes, and not at all if there is none.
#[test]
fn a_large_output_is_not_copied_about_on_the_stack() {
    type Large = [u8; 128 << 10];
    const STACK: usize = 2 << 20;
    let (handle, launches) = scheduler(1);
    let run = |launch: Launch| {
        let worker = thread::Builder::new().stack_size(STACK);
        let worker = worker.spawn(move || launch.start().run());
        worker.expect("a thread")
    };
    let threads = launches.into_iter().map(run).collect();
    let running = Running { handle, threads };

    let awaited = running
        .handle
        .spawn(async { [1_u8; size_of::<Large>()] }, None);
    let sum = running.handle.spawn(
        async move {
            awaited
                .await
                .map(|output| output.iter().map(|&byte| u64::from(byte)).sum())
        },
        None,
    );
    let sum: Result<u64, _> = block_on(sum).expect("no panic");
    assert_eq!(sum.expect("no panic"), 128 << 10);

    let aborted = running.handle.spawn(pending::<Large>(), None);
    aborted.abort();
    assert!(block_on(aborted).is_err_and(|error| error.is_cancelled()));

    let dropped = running
        .handle
        .spawn(async { [1_u8; size_of::<Large>()] }, None);
    while !dropped.is_finished() {
        thread::yield_now();
    }
    let small = thread::Builder::new().stack_size(STACK / 4);
    let small = small.spawn(move || drop(dropped)).expect("a thread");
    small.join().expect("no overflow, which would abort");
}
