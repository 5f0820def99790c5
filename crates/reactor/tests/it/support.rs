//! What the integration tests share: a reactor turned by the test, sockets, wakers that count.

use std::future::Future;
use std::net::{Shutdown, TcpListener};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use std::{process, thread};

use heist_reactor::{Config, Reactor};
use mio::net::TcpStream;

/// Ends the process if the test is not over within a minute: a hang is a failure.
pub(crate) struct Deadline {
    /// Its drop tells the watcher that the test is over.
    _over: Sender<()>,
}

pub(crate) fn deadline() -> Deadline {
    let (sender, receiver) = channel::<()>();
    let test = thread::current().name().unwrap_or("?").to_owned();
    thread::spawn(move || {
        let over = receiver.recv_timeout(Duration::from_secs(60));
        if over == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("test {test} hangs");
            process::abort();
        }
    });
    Deadline { _over: sender }
}

pub(crate) fn reactor() -> Reactor {
    Reactor::new(Config::default()).expect("a reactor can be made")
}

/// Counts its calls.
#[derive(Default)]
pub(crate) struct Bell(AtomicUsize);

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn times_rung(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Writes its name into a log when called.
pub(crate) struct Note<T> {
    pub(crate) name: T,
    pub(crate) log: Arc<Mutex<Vec<T>>>,
}

impl<T: Clone + Send + 'static> Wake for Note<T> {
    fn wake(self: Arc<Self>) {
        let mut log = self.log.lock().expect("never held at a panic");
        log.push(self.name.clone());
    }
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll_once<R>(poll: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls once, with `bell` as the waker.
pub(crate) fn poll_with<R>(
    bell: &Arc<Bell>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    poll(&mut Context::from_waker(&Waker::from(Arc::clone(bell))))
}

/// Turns the reactor until the future is ready; polls only when woken.
pub(crate) fn block_on<F: Future>(reactor: &mut Reactor, future: F) -> F::Output {
    let mut future = pin!(future);
    let bell = Bell::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    loop {
        let before = bell.times_rung();
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        while bell.times_rung() == before {
            reactor.turn(None).expect("a turn does not fail");
        }
    }
}

/// Turns the reactor, waiting each time, until `done`.
pub(crate) fn turn_until(reactor: &mut Reactor, mut done: impl FnMut() -> bool) {
    while !done() {
        reactor.turn(None).expect("a turn does not fail");
    }
}

/// Two ends of a TCP connection over loopback, non-blocking.
pub(crate) fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let addr = listener.local_addr().expect("a listener has an address");
    let client = std::net::TcpStream::connect(addr).expect("a listener accepts");
    let (server, _) = listener.accept().expect("a client connects");
    let [client, server] = [client, server].map(|stream| {
        stream
            .set_nonblocking(true)
            .expect("a socket can be set non-blocking");
        TcpStream::from_std(stream)
    });
    (client, server)
}

/// Says that no more will be written.
pub(crate) fn finish(stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).expect("the peer is there");
}
