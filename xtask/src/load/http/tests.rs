//! Parsing responses.

use super::*;

#[test]
fn a_response_is_whole_once_its_body_is_there() {
    let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let whole = Parsed::Whole(Response {
        status: 200,
        head_len: text.len() - 5,
        body_len: 5,
    });
    assert_eq!(parse(text), whole);
    for cut in 0..text.len() {
        assert_eq!(parse(&text[..cut]), Parsed::Partial, "cut at {cut}");
    }
}

#[test]
fn what_is_not_http_is_malformed() {
    assert_eq!(parse(b"-ERR\r\n\r\n"), Parsed::Malformed);
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\n\r\n"), Parsed::Malformed);
    assert_eq!(parse(&[b'x'; HEAD_LIMIT + 1]), Parsed::Malformed);
}
