//! Sockets passed in by whoever started the process: a shell that opens descriptor 3 and on.

use std::process::Command;

use heist_net::{Inherited, UnixListener};

use crate::support::Driven;

const MARK: &str = "HEIST_TEST_INHERITED";

/// Started by the other half of the test, with a Unix listener as descriptor 3.
fn as_the_service() {
    let net = Driven::start();
    net.block_on(async {
        let mut inherited = Inherited::from_env();
        assert_eq!(inherited.len(), 1);
        inherited.tcp_listener(0).expect_err("something else");
        let listener = inherited
            .unix_listener(0)
            .expect("registers")
            .expect("is there");
        assert!(inherited.unix_listener(0).expect("is no error").is_none());
        assert!(inherited.udp_socket(1).expect("is no error").is_none());
        assert!(Inherited::from_env().is_empty(), "offered once");
        listener.accept().await.expect("accepts");
    });
}

#[test]
fn a_service_takes_over_the_socket_it_is_started_with() {
    if std::env::var_os(MARK).is_some() {
        return as_the_service();
    }
    let net = Driven::start();
    let name = format!("\0heist-inherited-{}", std::process::id());
    let listener = net
        .block_on(async { UnixListener::bind(&name) })
        .expect("binds");
    let fd = listener.into_std().expect("leaves");
    // As standard input it is passed on; the shell makes it descriptor 3, and itself the service.
    let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"";
    let test = "inherited::a_service_takes_over_the_socket_it_is_started_with";
    let mut service = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args([test, "--exact", "--nocapture"])
        .env(MARK, "1")
        .stdin(std::os::fd::OwnedFd::from(fd))
        .spawn()
        .expect("starts");
    net.block_on(heist_net::UnixStream::connect(&name))
        .expect("connects");
    assert!(service.wait().expect("a child of ours").success());
}
