//! Descriptors whose numbers are used again: no event reaches the wrong socket.
//!
//! `HEIST_SECONDS` says how long the race runs: a second, unless set otherwise.

use std::io::{ErrorKind, Write as _};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use heist::io::{AsyncReadExt, AsyncWriteExt};
use heist::net::{TcpListener, TcpStream, UnixStream};
use heist::runtime::Handle;
use heist::time::timeout;
use heist_tests::{deadline, multi};

fn seconds() -> Duration {
    let text = std::env::var("HEIST_SECONDS").unwrap_or_else(|_| "1".to_owned());
    Duration::from_secs_f64(text.parse().expect("HEIST_SECONDS is a number"))
}

/// Of one racing task: rounds, and in how many the number was used again at once.
#[derive(Default)]
struct Tally {
    rounds: u64,
    reused: u64,
}

/// Closes a socket while an event for it is on its way, opens another in its place, and sees whether
/// that one hears of anything.
async fn race(end: Instant, writers: mpsc::Sender<StdStream>) -> Tally {
    let mut tally = Tally::default();
    while Instant::now() < end {
        let (near, far) = StdStream::pair().expect("a pair");
        let near = UnixStream::from_std(near).expect("registers");
        let number = near.as_raw_fd();
        // Another thread writes at any moment from now on.
        writers.send(far).expect("the writer lives");
        if tally.rounds % 2 == 0 {
            heist::task::yield_now().await;
        }
        drop(near);
        let (quiet, other) = UnixStream::pair().expect("a pair");
        tally.reused += u64::from([quiet.as_raw_fd(), other.as_raw_fd()].contains(&number));
        for socket in [&quiet, &other] {
            // A wrong event would be a readiness, here or within the next turns of the reactor.
            let waited = timeout(Duration::from_micros(200), socket.readable()).await;
            assert!(waited.is_err(), "an event for another socket");
            let read = socket.try_read(&mut [0]).expect_err("nobody has written");
            assert_eq!(read.kind(), ErrorKind::WouldBlock);
        }
        // And what is for it does arrive.
        let (mut quiet, mut other) = (quiet, other);
        other.write_all(b"x").await.expect("writes");
        quiet.read_exact(&mut [0]).await.expect("reads");
        tally.rounds += 1;
    }
    tally
}

#[test]
fn a_number_used_again_gets_no_event_of_its_predecessor() {
    let time = seconds();
    let test = move || {
        let end = Instant::now() + time;
        multi(2).block_on(async move {
            let (writers, receive) = mpsc::channel::<StdStream>();
            let writing = std::thread::spawn(move || {
                while let Ok(mut far) = receive.recv() {
                    // The other end may be closed already.
                    let _ = far.write_all(b"late");
                }
            });
            let tasks: Vec<_> = (0..2)
                .map(|_| heist::spawn(race(end, writers.clone())))
                .collect();
            drop(writers);
            let mut total = Tally::default();
            for task in tasks {
                let tally = task.await.expect("no panic");
                total.rounds += tally.rounds;
                total.reused += tally.reused;
            }
            writing.join().expect("no panic");
            println!(
                "{} rounds, the number used again in {}",
                total.rounds, total.reused
            );
            assert!(total.reused > 0, "nothing was raced");
        });
    };
    if time < Duration::from_secs(60) {
        deadline(test);
    } else {
        test();
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let addr = listener.local_addr().expect("an address");
    let (near, far) = heist::join!(TcpStream::connect(addr), listener.accept());
    (near.expect("connects"), far.expect("accepts").0)
}

#[test]
fn a_duplicate_that_outlives_its_stream_does_no_harm() {
    deadline(|| {
        multi(2).block_on(async {
            let registered = || Handle::current().metrics().io_driver_fd_registered_count();
            let before = registered();
            let mut reused = 0;
            let mut kept = Vec::new();
            for _ in 0..50 {
                let (near, mut far) = pair().await;
                let number = near.as_raw_fd();
                let duplicate = near.as_fd().try_clone_to_owned().expect("a descriptor");
                drop(near);
                // The connection lives on in the duplicate, and events for it go nowhere.
                far.write_all(b"for the duplicate").await.expect("writes");
                let (quiet, other) = UnixStream::pair().expect("a pair");
                let numbers = [quiet.as_raw_fd(), other.as_raw_fd()];
                reused += u64::from(numbers.contains(&number));
                let waited = timeout(Duration::from_millis(1), quiet.readable()).await;
                assert!(waited.is_err(), "an event of the duplicate");
                // It can come back, under its own number.
                let mut again = TcpStream::from_std(duplicate.into()).expect("registers");
                let mut text = [0; 17];
                again.read_exact(&mut text).await.expect("reads");
                assert_eq!(&text, b"for the duplicate");
                kept.push((
                    again.as_fd().try_clone_to_owned().expect("a descriptor"),
                    far,
                    other,
                ));
            }
            assert!(reused > 0, "nothing was shown");
            // What is registered is what is alive: the far end and one of the pair, each time.
            assert_eq!(registered() - before, 100);
            drop(kept);
            assert_eq!(registered(), before);
        });
    });
}
