//! What a listener makes of the bytes its handler has written.

use std::io::Write as _;

use super::*;

#[test]
fn any_number_of_bytes_is_one_notification_and_none_is_none() {
    let (reader, mut writer) = UnixStream::pair().expect("a pair");
    for count in [1, 63, 64, 65, 128, 200] {
        writer.write_all(&vec![b'x'; count]).expect("there is room");
        take_all(&reader).expect("one notification");
        let error = take_all(&reader).expect_err("all taken");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{count}");
    }
}
