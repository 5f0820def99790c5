//! Streams: bytes arrive in order and completely, whichever way they are read and written.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::thread;
use std::time::Duration;

use crate::support::{Driven, kind, listener, poll_and_drop};
use heist_net::{Interest, TcpListener, TcpStream};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _};

#[test]
fn what_is_written_is_read_at_the_other_end() {
    let net = Driven::start();
    let (mut near, mut far) = net.pair();
    net.block_on(async {
        near.write_all(b"hello").await.expect("writes");
        let mut buf = [0; 5];
        far.read_exact(&mut buf).await.expect("reads");
        assert_eq!(&buf, b"hello");
        assert_eq!(near.local_addr().ok(), far.peer_addr().ok());
        assert_eq!(near.peer_addr().ok(), far.local_addr().ok());
    });
}

#[test]
fn megabytes_pass_both_ways_at_once_and_arrive_whole() {
    const LENGTH: usize = 8 << 20;
    let net = Driven::start();
    let (near, far) = net.pair();
    let data: Vec<u8> = (0..LENGTH).map(|i| (i % 251) as u8).collect();
    let one_side = async |stream: TcpStream| {
        let (mut reader, mut writer) = stream.into_split();
        let mut received = Vec::new();
        let send = async {
            writer.write_all(&data).await.expect("writes");
            writer.shutdown().await.expect("shuts down");
        };
        let (_, result) = tokio::join!(send, reader.read_to_end(&mut received));
        result.expect("reads");
        assert!(received == data, "the bytes differ");
    };
    net.block_on(async { tokio::join!(one_side(near), one_side(far)) });
}

#[test]
fn shutting_down_ends_one_direction_only() {
    let net = Driven::start();
    let (mut near, mut far) = net.pair();
    net.block_on(async {
        near.write_all(b"question").await.expect("writes");
        near.shutdown().await.expect("shuts down");
        let mut question = String::new();
        far.read_to_string(&mut question)
            .await
            .expect("reads to the end");
        far.write_all(b"answer").await.expect("writes");
        drop(far);
        let mut answer = String::new();
        near.read_to_string(&mut answer)
            .await
            .expect("reads to the end");
        assert_eq!((&*question, &*answer), ("question", "answer"));
        let written = kind(near.write_all(b"more").await);
        // Windows says `WSAESHUTDOWN`, which has no kind.
        assert!(
            written == ErrorKind::BrokenPipe || cfg!(windows),
            "{written:?}"
        );
    });
}

#[test]
fn the_end_is_seen_together_with_the_last_bytes() {
    // Data and FIN in one event, read through a buffer larger than the data: a short read must not
    // forget the end that came with it.
    let net = Driven::start();
    for _ in 0..100 {
        let (near, mut far) = net.pair();
        let mut near = near.into_std().expect("leaves the reactor");
        near.set_nonblocking(false).expect("blocks");
        near.write_all(b"last").expect("writes");
        drop(near);
        net.block_on(async {
            let mut buf = [0; 4096];
            assert_eq!(far.read(&mut buf).await.expect("reads"), 4);
            assert_eq!(far.read(&mut buf).await.expect("reads"), 0);
        });
    }
}

#[test]
fn peeking_takes_nothing() {
    let net = Driven::start();
    let (mut near, mut far) = net.pair();
    net.block_on(async {
        let mut buf = [0; 16];
        let (peeked, written) = tokio::join!(far.peek(&mut buf), near.write_all(b"abc"));
        written.expect("writes");
        assert_eq!(&buf[..peeked.expect("peeks")], b"abc");

        let mut space = [MaybeUninit::uninit(); 16];
        let mut uninit = tokio::io::ReadBuf::uninit(&mut space);
        let length = std::future::poll_fn(|cx| far.poll_peek(cx, &mut uninit)).await;
        assert_eq!(length.expect("peeks"), 3);
        assert_eq!(uninit.filled(), b"abc");

        let length = far.read(&mut buf).await.expect("reads");
        assert_eq!(&buf[..length], b"abc");
        drop(near);
        assert_eq!(far.peek(&mut buf).await.expect("peeks at the end"), 0);
    });
}

#[test]
fn vectored_writes_gather_and_vectored_reads_scatter() {
    let net = Driven::start();
    let (mut near, far) = net.pair();
    net.block_on(async {
        let slices = [
            IoSlice::new(b"one "),
            IoSlice::new(b""),
            IoSlice::new(b"two"),
        ];
        assert!(near.is_write_vectored());
        assert_eq!(near.write_vectored(&slices).await.expect("writes"), 7);
        far.readable().await.expect("readable");
        let (mut first, mut second) = ([0; 4], [0; 8]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(far.try_read_vectored(&mut slices).expect("reads"), 7);
        assert_eq!((&first, &second[..3]), (b"one ", &b"two"[..]));
    });
}

#[test]
fn more_slices_than_the_system_takes_are_a_short_write() {
    let net = Driven::start();
    let (mut near, _far) = net.pair();
    let slices = vec![IoSlice::new(b"x"); 3000];
    let length = net.block_on(near.write_vectored(&slices)).expect("writes");
    assert!((1..=3000).contains(&length));
}

#[test]
fn reads_fill_uninitialised_room() {
    let net = Driven::start();
    let (mut near, mut far) = net.pair();
    net.block_on(async {
        near.write_all(&[7; 100]).await.expect("writes");
        let mut room = Vec::with_capacity(64);
        while room.len() < 100 {
            far.read_buf(&mut room).await.expect("reads");
        }
        assert_eq!(room, [7; 100]);
    });
}

#[test]
fn try_calls_never_wait() {
    let net = Driven::start();
    let (near, far) = net.pair();
    let mut buf = [0; 8];
    assert_eq!(kind(far.try_read(&mut buf)), ErrorKind::WouldBlock);
    net.block_on(async {
        near.writable().await.expect("writable");
        assert_eq!(near.try_write(b"abc").expect("writes"), 3);
        assert_eq!(
            near.try_write_vectored(&[IoSlice::new(b"d")])
                .expect("writes"),
            1
        );
        let ready = far.ready(Interest::READABLE).await.expect("ready");
        assert!(ready.is_readable());
        let mut got = Vec::new();
        while got.len() < 4 {
            far.readable().await.expect("readable");
            match far.try_read(&mut buf) {
                Ok(length) => got.extend_from_slice(&buf[..length]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        assert_eq!(got, b"abcd");
        assert_eq!(kind(far.try_read(&mut buf)), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_full_socket_says_so_and_becomes_writable_again() {
    let net = Driven::start();
    let (near, far) = net.pair();
    net.block_on(async {
        let chunk = [0; 1 << 16];
        let mut sent = 0;
        near.writable().await.expect("writable");
        loop {
            match near.try_write(&chunk) {
                Ok(length) => sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(poll_and_drop(near.writable()).is_pending());
        let mut received = 0;
        let mut buf = vec![0; 1 << 16];
        while received < sent {
            far.readable().await.expect("readable");
            match far.try_read(&mut buf) {
                Ok(length) => received += length,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        near.writable().await.expect("writable again");
        near.try_write(b"x").expect("writes");
    });
}

#[test]
fn any_number_of_tasks_wait_for_one_stream() {
    let net = Driven::start();
    let (mut near, far) = net.pair();
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| net.block_on(far.readable())))
            .collect();
        net.block_on(near.write_all(b"x")).expect("writes");
        for waiter in waiters {
            waiter.join().expect("no panic").expect("readable");
        }
    });
}

#[test]
fn a_dropped_read_takes_no_bytes() {
    let net = Driven::start();
    let (mut near, mut far) = net.pair();
    net.block_on(async {
        for round in 0..200u8 {
            let mut scrap = [0; 1];
            // Sometimes before the byte is there, sometimes after: either the read completes and
            // has the byte, or it is dropped and the byte is still there.
            let early = poll_and_drop(far.read(&mut scrap)).is_ready();
            assert!(!early, "nothing has been sent");
            near.write_all(&[round]).await.expect("writes");
            let mut byte = [0; 1];
            if poll_and_drop(far.read(&mut byte)).is_pending() {
                far.read_exact(&mut byte).await.expect("reads");
            }
            assert_eq!(byte, [round]);
        }
    });
}

#[test]
fn a_reset_by_the_peer_is_an_error_to_the_reader() {
    let net = Driven::start();
    let (near, mut far) = net.pair();
    near.set_zero_linger().expect("an option");
    drop(near);
    net.block_on(async {
        let mut buf = [0; 8];
        assert_eq!(kind(far.read(&mut buf).await), ErrorKind::ConnectionReset);
    });
}

#[test]
fn connecting_to_a_closed_port_is_refused() {
    let net = Driven::start();
    net.block_on(async {
        let (listener, addr) = listener().await;
        drop(listener);
        assert_eq!(
            kind(TcpStream::connect(addr).await),
            ErrorKind::ConnectionRefused
        );
    });
}

#[test]
fn connect_tries_each_address_in_turn() {
    let net = Driven::start();
    net.block_on(async {
        let (closed, nobody) = listener().await;
        drop(closed);
        let (open, addr) = listener().await;
        let stream = TcpStream::connect(&[nobody, addr][..])
            .await
            .expect("connects");
        assert_eq!(stream.peer_addr().expect("an address"), addr);
        assert_eq!(
            kind(TcpStream::connect(&[][..]).await),
            ErrorKind::InvalidInput
        );
        drop(open);
    });
}

#[test]
fn connect_resolves_names() {
    let net = Driven::start();
    net.block_on(async {
        let (listener, addr) = listener().await;
        let name = format!("localhost:{}", addr.port());
        let (near, far) = tokio::join!(TcpStream::connect(name), listener.accept());
        near.expect("connects");
        far.expect("accepts");
    });
}

#[test]
fn options_are_set_and_read_back() {
    let net = Driven::start();
    let (stream, _far) = net.pair();
    stream.set_nodelay(true).expect("an option");
    assert!(stream.nodelay().expect("an option"));
    stream.set_ttl(17).expect("an option");
    assert_eq!(stream.ttl().expect("an option"), 17);
    assert_eq!(stream.linger().expect("an option"), None);
    stream.set_linger(Some(Duration::ZERO)).expect("an option");
    assert_eq!(stream.linger().expect("an option"), Some(Duration::ZERO));
    #[cfg(target_os = "linux")]
    stream.set_quickack(true).expect("an option");
    #[cfg(target_os = "linux")]
    stream.quickack().expect("an option");
    assert!(stream.take_error().expect("an option").is_none());
}

#[test]
fn streams_come_from_std_in_blocking_mode_and_go_back() {
    let net = Driven::start();
    let std_listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let addr = std_listener.local_addr().expect("an address");
    let near = std::net::TcpStream::connect(addr).expect("connects");
    net.block_on(async {
        let listener = TcpListener::from_std(std_listener).expect("registers");
        let (mut far, _) = listener.accept().await.expect("accepts");
        let mut near = TcpStream::from_std(near).expect("registers");
        near.write_all(b"ping").await.expect("writes");
        let mut buf = [0; 4];
        far.read_exact(&mut buf).await.expect("reads");

        let mut near = near.into_std().expect("leaves the reactor");
        far.write_all(b"pong").await.expect("writes");
        near.set_nonblocking(false).expect("blocks");
        near.read_exact(&mut buf).expect("reads");
        assert_eq!(&buf, b"pong");
        let std_listener = listener.into_std().expect("leaves the reactor");
        assert_eq!(std_listener.local_addr().expect("an address"), addr);
    });
}

#[test]
fn a_stream_outlives_its_reactor_as_an_error() {
    let net = Driven::start();
    let (near, far) = net.pair();
    let handle = net.handle.clone();
    let waiting = thread::spawn(move || {
        let other = Driven::start();
        other.block_on(far.readable())
    });
    handle.shutdown();
    waiting
        .join()
        .expect("no panic")
        .expect_err("the reactor is gone");
    drop(near);
}
