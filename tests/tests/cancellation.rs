//! Futures of I/O dropped at their awaits: nothing is lost, and nothing stays behind.
//!
//! Each scene gives its operations up again and again, after one poll or a few, and in between lets
//! them through, counting what arrives. Then descriptors, registrations and heap must be back where
//! they were. A binary of its own, with one test: it measures the process.

use std::alloc::System;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::task::Poll;
use std::time::Duration;

use heist::fs::{self, File};
use heist::io::unix::AsyncFd;
use heist::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use heist::net::unix::pipe;
use heist::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use heist::net::{UnixDatagram, UnixListener, UnixStream};
use heist::process::Command;
use heist::runtime::Handle;
use heist::signal::unix::{SignalKind, signal};
use heist::time::{sleep, timeout};
use heist_tests::{deadline, multi};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often each operation is given up in a scene.
const TIMES: usize = 300;

/// How often all scenes are played between the two looks.
const ROUNDS: usize = 8;

/// What may vary for reasons of its own, such as in which worker's cache free cells of tasks are: less
/// than the smallest allocation per operation given up.
const SLACK: usize = ROUNDS * TIMES * 16;

/// Polls `future` up to `polls` times, at intervals of the caller's turn, and drops it.
async fn give_up_after<F: Future>(mut polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        polls = polls.saturating_sub(1);
        if polls == 0 {
            return Poll::Ready(None);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Repeats an operation, given up after one to four polls, until it comes through.
macro_rules! at_last {
    ($operation:expr) => {{
        let mut polls = 0;
        loop {
            polls = polls % 4 + 1;
            if let Some(output) = give_up_after(polls, $operation).await {
                break output;
            }
        }
    }};
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let addr = listener.local_addr().expect("an address");
    let (near, far) = heist::join!(TcpStream::connect(addr), listener.accept());
    (near.expect("connects"), far.expect("accepts").0)
}

/// All bytes pass through reads and writes that are given up all the time.
async fn bytes_pass<S>(mut near: S, mut far: S)
where
    S: heist::io::AsyncRead + heist::io::AsyncWrite + Unpin + Send + 'static,
{
    const TOTAL: usize = 3_000_000;
    let writing = heist::spawn(async move {
        let data: Vec<u8> = (0..TOTAL).map(|i| (i % 251) as u8).collect();
        let mut written = 0;
        while written < TOTAL {
            let end = TOTAL.min(written + 100_000);
            let length = at_last!(near.write(&data[written..end]));
            written += length.expect("writes");
        }
    });
    let (mut buf, mut received) = (vec![0; 70_000], 0);
    loop {
        let length = at_last!(far.read(&mut buf)).expect("reads");
        if length == 0 {
            break;
        }
        for byte in &buf[..length] {
            assert_eq!(*byte, (received % 251) as u8, "byte {received}");
            received += 1;
        }
    }
    assert_eq!(received, TOTAL);
    writing.await.expect("no panic");
}

async fn streams() {
    let (near, far) = pair().await;
    bytes_pass(near, far).await;
    let (near, far) = UnixStream::pair().expect("a pair");
    bytes_pass(near, far).await;
    let (_near, far) = pair().await;
    for _ in 0..TIMES {
        assert!(give_up_after(2, far.readable()).await.is_none());
        assert!(give_up_after(2, far.peek(&mut [0])).await.is_none());
    }
}

async fn connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let addr = listener.local_addr().expect("an address");
    let clients = heist::spawn(async move {
        for _ in 0..TIMES {
            TcpStream::connect(addr).await.expect("connects");
        }
    });
    for _ in 0..TIMES {
        at_last!(listener.accept()).expect("accepts");
    }
    clients.await.expect("no panic");

    // Nobody answers: the only place in the queue is taken.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("binds");
    let silent = socket.listen(0).expect("listens");
    let addr = silent.local_addr().expect("an address");
    let _queued = TcpStream::connect(addr).await.expect("connects");
    for polls in 1..50 {
        let one = give_up_after(polls, TcpStream::connect(addr)).await;
        let race = give_up_after(polls, TcpStream::connect(&[addr, addr][..])).await;
        assert!(one.is_none() && race.is_none());
    }
}

async fn unix_connections() {
    let name = format!("\0heist-cancellation-{}", std::process::id());
    let listener = UnixListener::bind(&name).expect("binds");
    let client_name = name.clone();
    let clients = heist::spawn(async move {
        for _ in 0..TIMES {
            at_last!(UnixStream::connect(&client_name)).expect("connects");
        }
    });
    for _ in 0..TIMES {
        at_last!(listener.accept()).expect("accepts");
    }
    clients.await.expect("no panic");
}

async fn datagrams() {
    let near = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let far = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let (addr, mut buf) = (far.local_addr().expect("an address"), [0; 8]);
    for n in 0..TIMES {
        assert!(give_up_after(2, far.recv_from(&mut buf)).await.is_none());
        assert!(give_up_after(2, far.peek_from(&mut buf)).await.is_none());
        let bytes = n.to_le_bytes();
        at_last!(near.send_to(&bytes, addr)).expect("sends");
        let received = at_last!(far.recv_from(&mut buf));
        assert_eq!(received.expect("receives").0, 8);
        assert_eq!(buf, bytes);
    }
    let name = format!("\0heist-cancelled-datagram-{}", std::process::id());
    let receiver = UnixDatagram::bind(&name).expect("binds");
    let sender = UnixDatagram::unbound().expect("a socket");
    let mut queued = 0;
    while sender.try_send_to(b"x", &name).is_ok() {
        queued += 1;
    }
    for polls in 1..50 {
        assert!(
            give_up_after(polls, sender.send_to(b"y", &name))
                .await
                .is_none()
        );
    }
    for _ in 0..queued {
        let length = at_last!(receiver.recv(&mut buf));
        assert_eq!((length.expect("receives"), buf[0]), (1, b'x'));
    }
    assert!(
        receiver.try_recv(&mut buf).is_err(),
        "what was given up was not sent"
    );
}

async fn pipes_and_descriptors() {
    let (mut sender, mut receiver) = pipe::pipe().expect("a pipe");
    for byte in 0..TIMES {
        assert!(give_up_after(2, receiver.read(&mut [0])).await.is_none());
        sender.write_all(&[byte as u8]).await.expect("writes");
        let mut read = [0];
        at_last!(receiver.read(&mut read)).expect("reads");
        assert_eq!(read, [byte as u8]);
    }
    let (one, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
    one.set_nonblocking(true).expect("a mode");
    let fd = AsyncFd::new(one).expect("registers");
    for _ in 0..TIMES {
        assert!(give_up_after(2, fd.readable()).await.is_none());
    }
}

async fn children_and_signals() {
    let mut child = Command::new("sh")
        .args(["-c", "read line; exit 4"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("starts");
    let stdin = child.stdin.take();
    for _ in 0..TIMES {
        assert!(give_up_after(2, child.wait()).await.is_none());
    }
    drop(stdin);
    let status = at_last!(child.wait()).expect("waits");
    assert_eq!(status.code(), Some(4));
    for polls in 1..20 {
        let mut sleeper = Command::new("sleep");
        sleeper
            .arg("1000")
            .kill_on_drop(true)
            .stdout(Stdio::piped());
        let child = sleeper.spawn().expect("starts");
        assert!(
            give_up_after(polls, child.wait_with_output())
                .await
                .is_none()
        );
    }
    let mut hangup = signal(SignalKind::hangup()).expect("listens");
    for _ in 0..TIMES {
        assert!(give_up_after(2, hangup.recv()).await.is_none());
    }
}

async fn copies() {
    for polls in 1..50 {
        let ((mut near, mut a), (mut b, _far)) = (pair().await, pair().await);
        near.write_all(b"on the way").await.expect("writes");
        assert!(
            give_up_after(polls, copy_bidirectional(&mut a, &mut b))
                .await
                .is_none()
        );
    }
}

async fn files() {
    let path = std::env::temp_dir().join(format!("heist-cancelled-{}", std::process::id()));
    let content: Vec<u8> = (0..200_000).map(|i| (i % 251) as u8).collect();
    let mut file = File::create(&path).await.expect("makes");
    let mut written = 0;
    while written < content.len() {
        let end = content.len().min(written + 3000);
        let length = at_last!(file.write(&content[written..end]));
        written += length.expect("writes");
    }
    at_last!(file.flush()).expect("flushes");
    let mut file = File::open(&path).await.expect("opens");
    let (mut all, mut buf) = (Vec::new(), vec![0; 1000]);
    loop {
        let length = at_last!(file.read(&mut buf)).expect("reads");
        if length == 0 {
            break;
        }
        all.extend_from_slice(&buf[..length]);
    }
    assert!(all == content);
    for polls in 1..50 {
        give_up_after(polls, File::open(&path)).await;
        give_up_after(polls, fs::read(&path)).await;
        give_up_after(polls, fs::metadata(&path)).await;
    }
    fs::remove_file(&path).await.expect("removes");
}

async fn all() -> io::Result<()> {
    heist::join!(streams(), datagrams(), pipes_and_descriptors(), files());
    heist::join!(
        connections(),
        unix_connections(),
        children_and_signals(),
        copies()
    );
    Ok(())
}

/// What is open, registered and allocated.
#[derive(Clone, Copy, Debug)]
struct Holdings {
    descriptors: usize,
    registered: u64,
    heap: usize,
}

impl Holdings {
    fn now() -> Self {
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("procfs").count();
        let stats = ALLOCATOR.stats();
        let heap = stats.bytes_allocated - stats.bytes_deallocated;
        Self {
            descriptors,
            registered: Handle::current().metrics().io_driver_fd_registered_count(),
            heap,
        }
    }

    fn is_within(self, start: Self) -> bool {
        self.descriptors <= start.descriptors
            && self.registered <= start.registered
            && self.heap <= start.heap + SLACK
    }
}

#[test]
fn operations_given_up_lose_nothing_and_leave_nothing_behind() {
    deadline(|| {
        multi(2).block_on(async {
            // What is allocated once, such as threads and their names, is there after a few rounds.
            for _ in 0..ROUNDS / 2 {
                all().await.expect("passes");
            }
            sleep(Duration::from_millis(50)).await;
            let start = Holdings::now();
            for _ in 0..ROUNDS {
                all().await.expect("passes");
            }
            let back = async {
                while !Holdings::now().is_within(start) {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            let waited = timeout(Duration::from_secs(30), back).await;
            println!("from {start:?} to {:?}", Holdings::now());
            assert!(waited.is_ok(), "from {start:?} to {:?}", Holdings::now());
        });
    });
}
