//! RESP2, the protocol of Redis: commands in, replies out. Knows no socket and no store.
//!
//! # Invariants
//!
//! - [`Parser::next`] looks at each byte of a command once, however many reads the command took: what
//!   is parsed already is kept as ranges, and a bulk string is skipped by its length.
//! - A command holds its bytes in one piece; its arguments are slices of it.
//! - Nothing is reserved on a client's word: a length that was only announced costs no memory.

use std::{fmt, ops::Range};

use bytes::{BufMut, Bytes, BytesMut};

/// The largest bulk string, as in Redis: 512 MiB.
const MAX_BULK_BYTES: usize = 512 * 1024 * 1024;
/// The most arguments of one command, as in Redis.
const MAX_ARGS: usize = 1024 * 1024;
/// The longest inline command, as in Redis.
const MAX_INLINE_BYTES: usize = 64 * 1024;
/// The longest line that announces a length, `\r\n` included.
const MAX_LENGTH_LINE_BYTES: usize = 32;

/// Cuts a stream of bytes into commands.
#[derive(Debug, Default)]
pub struct Parser {
    /// The arguments that are complete, as ranges of the buffer.
    args: Vec<Range<usize>>,
    /// How many arguments the begun array still wants; 0 when none is begun.
    missing: usize,
    /// Where parsing goes on.
    at: usize,
}

/// A complete command. There is at least one argument, its name.
#[derive(Debug)]
pub struct Command<'a> {
    frame: Bytes,
    args: &'a [Range<usize>],
}

impl Command<'_> {
    /// How many arguments there are, the name included.
    pub fn count(&self) -> usize {
        self.args.len()
    }

    /// One argument; empty when there is none of that index.
    pub fn arg(&self, index: usize) -> &[u8] {
        self.args
            .get(index)
            .map_or(&[], |range| &self.frame[range.clone()])
    }

    /// The arguments from `first` on.
    pub fn args_from(&self, first: usize) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.args
            .iter()
            .skip(first)
            .map(|range| &self.frame[range.clone()])
    }

    /// One argument to keep: a large one shares the command's memory, a small one is copied, so that
    /// it does not hold a whole read buffer.
    pub fn keep(&self, index: usize) -> Bytes {
        const SHARE_FROM_BYTES: usize = 16 * 1024;
        match self.args.get(index) {
            Some(range) if range.len() >= SHARE_FROM_BYTES => self.frame.slice(range.clone()),
            _ => Bytes::copy_from_slice(self.arg(index)),
        }
    }
}

/// What a client sent that is not RESP. The connection cannot go on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Something else stands where a bulk string must begin.
    ExpectedBulk(u8),
    /// The number of arguments is no number, or too large.
    ArrayLength,
    /// The length of a bulk string is no number, negative, or too large.
    BulkLength,
    /// A bulk string is longer than it said.
    BulkEnd,
    /// An inline command has no end.
    InlineTooLong,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ERR Protocol error: ")?;
        match self {
            Self::ExpectedBulk(got) => {
                write!(f, "expected '$', got '{}'", got.escape_ascii())
            }
            Self::ArrayLength => f.write_str("invalid multibulk length"),
            Self::BulkLength => f.write_str("invalid bulk length"),
            Self::BulkEnd => f.write_str("expected CRLF after bulk string"),
            Self::InlineTooLong => f.write_str("too big inline request"),
        }
    }
}

impl std::error::Error for ProtocolError {}

impl Parser {
    /// Takes the next complete command off the front of `input`; `None` when it wants more bytes.
    /// Between calls, `input` may only grow at its end.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]; the parser is of no use after it.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Command<'_>>, ProtocolError> {
        if self.missing == 0 {
            self.args.clear();
            if !self.begin(input)? {
                return Ok(None);
            }
        }
        while self.missing > 0 {
            let Some(range) = bulk(input, self.at)? else {
                return Ok(None);
            };
            self.at = range.end + 2;
            self.args.push(range);
            self.missing -= 1;
        }
        let frame = input.split_to(self.at).freeze();
        self.at = 0;
        Ok(Some(Command {
            frame,
            args: &self.args,
        }))
    }

    /// Reads how a command begins; an inline one is complete then. False when it wants more bytes.
    fn begin(&mut self, input: &mut BytesMut) -> Result<bool, ProtocolError> {
        while let Some(&first) = input.first() {
            if first != b'*' {
                match self.inline(input)? {
                    Some(true) => return Ok(true),
                    Some(false) => continue,
                    None => return Ok(false),
                }
            }
            let Some((count, end)) =
                length_line(input, 1).map_err(|_| ProtocolError::ArrayLength)?
            else {
                return Ok(false);
            };
            match usize::try_from(count) {
                Ok(count) if count > MAX_ARGS => return Err(ProtocolError::ArrayLength),
                Ok(count) if count > 0 => {
                    (self.missing, self.at) = (count, end);
                    return Ok(true);
                }
                // An empty or null array is no command, and is passed over as Redis does.
                _ => drop(input.split_to(end)),
            }
        }
        Ok(false)
    }

    /// Reads an inline command, words on a line, as typed into `nc`. `Some(false)`: the line was
    /// empty and is gone; `None`: it wants more bytes.
    fn inline(&mut self, input: &mut BytesMut) -> Result<Option<bool>, ProtocolError> {
        let Some(len) = input[self.at..].iter().position(|&byte| byte == b'\n') else {
            if input.len() > MAX_INLINE_BYTES {
                return Err(ProtocolError::InlineTooLong);
            }
            self.at = input.len();
            return Ok(None);
        };
        let end = self.at + len + 1;
        let mut start = 0;
        for word in input[..end].split(u8::is_ascii_whitespace) {
            if !word.is_empty() {
                self.args.push(start..start + word.len());
            }
            start += word.len() + 1;
        }
        self.at = end;
        if self.args.is_empty() {
            drop(input.split_to(end));
            self.at = 0;
            return Ok(Some(false));
        }
        Ok(Some(true))
    }
}

/// The range of the bulk string that begins at `at`; `None` when it is not complete.
fn bulk(input: &[u8], at: usize) -> Result<Option<Range<usize>>, ProtocolError> {
    match input.get(at) {
        None => return Ok(None),
        Some(b'$') => {}
        Some(&other) => return Err(ProtocolError::ExpectedBulk(other)),
    }
    let Some((len, start)) = length_line(input, at + 1).map_err(|_| ProtocolError::BulkLength)?
    else {
        return Ok(None);
    };
    let len = usize::try_from(len).map_err(|_| ProtocolError::BulkLength)?;
    if len > MAX_BULK_BYTES {
        return Err(ProtocolError::BulkLength);
    }
    match input.get(start + len..start + len + 2) {
        None => Ok(None),
        Some(b"\r\n") => Ok(Some(start..start + len)),
        Some(_) => Err(ProtocolError::BulkEnd),
    }
}

struct NotANumber;

/// The number on the line that begins at `at`, and where the next line begins.
fn length_line(input: &[u8], at: usize) -> Result<Option<(i64, usize)>, NotANumber> {
    let line = &input[at..input.len().min(at + MAX_LENGTH_LINE_BYTES)];
    let Some(len) = line.windows(2).position(|pair| pair == b"\r\n") else {
        let may_go_on = line.len() < MAX_LENGTH_LINE_BYTES;
        return if may_go_on { Ok(None) } else { Err(NotANumber) };
    };
    let number = std::str::from_utf8(&line[..len])
        .ok()
        .and_then(|text| text.parse().ok());
    number
        .map(|number| Some((number, at + len + 2)))
        .ok_or(NotANumber)
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A word, such as `OK`.
    Simple(&'static str),
    /// An error; its first word is its kind.
    Error(String),
    /// A number.
    Integer(i64),
    /// A string of any bytes.
    Bulk(Bytes),
    /// No value.
    Null,
    /// Several answers.
    Array(Vec<Reply>),
}

impl Reply {
    /// Appends the reply to `output`.
    pub fn put(&self, output: &mut BytesMut) {
        match self {
            Self::Simple(word) => put_line(b'+', word.as_bytes(), output),
            // A line break in an error would end it early.
            Self::Error(text) => put_line(b'-', text.replace(['\r', '\n'], " ").as_bytes(), output),
            Self::Integer(number) => put_number(b':', *number, output),
            Self::Bulk(value) => {
                Self::put_bulk_head(value.len(), output);
                output.extend_from_slice(value);
                output.extend_from_slice(b"\r\n");
            }
            Self::Null => output.extend_from_slice(b"$-1\r\n"),
            Self::Array(replies) => {
                put_number(b'*', replies.len() as i64, output);
                replies.iter().for_each(|reply| reply.put(output));
            }
        }
    }

    /// Appends what stands before the bytes of a bulk string of `len` bytes; `\r\n` follows them.
    pub fn put_bulk_head(len: usize, output: &mut BytesMut) {
        put_number(b'$', len as i64, output);
    }
}

fn put_line(kind: u8, text: &[u8], output: &mut BytesMut) {
    output.put_u8(kind);
    output.extend_from_slice(text);
    output.extend_from_slice(b"\r\n");
}

fn put_number(kind: u8, number: i64, output: &mut BytesMut) {
    use fmt::Write;
    output.put_u8(kind);
    write!(output, "{number}\r\n").expect("a buffer takes whatever is written");
}

#[cfg(test)]
#[path = "resp_tests.rs"]
mod tests;
