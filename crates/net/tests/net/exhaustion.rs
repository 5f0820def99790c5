//! Accepting when descriptors run out: the listener pauses, lives on, and does not spin.
//!
//! The limit belongs to the process, so each test has one of its own.

use std::fs::File;
use std::future::Future as _;
use std::net::{SocketAddr, TcpStream as StdStream};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist_net::{TcpListener, TcpStream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Driven, alone, eventually, listener, poll_and_drop};

/// All descriptors the process may have, held until dropped.
struct Hoard {
    files: Vec<File>,
    limit: Rlimit,
}

impl Hoard {
    fn take_all() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let low = Rlimit {
            current: Some(64),
            ..limit
        };
        setrlimit(Resource::Nofile, low).expect("a lower limit");
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        Self { files, limit }
    }
}

impl Drop for Hoard {
    fn drop(&mut self) {
        self.files.clear();
        setrlimit(Resource::Nofile, self.limit).expect("the limit of before");
    }
}

/// A connection that waits in the listener's queue, made before descriptors ran out.
fn client(addr: SocketAddr) -> StdStream {
    StdStream::connect(addr).expect("the kernel completes the handshake")
}

fn cpu_time(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("a positive time")
}

/// Keeps this thread busy until it has used `duration` of processor time, and returns how much all
/// other threads have used meanwhile. However loaded the machine, one that spins has got its share.
fn used_by_others_during(duration: Duration) -> Duration {
    let others = || cpu_time(ClockId::ProcessCPUTime) - cpu_time(ClockId::ThreadCPUTime);
    let (before, start) = (others(), cpu_time(ClockId::ThreadCPUTime));
    while cpu_time(ClockId::ThreadCPUTime) - start < duration {}
    others() - before
}

#[test]
fn accept_outlives_a_lack_of_descriptors_and_does_not_spin() {
    if !alone("exhaustion::accept_outlives_a_lack_of_descriptors_and_does_not_spin") {
        return;
    }
    let net = Driven::start();
    let (listener, addr) = net.block_on(listener());
    let mut client = client(addr);
    let hoard = Hoard::take_all();

    std::thread::scope(|scope| {
        let accepting = scope.spawn(|| net.block_on(listener.accept()));
        let spent = used_by_others_during(Duration::from_millis(400));
        assert!(!accepting.is_finished(), "nothing can be accepted yet");
        assert!(spent < Duration::from_millis(100), "spinning: {spent:?}");

        drop(hoard);
        let (mut stream, peer) = accepting.join().expect("no panic").expect("accepts");
        assert_eq!(peer, client.local_addr().expect("an address"));
        net.block_on(stream.write_all(b"welcome")).expect("writes");
        let mut greeting = [0; 7];
        std::io::Read::read_exact(&mut client, &mut greeting).expect("reads");
    });
}

#[test]
fn every_waiter_and_poll_accept_respect_the_pause_and_are_served_after_it() {
    if !alone("exhaustion::every_waiter_and_poll_accept_respect_the_pause_and_are_served_after_it")
    {
        return;
    }
    let net = Driven::start();
    let (listener, addr) = net.block_on(listener());
    let clients: Vec<_> = (0..5).map(|_| client(addr)).collect();
    let hoard = Hoard::take_all();

    std::thread::scope(|scope| {
        let net = &net;
        let listener = &listener;
        let mut accepting: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || net.block_on(listener.accept())))
            .collect();
        accepting.push(
            scope.spawn(move || net.block_on(std::future::poll_fn(|cx| listener.poll_accept(cx)))),
        );
        std::thread::sleep(Duration::from_millis(100));
        drop(hoard);
        for accepting in accepting {
            accepting.join().expect("no panic").expect("accepts");
        }
    });
    drop(clients);
}

#[test]
fn an_accept_dropped_during_the_pause_leaves_the_connection_for_the_next() {
    if !alone("exhaustion::an_accept_dropped_during_the_pause_leaves_the_connection_for_the_next") {
        return;
    }
    let net = Driven::start();
    let (listener, addr) = net.block_on(listener());
    let client = client(addr);
    let hoard = Hoard::take_all();
    {
        let _entered = net.handle.enter();
        assert!(poll_and_drop(listener.accept()).is_pending());
        assert!(poll_and_drop(std::future::poll_fn(|cx| listener.poll_accept(cx))).is_pending());
        eventually("a pause has begun", || net.handle.metrics().events > 0);
    }
    drop(hoard);
    let (mut stream, _) = net.block_on(listener.accept()).expect("accepts");
    drop(client);
    let mut rest = Vec::new();
    net.block_on(stream.read_to_end(&mut rest))
        .expect("the end");
}

#[test]
fn connecting_without_descriptors_fails_and_works_again_later() {
    if !alone("exhaustion::connecting_without_descriptors_fails_and_works_again_later") {
        return;
    }
    let net = Driven::start();
    let (listener, addr) = net.block_on(listener());
    let hoard = Hoard::take_all();
    let error = net
        .block_on(TcpStream::connect(addr))
        .expect_err("no descriptors");
    assert_eq!(
        error.raw_os_error(),
        Some(rustix::io::Errno::MFILE.raw_os_error())
    );
    net.block_on(TcpListener::bind("127.0.0.1:0"))
        .expect_err("no descriptors");
    drop(hoard);
    let (near, far) =
        net.block_on(async { tokio::join!(TcpStream::connect(addr), listener.accept()) });
    near.expect("connects");
    far.expect("accepts");
}

#[test]
fn a_shutdown_during_the_pause_is_an_error_to_those_who_wait() {
    if !alone("exhaustion::a_shutdown_during_the_pause_is_an_error_to_those_who_wait") {
        return;
    }
    let net = Driven::start();
    let (listener, addr) = net.block_on(listener());
    let client = client(addr);
    let hoard = Hoard::take_all();
    let mut cx = Context::from_waker(Waker::noop());
    let mut accept = pin!(listener.accept());
    assert!(accept.as_mut().poll(&mut cx).is_pending());
    assert!(listener.poll_accept(&mut cx).is_pending());
    net.handle.shutdown();
    assert!(matches!(accept.as_mut().poll(&mut cx), Poll::Ready(Err(_))));
    assert!(matches!(listener.poll_accept(&mut cx), Poll::Ready(Err(_))));
    drop((hoard, client));
}
