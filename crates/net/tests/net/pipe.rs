//! Pipes: what is written is read, and each end sees the other one go.

use std::fs::File;
use std::io::{ErrorKind, IoSlice, Read as _};
use std::os::fd::OwnedFd;

use heist_net::unix::pipe::{self, OpenOptions, Receiver, Sender};
use rustix::fs::{CWD, Mode, mkfifoat};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Driven, kind, poll_and_drop};

#[test]
fn megabytes_pass_and_the_end_is_seen() {
    let net = Driven::start();
    net.block_on(async {
        let (mut sender, mut receiver) = pipe::pipe().expect("a pipe");
        let write = async move {
            for _ in 0..1000 {
                sender.write_all(&[5; 5000]).await.expect("writes");
            }
        };
        let mut all = Vec::new();
        let (_, read) = tokio::join!(write, receiver.read_to_end(&mut all));
        assert_eq!(read.expect("reads"), 5_000_000);
        assert!(all.iter().all(|&byte| byte == 5));
    });
}

#[test]
fn a_sender_sees_that_nobody_reads_any_more() {
    let net = Driven::start();
    net.block_on(async {
        let (mut sender, receiver) = pipe::pipe().expect("a pipe");
        let (failed, ()) = tokio::join!(
            async { while sender.write_all(&[0; 4096]).await.is_ok() {} },
            async { drop(receiver) },
        );
        let () = failed;
        assert_eq!(kind(sender.write_all(b"x").await), ErrorKind::BrokenPipe);
        assert_eq!(kind(sender.try_write(b"x")), ErrorKind::BrokenPipe);
    });
}

#[test]
fn trying_never_waits() {
    let net = Driven::start();
    net.block_on(async {
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        assert_eq!(kind(receiver.try_read(&mut [0])), ErrorKind::WouldBlock);
        sender.writable().await.expect("writable");
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b"c")];
        assert_eq!(sender.try_write_vectored(&slices).expect("writes"), 3);
        receiver.readable().await.expect("readable");
        let mut grown = Vec::with_capacity(8);
        assert_eq!(receiver.try_read_buf(&mut grown).expect("reads"), 3);
        assert_eq!(grown, b"abc");
        while sender.try_write(&[0; 65_536]).is_ok() {}
        assert!(poll_and_drop(sender.writable()).is_pending());
        let mut buf = vec![0; 1 << 20];
        while receiver.try_read(&mut buf).is_ok() {}
        sender.writable().await.expect("writable again");
    });
}

#[test]
fn fifos_open_by_path_and_are_checked() {
    let net = Driven::start();
    let path = std::env::temp_dir().join(format!("heist-fifo-{}", std::process::id()));
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).expect("a fifo");
    net.block_on(async {
        let alone = OpenOptions::new()
            .open_sender(&path)
            .expect_err("nobody reads");
        let nobody = rustix::io::Errno::NXIO.raw_os_error();
        assert_eq!(alone.raw_os_error(), Some(nobody));
        let mut receiver = OpenOptions::new().open_receiver(&path).expect("opens");
        assert_eq!(kind(receiver.try_read(&mut [0])), ErrorKind::WouldBlock);
        let mut text = String::new();
        // To a read(2) a pipe without a writer looks as one that all writers have left.
        assert!(poll_and_drop(receiver.read_to_string(&mut text)).is_pending());
        let mut sender = OpenOptions::new().open_sender(&path).expect("opens");
        sender.write_all(b"through a file").await.expect("writes");
        drop(sender);
        receiver.read_to_string(&mut text).await.expect("reads");
        assert_eq!(text, "through a file");

        let held = OpenOptions::new().read_write(true).open_receiver(&path);
        let held = held.expect("opens");
        drop(OpenOptions::new().open_sender(&path).expect("opens"));
        // Its own write end keeps the pipe open.
        assert!(poll_and_drop(held.readable()).is_pending());
    });
    std::fs::remove_file(&path).expect("was there");
    net.block_on(async {
        let plain = std::env::current_exe().expect("this program");
        assert_eq!(
            kind(OpenOptions::new().open_receiver(&plain)),
            ErrorKind::InvalidInput
        );
        let file = File::open(&plain).expect("opens");
        assert_eq!(kind(Receiver::from_file(file)), ErrorKind::InvalidInput);
    });
}

#[test]
fn ends_come_from_descriptors_of_the_right_direction_and_leave_as_such() {
    let net = Driven::start();
    net.block_on(async {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let reader = Sender::from_owned_fd(reader).expect_err("the wrong end");
        assert_eq!(reader.kind(), ErrorKind::InvalidInput);
        let error = Receiver::from_owned_fd(writer).expect_err("the wrong end");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);

        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let mut sender = Sender::from_owned_fd(writer).expect("the right end");
        let receiver = Receiver::from_owned_fd(reader).expect("the right end");
        sender.write_all(b"x").await.expect("writes");
        let fd: OwnedFd = receiver.into_blocking_fd().expect("leaves");
        assert_eq!(File::from(fd).read(&mut [0; 4]).expect("reads"), 1);
    });
}
