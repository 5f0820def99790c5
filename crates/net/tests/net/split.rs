//! Halves: each works alone, they come back together, and the write half ends its direction.

use std::io::ErrorKind;
use std::thread;

use crate::support::{Driven, kind, poll_and_drop};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[test]
fn borrowed_halves_work_at_the_same_time() {
    let net = Driven::start();
    let (mut near, mut far) = net.pair();
    net.block_on(async {
        let (mut far_read, mut far_write) = far.split();
        let (mut near_read, mut near_write) = near.split();
        let echo = async {
            let mut buf = [0; 3];
            far_read.read_exact(&mut buf).await.expect("reads");
            far_write.write_all(&buf).await.expect("writes");
        };
        let mut back = [0; 3];
        let ask = async {
            near_write.write_all(b"abc").await.expect("writes");
            near_read.read_exact(&mut back).await.expect("reads");
        };
        tokio::join!(echo, ask);
        assert_eq!(&back, b"abc");
        assert_eq!(far_read.local_addr().ok(), near_write.peer_addr().ok());
    });
    // Whole again, and dropping the borrowed halves has shut nothing down.
    net.block_on(async {
        near.write_all(b"x").await.expect("writes");
        let mut byte = [0];
        far.read_exact(&mut byte).await.expect("reads");
    });
}

#[test]
fn owned_halves_work_on_different_threads() {
    let net = Driven::start();
    let (near, far) = net.pair();
    let (mut reader, mut writer) = far.into_split();
    let (mut near_reader, mut near_writer) = near.into_split();
    thread::scope(|scope| {
        scope.spawn(|| {
            net.block_on(async {
                tokio::io::copy(&mut reader, &mut writer)
                    .await
                    .expect("copies");
                drop(writer);
            });
        });
        let sender = scope.spawn(|| {
            net.block_on(async {
                for _ in 0..1000 {
                    near_writer.write_all(&[9; 1000]).await.expect("writes");
                }
                drop(near_writer);
            });
        });
        let mut back = Vec::new();
        net.block_on(near_reader.read_to_end(&mut back))
            .expect("reads");
        assert_eq!(back.len(), 1_000_000);
        sender.join().expect("no panic");
    });
}

#[test]
fn dropping_the_write_half_shuts_its_direction_down() {
    let net = Driven::start();
    let (near, mut far) = net.pair();
    let (mut reader, writer) = near.into_split();
    drop(writer);
    net.block_on(async {
        let mut byte = [0];
        assert_eq!(far.read(&mut byte).await.expect("the end"), 0);
        far.write_all(b"x")
            .await
            .expect("the other direction is open");
        assert_eq!(reader.read(&mut byte).await.expect("reads"), 1);
    });
}

#[test]
fn forgetting_the_write_half_leaves_its_direction_open() {
    let net = Driven::start();
    let (near, far) = net.pair();
    let (reader, writer) = near.into_split();
    writer.forget();
    net.block_on(async {
        assert!(poll_and_drop(far.readable()).is_pending());
        drop(reader);
        far.readable().await.expect("now the connection is closed");
        assert_eq!(far.try_read(&mut [0]).expect("the end"), 0);
    });
}

#[test]
fn halves_of_one_stream_reunite_and_others_do_not() {
    let net = Driven::start();
    let (near, far) = net.pair();
    let (near_reader, near_writer) = near.into_split();
    let (far_reader, far_writer) = far.into_split();
    let error = near_reader
        .reunite(far_writer)
        .expect_err("different streams");
    assert_eq!(
        error.to_string(),
        "tried to reunite halves that are not from the same socket"
    );
    let heist_net::tcp::ReuniteError(near_reader, far_writer) = error;
    let mut near = near_writer.reunite(near_reader).expect("the same stream");
    let mut far = far_reader.reunite(far_writer).expect("the same stream");
    net.block_on(async {
        near.write_all(b"still open").await.expect("writes");
        let mut buf = [0; 10];
        far.read_exact(&mut buf).await.expect("reads");
    });
}

#[test]
fn halves_try_peek_and_wait_like_the_stream() {
    let net = Driven::start();
    let (near, far) = net.pair();
    let (_near_reader, near_writer) = near.into_split();
    let (mut reader, _writer) = far.into_split();
    net.block_on(async {
        assert_eq!(kind(reader.try_read(&mut [0; 4])), ErrorKind::WouldBlock);
        near_writer.writable().await.expect("writable");
        assert_eq!(near_writer.try_write(b"abcd").expect("writes"), 4);
        let mut buf = [0; 4];
        assert_eq!(reader.peek(&mut buf).await.expect("peeks"), 4);
        reader.readable().await.expect("readable");
        assert_eq!(reader.try_read(&mut buf).expect("reads"), 4);
        assert_eq!(&buf, b"abcd");
    });
}
