//! What the types implement, and what they must not: that this file compiles is most of it.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use heist::fs::File;
use heist::io::Ready;
use heist::net::{TcpSocket, UnixSocket};
use heist::runtime::EnterGuard;
use heist::task::coop::RestoreOnPending;

/// For a type that is not `Send` there is one `holds`; for others the compiler cannot choose.
trait NotSend<Which> {
    fn holds() {}
}

impl<T: ?Sized> NotSend<()> for T {}
impl<T: ?Sized + Send> NotSend<u8> for T {}

#[test]
fn what_belongs_to_a_thread_stays_on_it() {
    fn sync<T: Sync>() {}
    sync::<EnterGuard<'static>>();
    <EnterGuard<'static> as NotSend<_>>::holds();
    <RestoreOnPending as NotSend<_>>::holds();
}

#[test]
fn what_tokio_makes_of_a_number_is_made_of_a_descriptor() {
    fn of_descriptor<T: From<OwnedFd>>() {}
    of_descriptor::<File>();
    of_descriptor::<TcpSocket>();
    of_descriptor::<UnixSocket>();
}

#[test]
fn the_standard_streams_lend_their_descriptors() {
    let numbers = [
        heist::io::stdin().as_fd().as_raw_fd(),
        heist::io::stdout().as_fd().as_raw_fd(),
        heist::io::stderr().as_fd().as_raw_fd(),
    ];
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(heist::io::stderr().as_raw_fd(), 2);
}

#[test]
fn sets_of_readiness_are_ordered() {
    let states = [
        Ready::EMPTY,
        Ready::READABLE,
        Ready::WRITABLE,
        Ready::READABLE | Ready::WRITABLE,
        Ready::READ_CLOSED,
        Ready::WRITE_CLOSED,
        Ready::PRIORITY,
        Ready::ERROR,
        Ready::ALL,
    ];
    assert!(states.is_sorted());
    assert_eq!(states.iter().max(), Some(&Ready::ALL));
}
