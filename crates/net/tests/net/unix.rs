//! Unix sockets: as TCP's, with names that are paths or abstract, and peers that can be told.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread;

use heist_net::unix::{ReuniteError, SocketAddr};
use heist_net::{UnixDatagram, UnixListener, UnixSocket, UnixStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

use crate::support::{Driven, kind, poll_and_drop};

/// A path of its own for a test, removed with its directory at the end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heist-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_stream_connects_to_a_path_and_carries_bytes_both_ways() {
    let net = Driven::start();
    let home = Home::new("stream");
    net.block_on(async {
        let path = home.path("socket");
        let missing = UnixStream::connect(&path).await;
        assert_eq!(kind(missing), ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).expect("binds");
        let (near, far) = tokio::join!(UnixStream::connect(&path), listener.accept());
        let (mut near, (mut far, peer)) = (near.expect("connects"), far.expect("accepts"));
        assert!(peer.is_unnamed());
        assert_eq!(
            near.peer_addr().expect("a name").as_pathname(),
            Some(&*path)
        );
        near.write_all(b"question").await.expect("writes");
        near.shutdown().await.expect("shuts down");
        let mut text = String::new();
        far.read_to_string(&mut text).await.expect("reads");
        far.write_all(b"answer").await.expect("writes");
        drop(far);
        let mut answer = String::new();
        near.read_to_string(&mut answer).await.expect("reads");
        assert_eq!((&*text, &*answer), ("question", "answer"));
        assert_eq!(kind(near.write_all(b"more").await), ErrorKind::BrokenPipe);
        drop(listener);
        assert_eq!(
            kind(UnixStream::connect(&path).await),
            ErrorKind::ConnectionRefused
        );
        assert_eq!(kind(UnixListener::bind(&path)), ErrorKind::AddrInUse);
    });
}

#[test]
fn abstract_names_need_no_file() {
    let net = Driven::start();
    net.block_on(async {
        let name = format!("heist-test-{}", std::process::id());
        let addr = SocketAddr::from_abstract_name(&name).expect("a name");
        let listener = UnixListener::bind_addr(&addr).expect("binds");
        let bound = listener.local_addr().expect("a name");
        assert_eq!(bound.as_abstract_name(), Some(name.as_bytes()));
        // As a path with a null byte in front it is the same name.
        let path = format!("\0{name}");
        let first = UnixStream::connect(&path).await.expect("connects");
        let second = UnixStream::connect_addr(&addr).await.expect("connects");
        assert_eq!(
            second.peer_addr().expect("a name").as_abstract_name(),
            first.peer_addr().expect("a name").as_abstract_name(),
        );
        drop(listener);
        UnixListener::bind(&path).expect("free at once");
    });
}

#[test]
fn peers_can_be_told() {
    let net = Driven::start();
    net.block_on(async {
        let (near, _far) = UnixStream::pair().expect("a pair");
        let cred = near.peer_cred().expect("credentials");
        assert_eq!(cred.uid(), rustix::process::getuid().as_raw());
        assert_eq!(cred.gid(), rustix::process::getgid().as_raw());
        let own = rustix::process::getpid().as_raw_nonzero().get();
        assert_eq!(cred.pid(), Some(own));
    });
}

#[test]
fn megabytes_pass_between_owned_halves_on_different_threads() {
    let net = Driven::start();
    let (near, far) = {
        let _entered = net.handle.enter();
        UnixStream::pair().expect("a pair")
    };
    let (mut far_reader, mut far_writer) = far.into_split();
    let (mut reader, mut writer) = near.into_split();
    thread::scope(|scope| {
        scope.spawn(|| {
            net.block_on(async {
                tokio::io::copy(&mut far_reader, &mut far_writer)
                    .await
                    .expect("copies");
                drop(far_writer);
            });
        });
        scope.spawn(|| {
            net.block_on(async {
                for _ in 0..1000 {
                    writer.write_all(&[9; 4096]).await.expect("writes");
                }
                drop(writer);
            });
        });
        let mut back = Vec::new();
        net.block_on(reader.read_to_end(&mut back)).expect("reads");
        assert_eq!(back.len(), 4_096_000);
    });
}

#[test]
fn halves_of_one_stream_reunite_and_others_do_not() {
    let net = Driven::start();
    net.block_on(async {
        let (near, far) = UnixStream::pair().expect("a pair");
        let ((near_reader, near_writer), (far_reader, far_writer)) =
            (near.into_split(), far.into_split());
        let ReuniteError(near_reader, far_writer) = near_reader
            .reunite(far_writer)
            .expect_err("different streams");
        let mut near = near_writer.reunite(near_reader).expect("the same stream");
        let mut far = far_reader.reunite(far_writer).expect("the same stream");
        let (mut reader, mut writer) = near.split();
        writer.write_all(b"x").await.expect("writes");
        far.read_exact(&mut [0]).await.expect("reads");
        assert_eq!(kind(reader.try_read(&mut [0])), ErrorKind::WouldBlock);
        drop(far);
        assert_eq!(reader.read(&mut [0]).await.expect("the end"), 0);
    });
}

#[test]
fn descriptors_passed_along_do_not_stop_the_bytes() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::io::IoSlice;
    use std::mem::MaybeUninit;
    use std::os::fd::AsFd as _;

    // A read stops at a passed descriptor, however much was asked for: taken for an empty queue,
    // the short read would lose what is behind it.
    let net = Driven::start();
    net.block_on(async {
        let (near, mut far) = UnixStream::pair().expect("a pair");
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [near.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        let plain = &mut SendAncillaryBuffer::default();
        for (bytes, control) in [(b"abc", &mut control), (b"def", plain)] {
            sendmsg(&near, &[IoSlice::new(bytes)], control, SendFlags::NOSIGNAL).expect("sends");
        }
        let mut text = [0; 6];
        far.read_exact(&mut text).await.expect("reads");
        assert_eq!(&text, b"abcdef");
    });
}

#[test]
fn a_connect_waits_while_the_listeners_queue_is_full() {
    let net = Driven::start();
    let home = Home::new("queue");
    net.block_on(async {
        let path = home.path("socket");
        let socket = UnixSocket::new_stream().expect("a socket");
        socket.bind(&path).expect("binds");
        let listener = socket.listen(0).expect("listens");
        let mut waiting = Vec::new();
        while poll_and_drop(UnixStream::connect(&path)).is_ready() {
            waiting.push(());
            assert!(waiting.len() < 10, "the queue has an end");
        }
        let (connected, accepted) = tokio::join!(UnixStream::connect(&path), async {
            let mut last = listener.accept().await;
            for _ in &waiting {
                last = listener.accept().await;
            }
            last
        });
        connected.expect("connects");
        accepted.expect("accepts");
    });
}

#[test]
fn sockets_of_the_standard_library_come_and_go() {
    let net = Driven::start();
    net.block_on(async {
        let (near, mut far) = UnixStream::pair().expect("a pair");
        let mut near = near.into_std().expect("leaves the reactor");
        std::io::Write::write_all(&mut near, b"x").expect("writes");
        far.read_exact(&mut [0]).await.expect("reads");
        let mut near = UnixStream::try_from(near).expect("back again");
        near.write_all(b"y").await.expect("writes");
        far.read_exact(&mut [0]).await.expect("reads");
    });
}

#[test]
fn a_socket_is_made_of_a_descriptor_in_whatever_mode() {
    use rustix::fs::{OFlags, fcntl_getfl};
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

    fn blocking(kind: SocketType) -> UnixSocket {
        let flags = SocketFlags::CLOEXEC;
        let fd = socket_with(AddressFamily::UNIX, kind, flags, None).expect("a socket");
        fd.into()
    }
    fn is_non_blocking(socket: impl AsFd) -> bool {
        let flags = fcntl_getfl(socket).expect("flags");
        flags.contains(OFlags::NONBLOCK)
    }

    let net = Driven::start();
    let home = Home::new("descriptor");
    net.block_on(async {
        let path = home.path("socket");
        let socket = blocking(SocketType::STREAM);
        socket.bind(&path).expect("binds");
        let listener = socket.listen(8).expect("listens");
        assert!(is_non_blocking(&listener));
        let near = blocking(SocketType::STREAM).connect(&path);
        let (near, far) = tokio::join!(near, listener.accept());
        let (mut near, (mut far, _)) = (near.expect("connects"), far.expect("accepts"));
        assert!(is_non_blocking(&near));
        near.write_all(b"x").await.expect("writes");
        assert_eq!(far.read_u8().await.expect("reads"), b'x');
        let datagram = blocking(SocketType::DGRAM).datagram().expect("turns");
        assert!(is_non_blocking(&datagram));
    });
}

#[test]
fn datagrams_arrive_whole_and_say_who_sent_them() {
    let net = Driven::start();
    let home = Home::new("datagram");
    net.block_on(async {
        let (one_path, other_path) = (home.path("one"), home.path("other"));
        let one = UnixDatagram::bind(&one_path).expect("binds");
        let other = UnixDatagram::bind(&other_path).expect("binds");
        let mut room = [0; 16];
        one.send_to(b"hello", &other_path).await.expect("sends");
        let (length, sender) = other.recv_from(&mut room).await.expect("receives");
        assert_eq!((length, sender.as_pathname()), (5, Some(&*one_path)));

        let nobody = UnixDatagram::unbound().expect("a socket");
        nobody.connect(&other_path).expect("connects");
        nobody.send(b"").await.expect("sends");
        let (length, sender) = other.recv_from(&mut room).await.expect("receives");
        assert!(length == 0 && sender.is_unnamed());

        let name = format!("\0heist-datagram-{}", std::process::id());
        let hidden = UnixDatagram::bind(&name).expect("binds");
        hidden.send_to(b"x", &other_path).await.expect("sends");
        let mut buf = ReadBuf::new(&mut room);
        let sender = poll_fn(|cx| other.poll_recv_from(cx, &mut buf)).await;
        let sender = sender.expect("receives");
        assert_eq!(sender.as_abstract_name(), Some(&name.as_bytes()[1..]));
        other.send_to(b"back", &name).await.expect("sends");
        assert_eq!(hidden.recv(&mut room).await.expect("receives"), 4);

        drop(one);
        let gone = other.send_to(b"x", &one_path).await;
        assert_eq!(kind(gone), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_send_waits_for_room_in_the_receivers_queue() {
    let net = Driven::start();
    let home = Home::new("room");
    net.block_on(async {
        let path = home.path("receiver");
        let receiver = UnixDatagram::bind(&path).expect("binds");
        let connected = UnixDatagram::unbound().expect("a socket");
        connected.connect(&path).expect("connects");
        let open = UnixDatagram::unbound().expect("a socket");
        for round in 0..3 {
            let mut queued = 0;
            while connected.try_send(b"fill").is_ok() {
                queued += 1;
            }
            let drain = async {
                for _ in 0..queued + 2 {
                    receiver.recv(&mut [0; 8]).await.expect("receives");
                }
            };
            let (by_name, by_peer, ()) =
                tokio::join!(open.send_to(b"late", &path), connected.send(b"late"), drain);
            assert_eq!((by_name.ok(), by_peer.ok()), (Some(4), Some(4)), "{round}");
            assert_eq!(kind(receiver.try_recv(&mut [0])), ErrorKind::WouldBlock);
        }
    });
}

#[test]
fn a_pair_of_datagram_sockets_ends_by_shutdown() {
    let net = Driven::start();
    net.block_on(async {
        let (one, other) = UnixDatagram::pair().expect("a pair");
        one.send(b"last").await.expect("sends");
        one.shutdown(std::net::Shutdown::Write).expect("shuts down");
        let mut grown = Vec::new();
        assert_eq!(other.recv_buf(&mut grown).await.expect("receives"), 4);
        one.send(b"more").await.expect_err("shut down");
        assert_eq!(grown, b"last");
    });
}
