//! Connecting to several addresses: those that do not answer hold nobody up.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream as StdStream};

use heist_net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{Driven, kind, listener};
#[cfg(target_os = "linux")]
use crate::support::{open_descriptors, poll_and_drop};

/// A listener whose queue is full: the kernel drops what asks for a connection, and whoever
/// connects waits for minutes.
async fn silent() -> (TcpListener, SocketAddr, Vec<StdStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("binds");
    let listener = socket.listen(0).expect("listens");
    let addr = listener.local_addr().expect("an address");
    let queued = StdStream::connect(addr).expect("the queue holds one");
    (listener, addr, vec![queued])
}

/// An address where nobody listens.
async fn refusing() -> SocketAddr {
    let (listener, addr) = listener().await;
    drop(listener);
    addr
}

#[test]
fn an_address_that_is_silent_is_joined_by_the_next() {
    let net = Driven::start();
    net.block_on(async {
        let (_quiet, silent, _queued) = silent().await;
        let (listener, addr) = listener().await;
        let addrs = [silent, silent, addr];
        let (near, far) = tokio::join!(TcpStream::connect(&addrs[..]), listener.accept());
        let (near, (_, peer)) = (near.expect("connects"), far.expect("accepts"));
        assert_eq!(near.peer_addr().expect("an address"), addr);
        assert_eq!(near.local_addr().expect("an address"), peer);
    });
}

#[test]
fn an_address_that_refuses_gives_way_at_once_and_the_last_error_is_told() {
    let net = Driven::start();
    net.block_on(async {
        let refusing = refusing().await;
        let (listener, addr) = listener().await;
        let mut addrs = vec![refusing; 1000];
        let refused = TcpStream::connect(&addrs[..]).await;
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
        addrs.push(addr);
        // At 250 ms each this would take minutes.
        let (near, far) = tokio::join!(TcpStream::connect(&addrs[..]), listener.accept());
        near.expect("connects");
        far.expect("accepts");
        let none: [SocketAddr; 0] = [];
        assert_eq!(
            kind(TcpStream::connect(&none[..]).await),
            ErrorKind::InvalidInput
        );
    });
}

#[cfg(target_os = "linux")]
#[test]
fn losers_and_dropped_races_close_their_sockets() {
    if !crate::support::alone("race::losers_and_dropped_races_close_their_sockets") {
        return;
    }
    let net = Driven::start();
    net.block_on(async {
        let (_quiet, silent, _queued) = silent().await;
        let (listener, addr) = listener().await;
        let before = open_descriptors();
        assert!(poll_and_drop(TcpStream::connect(&[silent, silent][..])).is_pending());
        assert_eq!(open_descriptors(), before);
        let addrs = [silent, silent, addr];
        let (near, far) = tokio::join!(TcpStream::connect(&addrs[..]), listener.accept());
        assert_eq!(open_descriptors(), before + 2);
        drop((near, far));
        assert_eq!(open_descriptors(), before);
    });
}
