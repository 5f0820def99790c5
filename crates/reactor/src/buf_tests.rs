//! Tests of receiving into uninitialised memory.

use std::io::{ErrorKind, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use super::{MOST_ZEROED, peek, read, recv, zeroed};

fn pair() -> (UnixStream, UnixStream) {
    let (sender, receiver) = UnixStream::pair().expect("a socket pair");
    receiver
        .set_nonblocking(true)
        .expect("a socket can be set non-blocking");
    (sender, receiver)
}

#[test]
fn a_zeroed_room_gives_what_was_filled_and_no_more_than_a_datagram() {
    let mut room = vec![MaybeUninit::uninit(); MOST_ZEROED + 1];
    let filled = zeroed(&mut room, |room| {
        assert_eq!(room.len(), MOST_ZEROED);
        room[0].write(7);
        Ok(2)
    });
    assert_eq!(filled.expect("it was filled"), [7, 0]);
}

#[cfg(feature = "tokio")]
mod read_buf {
    use tokio::io::ReadBuf;

    use super::*;

    #[test]
    fn bytes_go_behind_those_that_are_there() {
        let (mut sender, receiver) = pair();
        sender.write_all(b"abcdef").expect("room in the socket");
        let mut room = [MaybeUninit::uninit(); 6];
        let mut buf = ReadBuf::uninit(&mut room);
        buf.put_slice(b"123");
        assert_eq!(recv(&receiver, &mut buf).expect("data is there"), 3);
        assert_eq!(buf.filled(), b"123abc");
        assert_eq!(buf.remaining(), 0);
    }

    #[test]
    fn a_peek_leaves_the_bytes_in_the_queue() {
        let (mut sender, receiver) = pair();
        sender.write_all(b"ab").expect("room in the socket");
        let mut room = [MaybeUninit::uninit(); 4];
        let mut buf = ReadBuf::uninit(&mut room);
        assert_eq!(peek(&receiver, &mut buf).expect("data is there"), 2);
        assert_eq!(read(&receiver, &mut buf).expect("data is there"), 2);
        assert_eq!(buf.filled(), b"abab");
    }

    #[test]
    fn an_error_leaves_the_buffer_as_it_was() {
        let (_sender, receiver) = pair();
        let mut room = [7; 4];
        let mut buf = ReadBuf::new(&mut room);
        buf.advance(1);
        let error = recv(&receiver, &mut buf).expect_err("nothing is there");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(buf.filled(), [7]);
        assert_eq!(buf.initialized(), [7; 4]);
    }

    #[test]
    fn the_end_of_a_stream_fills_nothing() {
        let (sender, receiver) = pair();
        drop(sender);
        let mut room = [MaybeUninit::uninit(); 4];
        let mut buf = ReadBuf::uninit(&mut room);
        assert_eq!(recv(&receiver, &mut buf).expect("the end is there"), 0);
        assert!(buf.filled().is_empty());
    }

    #[test]
    fn what_was_initialised_behind_the_filled_part_stays_initialised() {
        let (mut sender, receiver) = pair();
        sender.write_all(b"x").expect("room in the socket");
        let mut room = [1; 4];
        let mut buf = ReadBuf::new(&mut room);
        assert_eq!(recv(&receiver, &mut buf).expect("data is there"), 1);
        assert_eq!(buf.initialized(), [b'x', 1, 1, 1]);
    }
}

#[cfg(feature = "hyper")]
mod cursor {
    use hyper::rt::ReadBuf;

    use super::*;

    #[test]
    fn a_cursor_moves_by_what_was_received() {
        let (mut sender, receiver) = pair();
        sender.write_all(b"abcdef").expect("room in the socket");
        let mut room = [MaybeUninit::uninit(); 4];
        let mut buf = ReadBuf::uninit(&mut room);
        let mut cursor = buf.unfilled();
        assert_eq!(recv(&receiver, &mut cursor).expect("data is there"), 4);
        assert_eq!(cursor.remaining(), 0);
        assert_eq!(buf.filled(), b"abcd");
    }

    #[test]
    fn an_error_leaves_the_cursor_where_it_was() {
        let (_sender, receiver) = pair();
        let mut room = [MaybeUninit::uninit(); 4];
        let mut buf = ReadBuf::uninit(&mut room);
        let error = recv(&receiver, &mut buf.unfilled()).expect_err("nothing is there");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(
            read(&receiver, &mut buf.unfilled()).map_err(|e| e.kind()),
            Err(ErrorKind::WouldBlock)
        );
        assert_eq!(
            peek(&receiver, &mut buf.unfilled()).map_err(|e| e.kind()),
            Err(ErrorKind::WouldBlock)
        );
        assert!(buf.filled().is_empty());
    }
}
