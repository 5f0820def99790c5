//! Ten thousand signals against a busy runtime, from handlers without `SA_RESTART`: nothing wedges,
//! and no user sees an `Interrupted`.
//!
//! Handlers here are the library's, which sets `SA_RESTART`; a program's own may not. A small
//! library that is preloaded takes the flag away (`no_restart.c`, built with the system's `cc`, which
//! Rust needs for linking anyway); the test runs itself again under it.

use std::io::{ErrorKind, Read as _};
use std::process::Command as StdCommand;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use heist::fs;
use heist::io::{AsyncReadExt, AsyncWriteExt};
use heist::net::{TcpListener, TcpStream, UdpSocket, UnixStream, lookup_host};
use heist::process::Command;
use heist::signal::unix::{SignalKind, signal};
use heist::task::{JoinHandle, spawn_blocking};
use heist::time::{sleep, timeout};
use heist_tests::multi;
use rustix::process::{Pid, Signal, kill_process};

const SIGNALS: usize = 10_000;
const MARK: &str = "HEIST_UNDER_PRELOAD";

fn main() {
    if std::env::var_os(MARK).is_some() {
        interruptions_are_real();
        busy_runtime_takes_ten_thousand_signals();
    } else {
        run_again_without_restart();
    }
}

fn run_again_without_restart() {
    let name = format!("heist-no-restart-{}.so", std::process::id());
    let library = std::env::temp_dir().join(name);
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/interrupted/no_restart.c"
    );
    let built = StdCommand::new("cc")
        .args(["-shared", "-fPIC", source, "-ldl", "-o"])
        .arg(&library)
        .status()
        .expect("the C compiler that Rust links with");
    assert!(built.success());
    let test = std::env::current_exe().expect("this program");
    let status = StdCommand::new("timeout")
        .arg("120")
        .arg(test)
        .env(MARK, "1")
        .env("LD_PRELOAD", &library)
        .status()
        .expect("runs");
    std::fs::remove_file(&library).expect("was there");
    assert!(status.success(), "{status}");
}

/// Every thread of this process.
fn threads() -> Vec<Pid> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("procfs");
    let names = tasks.filter_map(|task| task.ok()?.file_name().into_string().ok());
    let numbers = names.map(|name| name.parse().expect("a number"));
    numbers.filter_map(Pid::from_raw).collect()
}

/// Asks for the signal to be handled by that thread; the kernel does so if it can.
fn signal_to(thread: Pid) {
    // A thread that has ended meanwhile is none.
    let _ = kill_process(thread, Signal::USR1);
}

/// Without this the rest would show nothing.
fn interruptions_are_real() {
    let runtime = multi(1);
    let _listener = runtime.block_on(async { signal(SignalKind::user_defined1()) });
    let (reader, writer) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let reading = std::thread::spawn(move || (&reader).read(&mut [0]).map_err(|e| e.kind()));
    while !reading.is_finished() {
        for thread in threads() {
            signal_to(thread);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let read = reading.join().expect("no panic");
    assert_eq!(read, Err(ErrorKind::Interrupted));
    drop(writer);
}

/// A task that repeats something until told to stop, and how often it has.
struct Busy {
    name: &'static str,
    rounds: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

fn busy<F>(
    name: &'static str,
    stop: &Arc<AtomicBool>,
    mut round: impl FnMut() -> F + Send + 'static,
) -> Busy
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let rounds = Arc::new(AtomicU64::new(0));
    let (stop, count) = (Arc::clone(stop), Arc::clone(&rounds));
    let task = heist::spawn(async move {
        while !stop.load(Ordering::SeqCst) {
            round()
                .await
                .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    Busy { name, rounds, task }
}

async fn exchange(
    mut near: impl heist::io::AsyncRead + heist::io::AsyncWrite + Unpin,
    mut far: impl heist::io::AsyncRead + heist::io::AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut byte = [0];
    for _ in 0..20 {
        near.write_all(b"x").await?;
        far.read_exact(&mut byte).await?;
        far.write_all(&byte).await?;
        near.read_exact(&mut byte).await?;
    }
    Ok(())
}

async fn over_tcp() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let (near, far) = heist::join!(TcpStream::connect(addr), listener.accept());
    exchange(near?, far?.0).await
}

async fn over_udp() -> std::io::Result<()> {
    let (one, other) = (
        UdpSocket::bind("127.0.0.1:0").await?,
        UdpSocket::bind("127.0.0.1:0").await?,
    );
    for _ in 0..20 {
        one.send_to(b"x", other.local_addr()?).await?;
        other.recv_from(&mut [0; 8]).await?;
    }
    Ok(())
}

async fn in_files() -> std::io::Result<()> {
    let path = std::env::temp_dir().join(format!("heist-interrupted-{}", std::process::id()));
    let mut file = fs::File::create(&path).await?;
    for _ in 0..20 {
        file.write_all(&[7; 1000]).await?;
    }
    file.flush().await?;
    assert_eq!(fs::read(&path).await?.len(), 20_000);
    fs::remove_file(&path).await
}

async fn in_children() -> std::io::Result<()> {
    let output = Command::new("echo").arg("loot").output().await?;
    assert_eq!(output.stdout, b"loot\n");
    Ok(())
}

async fn elsewhere() -> std::io::Result<()> {
    sleep(Duration::from_micros(300)).await;
    lookup_host("localhost:80").await?.for_each(drop);
    let slept = spawn_blocking(|| std::thread::sleep(Duration::from_micros(300)));
    slept.await.map_err(std::io::Error::other)
}

fn busy_runtime_takes_ten_thousand_signals() {
    multi(2).block_on(async {
        let stop = Arc::new(AtomicBool::new(false));
        let mut listener = signal(SignalKind::user_defined1()).expect("listens");
        let work = [
            busy("TCP", &stop, over_tcp),
            busy("UDP", &stop, over_udp),
            busy("Unix", &stop, || async {
                let (near, far) = UnixStream::pair()?;
                exchange(near, far).await
            }),
            busy("files", &stop, in_files),
            busy("children", &stop, in_children),
            busy("timers, names, blocking", &stop, elsewhere),
        ];
        let sending = std::thread::spawn(|| {
            let mut sent = 0;
            while sent < SIGNALS {
                for thread in threads() {
                    signal_to(thread);
                    sent += 1;
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
            sent
        });
        let mut heard = 0;
        while !sending.is_finished() {
            if timeout(Duration::from_millis(50), listener.recv())
                .await
                .is_ok()
            {
                heard += 1;
            }
        }
        let sent = sending.join().expect("no panic");
        assert!(heard > 0);
        // All go on: nobody was left waiting for an event that a signal has swallowed.
        for Busy { name, rounds, .. } in &work {
            let so_far = rounds.load(Ordering::SeqCst);
            let goes_on = async {
                while rounds.load(Ordering::SeqCst) < so_far + 2 {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            let waited = timeout(Duration::from_secs(60), goes_on).await;
            waited.unwrap_or_else(|_| panic!("{name} wedges"));
        }
        stop.store(true, Ordering::SeqCst);
        for Busy { name, rounds, task } in work {
            task.await.expect("no error");
            println!("{name}: {} rounds", rounds.load(Ordering::SeqCst));
        }
        println!("{sent} signals sent, {heard} times heard");
    });
}
