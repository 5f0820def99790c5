//! Datagrams in numbers: `HEIST_FULL=1` sends a million, else it is a fiftieth.

use heist::net::UdpSocket;
use heist_tests::{deadline, full, multi};

/// How many are on their way at most, so that the receiver's buffer drops none.
const WINDOW: usize = 8;

/// The length of the nth datagram: every kind from none to 9000 bytes, zero often.
fn length(n: usize) -> usize {
    match n % 4 {
        0 => 0,
        _ => n.wrapping_mul(7919) % 9001,
    }
}

#[test]
fn datagrams_of_0_to_9000_bytes_all_arrive_as_they_were_sent() {
    let count = if full() { 1_000_000 } else { 20_000 };
    deadline(move || {
        multi(2).block_on(async move {
            let near = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
            let far = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
            near.connect(far.local_addr().expect("an address"))
                .await
                .expect("connects");
            far.connect(near.local_addr().expect("an address"))
                .await
                .expect("connects");
            let receiving = heist::spawn(async move {
                let mut buf = vec![0; 9001];
                let mut bytes = 0;
                for n in 0..count {
                    let received = far.recv(&mut buf).await.expect("receives");
                    assert_eq!(received, length(n), "the {n}th");
                    assert!(
                        buf[..received].iter().all(|&byte| byte == n as u8),
                        "the {n}th"
                    );
                    bytes += received;
                    if n % WINDOW == WINDOW - 1 {
                        far.send(b"").await.expect("sends");
                    }
                }
                bytes
            });
            let mut buf = vec![0; 9000];
            for n in 0..count {
                let bytes = &mut buf[..length(n)];
                bytes.fill(n as u8);
                assert_eq!(near.send(bytes).await.expect("sends"), bytes.len());
                if n % WINDOW == WINDOW - 1 {
                    assert_eq!(near.recv(&mut [0; 1]).await.expect("receives"), 0);
                }
            }
            let bytes = receiving.await.expect("no panic");
            println!("{count} datagrams, {bytes} bytes");
        });
    });
}
