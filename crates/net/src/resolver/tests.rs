//! The pool answers, stays within its limit, and outlives askers that leave.

use std::future::Future as _;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use super::*;

/// Waits for an answer on this thread; the receiver needs no reactor.
fn wait(receiver: oneshot::Receiver<Answer>) -> Answer {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || sender.send(receiver.blocking_recv()));
    done.recv_timeout(Duration::from_secs(30))
        .expect("a lookup of localhost ends")
        .expect("the resolver answers every name it has taken")
}

#[test]
fn localhost_resolves_to_loopback_with_the_port_given() {
    let receiver = RESOLVER
        .submit("localhost".into(), 4242)
        .expect("threads can be started");
    let addrs = wait(receiver).expect("localhost has an address");
    assert!(!addrs.is_empty());
    for addr in addrs {
        assert!(addr.ip().is_loopback());
        assert_eq!(addr.port(), 4242);
    }
}

#[test]
fn a_burst_is_answered_by_at_most_the_limit_of_threads() {
    let receivers: Vec<_> = (0..100)
        .map(|port| RESOLVER.submit("localhost".into(), port).expect("queued"))
        .collect();
    for (port, receiver) in receivers.into_iter().enumerate() {
        assert!(RESOLVER.state.lock().threads <= MAX_THREADS);
        let addrs = wait(receiver).expect("localhost has an address");
        assert!(addrs.iter().all(|addr| usize::from(addr.port()) == port));
    }
}

#[test]
fn a_dropped_lookup_leaves_the_pool_serving() {
    {
        let mut lookup = pin!(lookup("localhost".into(), 1));
        let mut cx = Context::from_waker(Waker::noop());
        // Started or answered, either is fine: what counts is that it is dropped here.
        let _: Poll<_> = lookup.as_mut().poll(&mut cx);
    }
    let receiver = RESOLVER.submit("localhost".into(), 2).expect("queued");
    assert!(wait(receiver).is_ok());
}

#[test]
fn a_name_that_is_no_name_is_an_error() {
    let receiver = RESOLVER
        .submit("not a host name".into(), 1)
        .expect("queued");
    assert!(wait(receiver).is_err());
}
