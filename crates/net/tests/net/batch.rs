//! Batches of datagrams: cut and put together as the kernel likes, the same datagrams arrive.

use std::io::IoSliceMut;
use std::net::SocketAddr;

use heist_net::UdpSocket;
use heist_net::udp::{Received, UdpBatch};

use crate::support::{Driven, poll_and_drop};

async fn batch() -> (UdpBatch, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let addr = socket.local_addr().expect("an address");
    (UdpBatch::new(socket).expect("options"), addr)
}

/// Receives `count` datagrams and returns their contents.
async fn take(batch: &UdpBatch, sender: SocketAddr, count: usize) -> Vec<Vec<u8>> {
    let mut rooms = vec![vec![0; 1 << 16]; 8];
    let mut all = Vec::new();
    while all.len() < count {
        let mut bufs: Vec<_> = rooms.iter_mut().map(|room| IoSliceMut::new(room)).collect();
        let mut received = [Received::default(); 8];
        let filled = batch
            .recv(&mut bufs, &mut received)
            .await
            .expect("receives");
        for (received, room) in received[..filled].iter().zip(&rooms) {
            assert_eq!(received.from, sender);
            all.extend(received.datagrams(room).map(<[u8]>::to_vec));
        }
    }
    all
}

#[test]
fn datagrams_arrive_as_they_were_cut() {
    let net = Driven::start();
    net.block_on(async {
        let ((near, near_addr), (far, far_addr)) = (batch().await, batch().await);
        for (length, segment) in [
            (12_000, 1200),
            (12_001, 1200),
            (1199, 1200),
            (9000, 9000),
            (0, 1),
        ] {
            let content: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            near.send_to(&content, segment, far_addr)
                .await
                .expect("sends");
            let expected: Vec<_> = match length {
                0 => vec![vec![]],
                _ => content.chunks(segment).map(<[u8]>::to_vec).collect(),
            };
            assert!(take(&far, near_addr, expected.len()).await == expected);
        }
        let (mut none, mut received) = ([], [Received::default(); 1]);
        assert!(
            poll_and_drop(far.recv(&mut [IoSliceMut::new(&mut none)], &mut received)).is_pending()
        );
    });
}

#[cfg(target_os = "linux")]
#[test]
fn more_than_one_call_takes_is_sent_in_several() {
    let net = Driven::start();
    net.block_on(async {
        let ((near, near_addr), (far, far_addr)) = (batch().await, batch().await);
        assert!(near.max_segments() > 1, "Linux segments");
        // More bytes and more segments than one call takes.
        let content: Vec<u8> = (0..150_000).map(|i| (i / 1000) as u8).collect();
        let receiving = take(&far, near_addr, 150);
        let (sent, all) = tokio::join!(near.send_to(&content, 1000, far_addr), receiving);
        sent.expect("sends");
        assert!(all.concat() == content);
        assert!(all.iter().all(|datagram| datagram.len() == 1000));
    });
}
