//! Bad tasks, and what they do to the others: an echo on many connections, timers, spawned tasks.
//!
//! `cargo xtask demo --stall` runs each on Heist and on tokio. The clients are this process's main
//! thread; a connection of their own carries the order to misbehave, so that the bad task has just
//! come from the reactor when it does.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Job;
use crate::measure::Outcome;
use crate::runtime::{Runtime, Stalled, Stream};

/// What a connection is asked to do, in its first byte.
const ECHO: u8 = b'e';
/// Sleep in the poll.
const SLEEP: u8 = b's';
/// Spawn a task, which goes to the worker's slot, and sleep.
const SLOT: u8 = b'l';
/// Sleep in each of several polls.
const ALWAYS: u8 = b'a';
/// Compute.
const SPIN: u8 = b'c';

/// How long a bad task is bad.
const BAD: Duration = Duration::from_secs(3);

const CONNECTIONS: usize = 100;

/// When the task that a bad one left in its slot ran, in microseconds after it was spawned; 0: never.
static SLOT_RAN: AtomicU64 = AtomicU64::new(0);

/// Runs the scene of this name; `None` if it is no such.
pub(crate) fn run<R: Stalled>(job: &Job) -> Option<Outcome> {
    let orders: &[u8] = match job.workload.as_str() {
        "stall_sleep" => &[SLEEP],
        "stall_slot" => &[SLOT],
        "stall_always" => &[ALWAYS],
        "stall_both" => &[SLEEP, SLEEP],
        "stall_spin" => &[SPIN],
        "stall_shutdown" => return Some(shutdown::<R>(job)),
        _ => return None,
    };
    Some(beside::<R>(job, orders))
}

/// Echoes what comes, and misbehaves when told to.
pub(crate) async fn connection<R: Runtime>(mut stream: impl Stream) {
    let mut buffer = vec![0];
    loop {
        let (count, filled) = stream.read(buffer).await;
        if !matches!(count, Ok(1)) {
            return;
        }
        misbehave::<R>(filled[0]).await;
        let (written, taken) = stream.write(filled, 1).await;
        if written.is_err() {
            return;
        }
        buffer = taken;
    }
}

async fn misbehave<R: Runtime>(order: u8) {
    match order {
        SLEEP => thread::sleep(BAD),
        SLOT => {
            let spawned = Instant::now();
            R::detach(async move {
                SLOT_RAN.store(1 + micros(spawned.elapsed()), Ordering::SeqCst);
            });
            thread::sleep(BAD);
        }
        ALWAYS => {
            for _ in 0..10 {
                thread::sleep(BAD / 10);
                R::yield_now().await;
            }
        }
        SPIN => {
            let begun = Instant::now();
            while begun.elapsed() < BAD {
                std::hint::spin_loop();
            }
        }
        _ => {}
    }
}

/// What the others see while the bad tasks are bad.
#[derive(Debug, Default)]
struct Lateness {
    timer: AtomicU64,
    task: AtomicU64,
}

fn beside<R: Stalled>(job: &Job, orders: &[u8]) -> Outcome {
    let runtime = R::start(job);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    listener.set_nonblocking(true).expect("it is a socket");
    runtime.accept(listener);
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connect(addr)).collect();
    let mut bad: Vec<TcpStream> = orders.iter().map(|_| connect(addr)).collect();
    for _ in 0..WARM_UP {
        round(&mut clients);
    }
    let threads_before = threads();

    let late = Arc::new(Lateness::default());
    runtime.spawn_named("timer", timers::<R>(Arc::clone(&late)));
    // Quiet: one worker waits in the reactor, the other one sleeps. The order comes alone, so that
    // nothing that came with it wakes the sleeper.
    thread::sleep(QUIET);
    for (client, order) in bad.iter_mut().zip(orders) {
        client.write_all(&[*order]).expect("it is connected");
        client.set_nonblocking(true).expect("it is a socket");
    }
    thread::sleep(QUIET);
    let (mut gap, mut rounds) = (Duration::ZERO, 0);
    while !bad.is_empty() {
        gap = gap.max(round(&mut clients));
        rounds += 1;
        bad.retain_mut(|client| !has_answered(client));
        thread::sleep(PAUSE);
    }
    // What waits still is measured, too.
    thread::sleep(PERIOD * 2);
    let outcome = Outcome::default()
        .with("gap_ms", gap.as_secs_f64() * 1e3)
        .with("timer_ms", late.timer.load(Ordering::Relaxed) as f64 / 1e3)
        .with("task_ms", late.task.load(Ordering::Relaxed) as f64 / 1e3)
        .with("slot_ms", SLOT_RAN.load(Ordering::SeqCst) as f64 / 1e3)
        .with("rounds", f64::from(rounds))
        .with("spares", runtime.spare_workers() as f64)
        .with("threads_before", threads_before as f64)
        .with("threads_after", threads_again(threads_before) as f64);
    R::reports().iter().for_each(|line| println!("said {line}"));
    drop(runtime);
    outcome
}

/// A timer every few milliseconds, for ever, which spawns a task each time.
async fn timers<R: Runtime>(late: Arc<Lateness>) {
    loop {
        let begun = Instant::now();
        R::sleep(PERIOD).await;
        let lateness = begun.elapsed().saturating_sub(PERIOD);
        late.timer.fetch_max(micros(lateness), Ordering::Relaxed);
        let (late, spawned) = (Arc::clone(&late), Instant::now());
        R::detach(async move {
            late.task
                .fetch_max(micros(spawned.elapsed()), Ordering::Relaxed);
        });
    }
}

fn connect(addr: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(addr).expect("it listens");
    client.set_nodelay(true).expect("it is a TCP socket");
    client
        .set_read_timeout(Some(BAD * 4))
        .expect("it is a socket");
    client
}

/// One byte there and back on all connections at once: how long until the last one is back.
fn round(clients: &mut [TcpStream]) -> Duration {
    let begun = Instant::now();
    for client in &mut *clients {
        client.write_all(&[ECHO]).expect("it is connected");
    }
    for client in clients {
        client.read_exact(&mut [0]).expect("an echo, in the end");
    }
    begun.elapsed()
}

/// Whether a bad task has come to its end.
fn has_answered(client: &mut TcpStream) -> bool {
    match client.read(&mut [0]) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("a connection broke: {error}"),
    }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// How many there are once nobody is needed any more.
fn threads_again(before: usize) -> usize {
    let deadline = Instant::now() + SETTLED;
    while threads() > before && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    threads()
}

/// Ten thousand tasks that wait, one that is stuck, one blocking job that is.
fn shutdown<R: Stalled>(job: &Job) -> Outcome {
    let runtime = R::start(job);
    let begun = Arc::new(AtomicU64::new(0));
    for _ in 0..WAITING {
        let begun = Arc::clone(&begun);
        runtime.spawn_from_outside(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        });
    }
    let [stuck, blocked] = [(); 2].map(|()| Arc::clone(&begun));
    while begun.load(Ordering::SeqCst) < WAITING {
        thread::yield_now();
    }
    runtime.spawn_named("stuck-task", async move {
        stuck.fetch_add(1, Ordering::SeqCst);
        thread::sleep(BAD);
    });
    runtime.block_named("stuck-job", move || {
        blocked.fetch_add(1, Ordering::SeqCst);
        thread::sleep(BAD);
    });
    while begun.load(Ordering::SeqCst) < WAITING + 2 {
        thread::yield_now();
    }
    let at = Instant::now();
    let stragglers = runtime.end(GRACE);
    let took = at.elapsed();
    stragglers.iter().for_each(|line| println!("said {line}"));
    Outcome::default()
        .with("grace_ms", GRACE.as_secs_f64() * 1e3)
        .with("took_ms", took.as_secs_f64() * 1e3)
        .with("named", stragglers.len() as f64)
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

const WARM_UP: usize = 50;
const QUIET: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(2);
const PERIOD: Duration = Duration::from_millis(5);
const SETTLED: Duration = Duration::from_secs(20);
const WAITING: u64 = 10_000;
const GRACE: Duration = Duration::from_millis(500);
