//! The traits of the ecosystem: the same bytes, whichever trait carries them.

#[cfg(feature = "futures-io")]
mod futures {
    use std::future::poll_fn;
    use std::io::IoSlice;
    use std::pin::Pin;

    use futures_io::{AsyncRead as _, AsyncWrite as _};

    use crate::support::Driven;

    #[test]
    fn futures_io_reads_writes_and_closes() {
        let net = Driven::start();
        let (mut near, far) = net.pair();
        let (mut far, _write) = far.into_split();
        net.block_on(async {
            let length = poll_fn(|cx| Pin::new(&mut near).poll_write(cx, b"ab")).await;
            assert_eq!(length.expect("writes"), 2);
            let slices = [IoSlice::new(b"c"), IoSlice::new(b"d")];
            let length = poll_fn(|cx| Pin::new(&mut near).poll_write_vectored(cx, &slices)).await;
            assert_eq!(length.expect("writes"), 2);
            poll_fn(|cx| Pin::new(&mut near).poll_flush(cx))
                .await
                .expect("flushes");
            poll_fn(|cx| Pin::new(&mut near).poll_close(cx))
                .await
                .expect("closes");

            let mut received = Vec::new();
            loop {
                let mut buf = [0; 3];
                let length = poll_fn(|cx| Pin::new(&mut far).poll_read(cx, &mut buf)).await;
                match length.expect("reads") {
                    0 => break,
                    length => received.extend_from_slice(&buf[..length]),
                }
            }
            assert_eq!(received, b"abcd");
        });
    }
}

#[cfg(feature = "hyper")]
mod hyper {
    use std::future::poll_fn;
    use std::io::IoSlice;
    use std::mem::MaybeUninit;
    use std::pin::Pin;

    use hyper::rt::{Read as _, ReadBuf, Write as _};

    use crate::support::Driven;

    #[test]
    fn hyper_reads_into_uninitialised_room_and_writes_vectored() {
        let net = Driven::start();
        let (mut near, mut far) = net.pair();
        net.block_on(async {
            assert!(near.is_write_vectored());
            let slices = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
            let length = poll_fn(|cx| Pin::new(&mut near).poll_write_vectored(cx, &slices)).await;
            assert_eq!(length.expect("writes"), 4);
            let length = poll_fn(|cx| Pin::new(&mut near).poll_write(cx, b"e")).await;
            assert_eq!(length.expect("writes"), 1);
            poll_fn(|cx| Pin::new(&mut near).poll_flush(cx))
                .await
                .expect("flushes");
            poll_fn(|cx| Pin::new(&mut near).poll_shutdown(cx))
                .await
                .expect("shuts down");

            let mut room = [MaybeUninit::uninit(); 64];
            let mut buf = ReadBuf::uninit(&mut room);
            loop {
                let before = buf.filled().len();
                poll_fn(|cx| Pin::new(&mut far).poll_read(cx, buf.unfilled()))
                    .await
                    .expect("reads");
                if buf.filled().len() == before {
                    break;
                }
            }
            assert_eq!(buf.filled(), b"abcde");
        });
    }
}

/// Streams and halves can be moved to and shared between threads, like tokio's.
#[test]
fn sockets_and_halves_are_send_sync_and_unpin() {
    fn check<T: Send + Sync + Unpin + std::fmt::Debug>() {}
    check::<heist_net::TcpListener>();
    check::<heist_net::TcpStream>();
    check::<heist_net::TcpSocket>();
    check::<heist_net::tcp::OwnedReadHalf>();
    check::<heist_net::tcp::OwnedWriteHalf>();
    check::<heist_net::tcp::ReadHalf<'_>>();
    check::<heist_net::tcp::WriteHalf<'_>>();
    check::<heist_net::UdpSocket>();
}

#[cfg(unix)]
#[test]
fn unix_sockets_and_halves_are_send_sync_and_unpin() {
    fn check<T: Send + Sync + Unpin + std::fmt::Debug>() {}
    check::<heist_net::UnixDatagram>();
    check::<heist_net::UnixListener>();
    check::<heist_net::UnixSocket>();
    check::<heist_net::UnixStream>();
    check::<heist_net::unix::OwnedReadHalf>();
    check::<heist_net::unix::OwnedWriteHalf>();
    check::<heist_net::unix::pipe::Receiver>();
    check::<heist_net::unix::pipe::Sender>();
    check::<heist_net::AsyncFd<std::net::TcpStream>>();
    check::<heist_net::async_fd::AsyncFdReadyGuard<'_, std::net::TcpStream>>();
}

/// Futures of the sockets can be spawned on a multi-threaded runtime.
#[test]
fn futures_of_sockets_are_send() {
    fn send<T: Send>(_: T) {}
    if false {
        let check = |listener: heist_net::TcpListener, stream: heist_net::TcpStream| {
            send(heist_net::TcpListener::bind("localhost:0"));
            send(heist_net::TcpStream::connect(String::from("localhost:0")));
            send(heist_net::lookup_host(("localhost", 0)));
            send(listener.accept());
            send(stream.readable());
            send(stream.peek(&mut [0]));
        };
        let _ = check;
    }
}
