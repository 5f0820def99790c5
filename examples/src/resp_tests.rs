//! Tests of the parser and of the replies.

use super::*;

/// Every command in `bytes`, fed in pieces of `piece` bytes.
fn parse(bytes: &[u8], piece: usize) -> Result<Vec<Vec<Vec<u8>>>, ProtocolError> {
    let (mut parser, mut input, mut commands) = (Parser::default(), BytesMut::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        input.extend_from_slice(piece);
        while let Some(command) = parser.next(&mut input)? {
            commands.push(command.args_from(0).map(<[u8]>::to_vec).collect());
        }
    }
    assert!(input.is_empty(), "{} bytes are left over", input.len());
    Ok(commands)
}

fn words(commands: &[&[&str]]) -> Vec<Vec<Vec<u8>>> {
    commands
        .iter()
        .map(|args| args.iter().map(|arg| arg.as_bytes().to_vec()).collect())
        .collect()
}

#[test]
fn commands_come_out_the_same_however_they_are_cut() {
    let bytes =
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n*0\r\nPING  hello\r\n\r\n*-1\r\nGET k\n\
        *2\r\n$3\r\nGET\r\n$0\r\n\r\n";
    let expected = words(&[
        &["SET", "k", "a\r\nb"],
        &["PING", "hello"],
        &["GET", "k"],
        &["GET", ""],
    ]);
    for piece in 1..=bytes.len() {
        assert_eq!(
            parse(bytes, piece).as_ref(),
            Ok(&expected),
            "in pieces of {piece}"
        );
    }
}

#[test]
fn a_large_value_in_many_pieces_is_kept_without_copy() {
    let value = vec![b'x'; 4 * 1024 * 1024];
    let mut bytes = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", value.len()).into_bytes();
    bytes.extend_from_slice(&value);
    bytes.extend_from_slice(b"\r\n");
    let (mut parser, mut input) = (Parser::default(), BytesMut::new());
    let (last, most) = bytes.split_last().expect("not empty");
    for piece in most.chunks(1000) {
        input.extend_from_slice(piece);
        assert!(matches!(parser.next(&mut input), Ok(None)));
    }
    input.put_u8(*last);
    let command = parser
        .next(&mut input)
        .expect("well formed")
        .expect("complete");
    let kept = command.keep(2);
    assert_eq!(kept.as_ptr(), command.arg(2).as_ptr());
    assert_eq!(kept, value);
}

#[test]
fn what_is_no_resp_is_named() {
    let error = |bytes: &[u8]| parse(bytes, 7).expect_err("it is malformed");
    assert_eq!(error(b"*1\r\n:3\r\n"), ProtocolError::ExpectedBulk(b':'));
    assert_eq!(error(b"*x\r\n"), ProtocolError::ArrayLength);
    assert_eq!(error(b"*99999999\r\n"), ProtocolError::ArrayLength);
    assert_eq!(
        error(&[b"*".as_slice(), &[b'1'; 40]].concat()),
        ProtocolError::ArrayLength
    );
    assert_eq!(error(b"*1\r\n$-2\r\n"), ProtocolError::BulkLength);
    assert_eq!(error(b"*1\r\n$600000000\r\n"), ProtocolError::BulkLength);
    assert_eq!(error(b"*1\r\n$1\r\nab\r\n"), ProtocolError::BulkEnd);
    assert_eq!(error(&[b'a'; 70_000]), ProtocolError::InlineTooLong);
}

#[test]
fn errors_are_one_line_of_text() {
    assert_eq!(
        ProtocolError::ExpectedBulk(0xff).to_string(),
        "ERR Protocol error: expected '$', got '\\xff'"
    );
    let mut output = BytesMut::new();
    Reply::Error("ERR two\r\nlines".to_owned()).put(&mut output);
    assert_eq!(output, &b"-ERR two  lines\r\n"[..]);
}

#[test]
fn replies_are_written_as_redis_writes_them() {
    let reply = Reply::Array(vec![
        Reply::Simple("OK"),
        Reply::Integer(-7),
        Reply::Bulk(Bytes::from_static(b"a\r\n")),
        Reply::Null,
    ]);
    let mut output = BytesMut::new();
    reply.put(&mut output);
    assert_eq!(output, &b"*4\r\n+OK\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n"[..]);
}
