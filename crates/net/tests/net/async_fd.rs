//! Foreign descriptors: readiness is told, cleared and told again; refusals give the value back.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use heist_net::{AsyncFd, Interest};

use crate::support::{Driven, kind, poll_and_drop};

fn pair() -> (AsyncFd<UnixStream>, UnixStream) {
    let (near, far) = UnixStream::pair().expect("a pair");
    near.set_nonblocking(true).expect("a mode");
    (AsyncFd::new(near).expect("registers"), far)
}

#[test]
fn readiness_is_told_cleared_and_told_again() {
    let net = Driven::start();
    net.block_on(async {
        let (near, mut far) = pair();
        assert!(poll_and_drop(near.readable()).is_pending());
        for _ in 0..10 {
            far.write_all(b"x").expect("writes");
            let mut guard = near.readable().await.expect("ready");
            assert!(guard.ready().is_readable());
            let read = guard.try_io(|fd| fd.get_ref().read(&mut [0; 8]));
            assert_eq!(read.expect("is there").expect("reads"), 1);
            let again = guard.try_io(|fd| fd.get_ref().read(&mut [0; 8]));
            again.expect_err("would block");
            assert!(poll_and_drop(near.readable()).is_pending());
        }
    });
}

#[test]
fn one_direction_is_cleared_without_the_other() {
    let net = Driven::start();
    net.block_on(async {
        let (mut near, mut far) = pair();
        far.write_all(b"x").expect("writes");
        near.readable().await.expect("ready").retain_ready();
        let both = Interest::READABLE | Interest::WRITABLE;
        let mut guard = near.ready_mut(both).await.expect("ready");
        assert!(guard.ready().is_readable() && guard.ready().is_writable());
        guard.clear_ready_matching(heist_net::Ready::READABLE);
        assert!(!guard.ready().is_readable() && guard.ready().is_writable());
        guard.get_inner_mut().flush().expect("flushes");
        assert!(poll_and_drop(near.readable()).is_pending());
        near.writable_mut()
            .await
            .expect("still ready")
            .retain_ready();
    });
}

#[test]
fn async_io_waits_and_retries() {
    let net = Driven::start();
    net.block_on(async {
        let (mut near, mut far) = pair();
        let read = near.async_io(Interest::READABLE, |mut fd| fd.read(&mut [0; 8]));
        let (read, ()) = tokio::join!(read, async { far.write_all(b"xyz").expect("writes") });
        assert_eq!(read.expect("reads"), 3);
        assert_eq!(
            kind(near.try_io(Interest::READABLE, |mut fd| fd.read(&mut [0; 8]))),
            ErrorKind::WouldBlock
        );
        near.async_io_mut(Interest::WRITABLE, |fd| fd.write(b"back"))
            .await
            .expect("writes");
        assert_eq!(far.read(&mut [0; 8]).expect("reads"), 4);
    });
}

#[test]
fn a_refused_value_is_given_back() {
    let net = Driven::start();
    net.block_on(async {
        let file = File::open("/proc/self/exe").expect("a regular file");
        let (file, error) = AsyncFd::try_new(file)
            .expect_err("epoll refuses")
            .into_parts();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        file.metadata().expect("still open");
    });
}

#[test]
fn owned_and_borrowed_descriptors_are_taken_and_given_back() {
    let net = Driven::start();
    net.block_on(async {
        let (near, far) = UnixStream::pair().expect("a pair");
        let borrowed = AsyncFd::with_interest(near.as_fd(), Interest::WRITABLE).expect("registers");
        borrowed.writable().await.expect("ready").clear_ready();
        drop(borrowed);
        let owned: OwnedFd = AsyncFd::new(OwnedFd::from(near))
            .expect("registers")
            .into_inner();
        let mut near = UnixStream::from(owned);
        near.write_all(b"x").expect("still open");
        drop(near);
        assert_eq!(
            UnixStream::from(OwnedFd::from(far))
                .read(&mut [0; 4])
                .expect("reads"),
            1
        );
    });
}

#[test]
fn errors_alone_can_be_waited_for() {
    let net = Driven::start();
    net.block_on(async {
        let error = Interest::ERROR;
        assert_eq!(
            (error | Interest::READABLE).remove(error),
            Some(Interest::READABLE)
        );
        assert_eq!(error.remove(error), None);
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let writer = AsyncFd::with_interest(writer, error).expect("registers");
        assert!(poll_and_drop(writer.ready(error)).is_pending());
        // A pipe that nobody reads any more is an error to the one who writes.
        drop(reader);
        let ready = writer.ready(error).await.expect("told");
        assert!(ready.ready().is_error());
    });
}

#[test]
fn nothing_is_tried_before_the_system_says_that_it_is_ready() {
    let net = Driven::start();
    net.block_on(async {
        let (fd, mut peer) = pair();
        let early = |_: &UnixStream| -> std::io::Result<()> { panic!("it was tried") };
        let refused = fd.try_io(Interest::READABLE, early);
        assert_eq!(kind(refused), ErrorKind::WouldBlock);
        assert!(poll_and_drop(fd.async_io(Interest::READABLE, early)).is_pending());
        peer.write_all(b"x").expect("writes");
        let read = |mut stream: &UnixStream| stream.read(&mut [0; 4]);
        assert_eq!(
            fd.async_io(Interest::READABLE, read).await.expect("reads"),
            1
        );
    });
}
