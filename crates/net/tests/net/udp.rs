//! UDP: datagrams arrive whole, empty ones too; refusals are told and do no harm.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use heist_net::{Interest, UdpSocket};
use tokio::io::ReadBuf;

use crate::support::{Driven, kind};
#[cfg(unix)]
use crate::support::{eventually, poll_and_drop};

async fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let addr = socket.local_addr().expect("an address");
    (socket, addr)
}

async fn connected() -> (UdpSocket, UdpSocket) {
    let ((near, near_addr), (far, far_addr)) = (socket().await, socket().await);
    near.connect(far_addr).await.expect("connects");
    far.connect(near_addr).await.expect("connects");
    (near, far)
}

/// A socket connected to a port where nobody listens.
#[cfg(unix)]
async fn refused() -> UdpSocket {
    let (socket, _) = socket().await;
    let (gone, addr) = self::socket().await;
    socket.connect(addr).await.expect("connects");
    drop(gone);
    socket
}

#[test]
fn datagrams_of_every_size_arrive_whole_and_in_order() {
    let net = Driven::start();
    net.block_on(async {
        let (near, far) = connected().await;
        let mut buf = vec![0; 70_000];
        for length in [0, 1, 1500, 0, 9000, 65_507] {
            let sent = vec![7; length];
            assert_eq!(near.send(&sent).await.expect("sends"), length);
            assert_eq!(far.recv(&mut buf).await.expect("receives"), length);
            assert!(buf[..length] == sent);
        }
        near.send(&[0; 65_508]).await.expect_err("too long");
    });
}

#[test]
fn an_open_socket_answers_whoever_sent() {
    let net = Driven::start();
    net.block_on(async {
        let (server, addr) = socket().await;
        let (client, client_addr) = socket().await;
        let mut buf = [0; 16];
        client.send_to(b"who", addr).await.expect("sends");
        let (length, sender) = server.recv_from(&mut buf).await.expect("receives");
        assert_eq!((&buf[..length], sender), (&b"who"[..], client_addr));
        server.send_to(b"", sender).await.expect("sends");
        assert_eq!(
            client.recv_from(&mut buf).await.expect("receives"),
            (0, addr)
        );
        assert_eq!(kind(client.peer_addr()), ErrorKind::NotConnected);
    });
}

#[test]
fn what_does_not_fit_is_cut_off_and_buffers_grow_by_what_came() {
    let net = Driven::start();
    net.block_on(async {
        let (near, far) = connected().await;
        near.send(b"abcdef").await.expect("sends");
        let mut small = [0; 3];
        assert_eq!(far.recv(&mut small).await.expect("receives"), 3);

        let mut grown = Vec::from(*b"have ");
        grown.reserve(64);
        near.send(b"more").await.expect("sends");
        assert_eq!(far.recv_buf(&mut grown).await.expect("receives"), 4);
        near.send(b"!").await.expect("sends");
        let (length, sender) = far.recv_buf_from(&mut grown).await.expect("receives");
        assert_eq!(
            (length, sender),
            (1, near.local_addr().expect("an address"))
        );
        assert_eq!(grown, b"have more!");
        assert_eq!(kind(far.try_recv_buf(&mut grown)), ErrorKind::WouldBlock);
        assert_eq!(
            kind(far.try_recv_buf_from(&mut grown)),
            ErrorKind::WouldBlock
        );
    });
}

#[test]
fn polling_and_trying_do_the_same() {
    let net = Driven::start();
    net.block_on(async {
        let (near, far) = connected().await;
        let (near_addr, far_addr) = (
            near.local_addr().expect("an address"),
            far.local_addr().expect("an address"),
        );
        let mut room = [0; 16];
        assert_eq!(kind(far.try_recv(&mut room)), ErrorKind::WouldBlock);
        assert_eq!(kind(far.try_recv_from(&mut room)), ErrorKind::WouldBlock);
        assert_eq!(kind(far.try_peek(&mut room)), ErrorKind::WouldBlock);

        let sent = poll_fn(|cx| near.poll_send(cx, b"one")).await;
        assert_eq!(sent.expect("sends"), 3);
        let mut buf = ReadBuf::new(&mut room);
        poll_fn(|cx| far.poll_recv(cx, &mut buf))
            .await
            .expect("receives");
        assert_eq!(buf.filled(), b"one");

        near.connect(far_addr).await.expect("connects again");
        let sent = poll_fn(|cx| near.poll_send_to(cx, b"two", far_addr)).await;
        assert_eq!(sent.expect("sends"), 3);
        buf.clear();
        let sender = poll_fn(|cx| far.poll_recv_from(cx, &mut buf)).await;
        assert_eq!((buf.filled(), sender.ok()), (&b"two"[..], Some(near_addr)));

        near.writable().await.expect("writable");
        assert_eq!(near.try_send(b"three").expect("sends"), 5);
        assert_eq!(near.try_send_to(b"four", far_addr).expect("sends"), 4);
        for expected in [&b"three"[..], b"four"] {
            let ready = far.ready(Interest::READABLE).await.expect("ready");
            assert!(ready.is_readable());
            let (length, sender) = far.try_recv_from(&mut room).expect("is there");
            assert_eq!((&room[..length], sender), (expected, near_addr));
        }
    });
}

#[test]
fn peeking_takes_nothing() {
    let net = Driven::start();
    net.block_on(async {
        let (near, far) = connected().await;
        let sender = near.local_addr().expect("an address");
        near.send(b"abc").await.expect("sends");
        let mut room = [0; 8];
        assert_eq!(far.peek(&mut room).await.expect("peeks"), 3);
        assert_eq!(far.peek_from(&mut room).await.expect("peeks"), (3, sender));
        assert_eq!(far.peek_sender().await.expect("peeks"), sender);
        assert_eq!(far.try_peek(&mut room).expect("peeks"), 3);
        assert_eq!(far.try_peek_from(&mut room).expect("peeks"), (3, sender));
        assert_eq!(far.try_peek_sender().expect("peeks"), sender);
        let mut buf = ReadBuf::new(&mut room);
        poll_fn(|cx| far.poll_peek(cx, &mut buf))
            .await
            .expect("peeks");
        assert_eq!(buf.filled(), b"abc");
        buf.clear();
        let seen = poll_fn(|cx| far.poll_peek_from(cx, &mut buf)).await;
        assert_eq!((buf.filled(), seen.ok()), (&b"abc"[..], Some(sender)));
        let seen = poll_fn(|cx| far.poll_peek_sender(cx)).await;
        assert_eq!(seen.expect("peeks"), sender);
        assert_eq!(far.recv(&mut room).await.expect("receives"), 3);
    });
}

#[cfg(unix)]
#[test]
fn a_refusal_reaches_the_receiver_that_waits() {
    let net = Driven::start();
    net.block_on(async {
        let socket = refused().await;
        let mut buf = [0; 8];
        let (received, sent) = tokio::join!(socket.recv(&mut buf), socket.send(b"anybody?"));
        sent.expect("the first send does not know yet");
        assert_eq!(kind(received), ErrorKind::ConnectionRefused);
        // Told once: the next wait waits.
        assert!(poll_and_drop(socket.recv(&mut buf)).is_pending());
    });
}

#[cfg(unix)]
#[test]
fn after_refusals_the_socket_works_on() {
    let net = Driven::start();
    net.block_on(async {
        let socket = refused().await;
        let peer = socket.peer_addr().expect("connected");
        let mut refusals = 0;
        for _ in 0..200 {
            match socket.send(b"anybody?").await {
                Ok(length) => assert_eq!(length, 8),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                    refusals += 1;
                }
            }
        }
        assert!(refusals > 0, "each refusal is told to somebody");
        eventually("the last refusal is over", || {
            matches!(socket.try_recv(&mut [0; 8]), Err(error) if error.kind() == ErrorKind::WouldBlock)
        });

        let friend = UdpSocket::bind(peer).await.expect("the port is free again");
        friend
            .connect(socket.local_addr().expect("an address"))
            .await
            .expect("connects");
        for _ in 0..100 {
            socket.send(b"hello").await.expect("somebody listens");
            let mut buf = [0; 8];
            assert_eq!(friend.recv(&mut buf).await.expect("receives"), 5);
            friend.send(b"hi").await.expect("sends");
            assert_eq!(socket.recv(&mut buf).await.expect("receives"), 2);
        }
    });
}

#[cfg(unix)]
#[test]
fn a_refusal_wakes_who_waits_for_readiness_and_can_be_taken() {
    let net = Driven::start();
    net.block_on(async {
        let socket = refused().await;
        socket.send(b"anybody?").await.expect("sends");
        socket
            .readable()
            .await
            .expect("an error is something to read");
        let error = socket.take_error().expect("asks").expect("an error");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(kind(socket.try_recv(&mut [0; 8])), ErrorKind::WouldBlock);
        assert!(poll_and_drop(socket.readable()).is_pending());
    });
}

#[cfg(unix)]
#[test]
fn an_open_socket_hears_no_refusals() {
    let net = Driven::start();
    net.block_on(async {
        let (socket, addr) = socket().await;
        let (gone, nobody) = self::socket().await;
        drop(gone);
        for _ in 0..10 {
            socket.send_to(b"anybody?", nobody).await.expect("sends");
        }
        socket.send_to(b"me", addr).await.expect("sends");
        assert_eq!(socket.recv(&mut [0; 8]).await.expect("receives"), 2);
    });
}

#[test]
fn multicast_reaches_those_who_joined() {
    let net = Driven::start();
    net.block_on(async {
        let group = Ipv4Addr::new(239, 255, 77, 1);
        let member = UdpSocket::bind("0.0.0.0:0").await.expect("binds");
        let port = member.local_addr().expect("an address").port();
        member
            .join_multicast_v4(group, Ipv4Addr::LOCALHOST)
            .expect("joins");
        let (sender, _) = socket().await;
        sender.set_multicast_loop_v4(true).expect("an option");
        sender.set_multicast_ttl_v4(0).expect("an option");
        assert!(sender.multicast_loop_v4().expect("an option"));
        assert_eq!(sender.multicast_ttl_v4().expect("an option"), 0);
        // From an address of the loopback interface, so that it goes there.
        socket2::SockRef::from(&sender)
            .set_multicast_if_v4(&Ipv4Addr::LOCALHOST)
            .expect("an option");
        sender.send_to(b"all", (group, port)).await.expect("sends");
        let mut buf = [0; 8];
        assert_eq!(member.recv(&mut buf).await.expect("receives"), 3);
        member
            .leave_multicast_v4(group, Ipv4Addr::LOCALHOST)
            .expect("leaves");
    });
}

#[test]
fn options_are_kept() {
    let net = Driven::start();
    net.block_on(async {
        let (socket, _) = socket().await;
        socket.set_broadcast(true).expect("an option");
        assert!(socket.broadcast().expect("an option"));
        socket.set_ttl(7).expect("an option");
        assert_eq!(socket.ttl().expect("an option"), 7);
        socket.set_tos_v4(0x10).expect("an option");
        assert_eq!(socket.tos_v4().expect("an option"), 0x10);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.device().expect("an option"), None);

        // IPv6 may be off on this machine.
        let Ok(six) = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await else {
            return;
        };
        #[cfg(target_os = "linux")]
        six.set_tclass_v6(0x10).expect("an option");
        #[cfg(target_os = "linux")]
        assert_eq!(six.tclass_v6().expect("an option"), 0x10);
        six.set_multicast_loop_v6(false).expect("an option");
        assert!(!six.multicast_loop_v6().expect("an option"));
    });
}

#[test]
fn sockets_of_the_standard_library_come_and_go() {
    let net = Driven::start();
    let (near, far) = net.block_on(connected());
    let far = far.into_std().expect("leaves the reactor");
    far.set_nonblocking(false).expect("a mode");
    net.block_on(near.send(b"x")).expect("sends");
    assert_eq!(far.recv(&mut [0; 4]).expect("receives"), 1);
    net.block_on(async {
        let far = UdpSocket::try_from(far).expect("back again");
        near.send(b"xy").await.expect("sends");
        assert_eq!(far.recv(&mut [0; 4]).await.expect("receives"), 2);
    });
}
