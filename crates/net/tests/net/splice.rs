//! Copying in the kernel: the same bytes, ends and errors as through buffers.

use std::io::ErrorKind;

use heist_net::{Splice, TcpStream, UnixStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};

use crate::support::{Driven, alone, kind, open_descriptors};

/// Sends `length` bytes, ends, and returns what came back.
async fn exchange(mut stream: TcpStream, length: usize, seed: u8) -> Vec<u8> {
    let (mut reader, mut writer) = stream.split();
    let send = async {
        let chunk: Vec<u8> = (0..=250).map(|byte: u8| byte.wrapping_mul(seed)).collect();
        let mut left = length;
        while left > 0 {
            let part = left.min(chunk.len());
            writer.write_all(&chunk[..part]).await.expect("writes");
            left -= part;
        }
        writer.shutdown().await.expect("shuts down");
    };
    let mut received = Vec::new();
    let (_, result) = tokio::join!(send, reader.read_to_end(&mut received));
    result.expect("reads");
    received
}

fn is_pattern(bytes: &[u8], seed: u8) -> bool {
    let pattern = (0..=250).map(|byte: u8| byte.wrapping_mul(seed)).cycle();
    bytes.iter().copied().eq(pattern.take(bytes.len()))
}

#[test]
fn only_bare_sockets_are_recognized() {
    let net = Driven::start();
    let ((tcp, _far), _entered) = (net.pair(), net.handle.enter());
    let (unix, _other) = UnixStream::pair().expect("a pair");
    assert!(Splice::between(&tcp, &unix).is_some());
    assert!(Splice::between(&unix, &tcp).is_some());
    // A wrapper that passes every question on to the stream inside is still not the stream.
    let wrapped = BufStream::new(tcp);
    assert!(Splice::between(&wrapped, &unix).is_none());
    let (_, writer) = wrapped.into_inner().into_split();
    assert!(Splice::between(&writer, &unix).is_none());
    assert!(Splice::between(&unix, &tokio::io::sink()).is_none());
}

#[test]
fn megabytes_pass_both_ways_and_each_end_is_passed_on() {
    const THERE: usize = 20_000_003;
    const BACK: usize = 7_000_001;
    let net = Driven::start();
    let ((near, a), (b, far)) = (net.pair(), net.pair());
    net.block_on(async {
        let copy = Splice::between(&a, &b).expect("two sockets").copy();
        let (copied, back, there) =
            tokio::join!(copy, exchange(near, THERE, 3), exchange(far, BACK, 5));
        assert_eq!(copied.expect("copies"), (THERE as u64, BACK as u64));
        assert!(there.len() == THERE && is_pattern(&there, 3));
        assert!(back.len() == BACK && is_pattern(&back, 5));
    });
}

#[test]
fn an_end_is_passed_on_while_the_other_direction_goes_on() {
    let net = Driven::start();
    let (mut near, a) = net.pair();
    net.block_on(async {
        let (b, mut far) = UnixStream::pair().expect("a pair");
        let copy = Splice::between(&a, &b).expect("two sockets").copy();
        let talk = async {
            near.write_all(b"question").await.expect("writes");
            near.shutdown().await.expect("shuts down");
            let mut question = String::new();
            far.read_to_string(&mut question).await.expect("reads");
            assert_eq!(question, "question");
            far.write_all(b"long answer").await.expect("writes");
            drop(far);
            let mut answer = String::new();
            near.read_to_string(&mut answer).await.expect("reads");
            assert_eq!(answer, "long answer");
        };
        let (copied, ()) = tokio::join!(copy, talk);
        assert_eq!(copied.expect("copies"), (8, 11));
    });
}

#[test]
fn a_reset_is_an_error_and_the_other_side_sees_the_end() {
    let net = Driven::start();
    let ((near, a), (b, mut far)) = (net.pair(), net.pair());
    net.block_on(async {
        let copy = Splice::between(&a, &b).expect("two sockets").copy();
        let reset = async {
            far.write_all(b"on the way").await.expect("writes");
            near.readable().await.expect("readable");
            near.set_zero_linger().expect("an option");
            drop(near);
        };
        let (copied, ()) = tokio::join!(copy, reset);
        assert_eq!(kind(copied), ErrorKind::ConnectionReset);
        drop((a, b));
        assert_eq!(far.read(&mut [0; 16]).await.expect("the end"), 0);
    });
}

#[test]
fn a_copy_that_is_dropped_or_done_leaves_no_descriptor_and_usable_streams() {
    if !alone("splice::a_copy_that_is_dropped_or_done_leaves_no_descriptor_and_usable_streams") {
        return;
    }
    let net = Driven::start();
    let ((mut near, mut a), (mut b, mut far)) = (net.pair(), net.pair());
    net.block_on(async {
        let before = open_descriptors();
        for round in 0..50 {
            let copy = Splice::between(&a, &b).expect("two sockets").copy();
            let pass = async {
                near.write_all(&[round]).await.expect("writes");
                let mut byte = [0];
                far.read_exact(&mut byte).await.expect("reads");
                assert_eq!(byte, [round]);
            };
            tokio::select! {
                copied = copy => panic!("nobody has ended: {copied:?}"),
                () = pass => {}
            }
        }
        assert_eq!(open_descriptors(), before);
        // The streams know of what came while the copy was there.
        near.write_all(b"to a").await.expect("writes");
        far.write_all(b"to b").await.expect("writes");
        let mut text = [0; 4];
        a.read_exact(&mut text).await.expect("reads");
        assert_eq!(&text, b"to a");
        b.read_exact(&mut text).await.expect("reads");
        assert_eq!(&text, b"to b");
    });
}
