//! Listeners and sockets: whoever connects is accepted, and nothing is lost or leaked on the way.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::thread;

#[cfg(target_os = "linux")]
use crate::support::open_descriptors;
use crate::support::{Driven, kind, listener, poll_and_drop};
use heist_net::{TcpListener, TcpSocket, TcpStream};
#[cfg(unix)]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[test]
fn a_dropped_accept_loses_no_connection() {
    let net = Driven::start();
    net.block_on(async {
        let (listener, addr) = listener().await;
        for _ in 0..50 {
            assert!(poll_and_drop(listener.accept()).is_pending());
            let near = TcpStream::connect(addr).await.expect("connects");
            let (far, peer) = listener.accept().await.expect("accepts");
            assert_eq!(peer, near.local_addr().expect("an address"));
            assert_eq!(far.local_addr().expect("an address"), addr);
        }
    });
}

#[test]
fn every_waiting_accept_gets_a_connection() {
    let net = Driven::start();
    let (listener, addr) = net.block_on(listener());
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| net.block_on(listener.accept()).map(|(_, peer)| peer)))
            .collect();
        let streams: Vec<_> = (0..8)
            .map(|_| net.block_on(TcpStream::connect(addr)).expect("connects"))
            .collect();
        let mut peers: Vec<SocketAddr> = waiters
            .into_iter()
            .map(|waiter| waiter.join().expect("no panic").expect("accepts"))
            .collect();
        let mut locals: Vec<_> = streams
            .iter()
            .map(|stream| stream.local_addr().expect("an address"))
            .collect();
        peers.sort();
        locals.sort();
        assert_eq!(peers, locals);
    });
}

#[test]
fn poll_accept_accepts_one_after_the_other() {
    let net = Driven::start();
    net.block_on(async {
        let (listener, addr) = listener().await;
        for _ in 0..3 {
            let accept = std::future::poll_fn(|cx| listener.poll_accept(cx));
            let (near, far) = tokio::join!(TcpStream::connect(addr), accept);
            near.expect("connects");
            far.expect("accepts");
        }
    });
}

#[test]
fn a_taken_port_is_an_error() {
    let net = Driven::start();
    net.block_on(async {
        let (_listener, addr) = listener().await;
        assert_eq!(kind(TcpListener::bind(addr).await), ErrorKind::AddrInUse);
    });
}

#[cfg(unix)]
#[test]
fn two_listeners_share_a_port_when_both_say_so() {
    let net = Driven::start();
    net.block_on(async {
        let bind = |addr| {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_reuseport(true).expect("an option");
            socket.bind(addr).expect("binds");
            socket.listen(16).expect("listens")
        };
        let first = bind("127.0.0.1:0".parse().expect("an address"));
        let second = bind(first.local_addr().expect("an address"));
        assert_eq!(first.local_addr().ok(), second.local_addr().ok());
    });
}

#[test]
fn socket_options_are_set_and_read_back() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_keepalive(true).expect("an option");
    assert!(socket.keepalive().expect("an option"));
    socket.set_reuseaddr(true).expect("an option");
    assert!(socket.reuseaddr().expect("an option"));
    socket.set_nodelay(true).expect("an option");
    assert!(socket.nodelay().expect("an option"));
    socket.set_send_buffer_size(1 << 16).expect("an option");
    assert!(socket.send_buffer_size().expect("an option") >= 1 << 16);
    socket.set_recv_buffer_size(1 << 16).expect("an option");
    assert!(socket.recv_buffer_size().expect("an option") >= 1 << 16);
    socket.set_tos_v4(0x10).expect("an option");
    assert_eq!(socket.tos_v4().expect("an option"), 0x10);
    socket.set_zero_linger().expect("an option");
    assert_eq!(
        socket.linger().expect("an option"),
        Some(std::time::Duration::ZERO)
    );
    #[cfg(target_os = "linux")]
    assert_eq!(socket.device().expect("an option"), None);
    assert!(socket.take_error().expect("an option").is_none());

    // A machine without IPv6 has no such socket to configure.
    if let Ok(socket) = TcpSocket::new_v6() {
        socket.set_only_v6(true).expect("an option");
        assert!(socket.only_v6().expect("an option"));
        #[cfg(unix)]
        socket.set_tclass_v6(0x10).expect("an option");
        #[cfg(unix)]
        assert_eq!(socket.tclass_v6().expect("an option"), 0x10);
    }
}

#[test]
fn a_socket_connects_from_the_address_it_is_bound_to() {
    let net = Driven::start();
    net.block_on(async {
        let (listener, addr) = listener().await;
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("binds");
        let local = socket.local_addr().expect("an address");
        let (near, far) = tokio::join!(socket.connect(addr), listener.accept());
        near.expect("connects");
        assert_eq!(far.expect("accepts").1, local);
    });
}

#[test]
fn a_socket_from_a_blocking_std_stream_can_listen() {
    let net = Driven::start();
    net.block_on(async {
        let (other, addr) = listener().await;
        // Connected already: connecting again says so, and has not blocked.
        let std_stream = std::net::TcpStream::connect(addr).expect("connects");
        let socket = TcpSocket::from_std_stream(std_stream);
        assert!(socket.connect(addr).await.is_err());
        drop(other);
    });
}

#[cfg(unix)]
#[test]
fn every_descriptor_is_close_on_exec_and_non_blocking() {
    fn check(what: &str, fd: impl std::os::fd::AsFd) {
        let flags = rustix::io::fcntl_getfd(&fd).expect("flags");
        assert!(
            flags.contains(rustix::io::FdFlags::CLOEXEC),
            "{what}: inherited"
        );
        let flags = rustix::fs::fcntl_getfl(&fd).expect("flags");
        assert!(
            flags.contains(rustix::fs::OFlags::NONBLOCK),
            "{what}: blocking"
        );
    }
    let net = Driven::start();
    net.block_on(async {
        let (listener, addr) = listener().await;
        check("listener", &listener);
        let near = TcpStream::connect(addr).await.expect("connects");
        check("connected stream", &near);
        let (far, _) = listener.accept().await.expect("accepts");
        check("accepted stream", &far);
        let socket = TcpSocket::new_v4().expect("a socket");
        check("socket", &socket);
        check(
            "stream of a socket",
            socket.connect(addr).await.expect("connects"),
        );
    });
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_and_registrations_return_to_where_they_were() {
    let net = Driven::start();
    // The test binary runs its tests on threads of one process: count in a child of one test.
    if !crate::support::alone("listener::descriptors_and_registrations_return_to_where_they_were") {
        return;
    }
    net.block_on(async {
        let (listener, addr) = listener().await;
        let (closed, refused) = crate::support::listener().await;
        drop(closed);
        let before = (open_descriptors(), net.handle.metrics().registered);
        for round in 0..200 {
            // Given up half way, refused, and used to the end.
            drop(poll_and_drop(TcpStream::connect(addr)));
            TcpStream::connect(refused).await.expect_err("refused");
            let (near, far) = tokio::join!(TcpStream::connect(addr), listener.accept());
            let (mut near, mut far) = (near.expect("connects"), far.expect("accepts").0);
            // A connection given up may be accepted in place of ours; both end here.
            let _ = far.write_all(b"x").await;
            if round % 2 == 0 {
                let (reader, writer) = near.into_split();
                drop(writer);
                drop(reader);
            } else {
                let _ = poll_and_drop(near.read(&mut [0]));
            }
            while poll_and_drop(listener.accept()).is_ready() {}
        }
        let after = (open_descriptors(), net.handle.metrics().registered);
        assert_eq!(before, after);
    });
}

#[cfg(unix)]
#[test]
fn a_group_shares_one_port_and_its_connections() {
    let net = Driven::start();
    net.block_on(async {
        let group = TcpListener::bind_group("127.0.0.1:0", 3)
            .await
            .expect("binds");
        let addr = group[0].local_addr().expect("an address");
        assert!(group.iter().all(|one| one.local_addr().ok() == Some(addr)));
        let mut accepted = [0; 3];
        // The kernel spreads by a hash: of so many each gets some.
        for _ in 0..200 {
            let (one, two, three) = (&group[0], &group[1], &group[2]);
            let accept = async {
                tokio::select! {
                    _ = one.accept() => 0,
                    _ = two.accept() => 1,
                    _ = three.accept() => 2,
                }
            };
            let (near, by) = tokio::join!(TcpStream::connect(addr), accept);
            near.expect("connects");
            accepted[by] += 1;
        }
        assert!(
            accepted.iter().all(|&count: &usize| count > 0),
            "{accepted:?}"
        );
        let one = TcpListener::bind_group("127.0.0.1:0", 0)
            .await
            .expect("binds");
        assert_eq!(one.len(), 1);
    });
}
