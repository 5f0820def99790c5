//! As much HTTP/1.1 as a load generator needs: find where a response ends and whether it is the
//! expected one; and a plain blocking GET for everything off the hot path.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// One response, as found at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// How many bytes the head takes, the empty line included.
    pub(crate) head_len: usize,
    /// How many bytes of body follow it.
    pub(crate) body_len: usize,
}

/// What a buffer starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A whole response.
    Whole(Response),
    /// The beginning of one.
    Partial,
    /// Nothing that this client understands.
    Malformed,
}

/// Looks for one response with a `content-length` at the start of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return if bytes.len() > HEAD_LIMIT {
            Parsed::Malformed
        } else {
            Parsed::Partial
        };
    };
    let head = &bytes[..end];
    let (Some(status), Some(body_len)) = (status(head), content_length(head)) else {
        return Parsed::Malformed;
    };
    let head_len = end + 4;
    if bytes.len() - head_len < body_len {
        return Parsed::Partial;
    }
    Parsed::Whole(Response {
        status,
        head_len,
        body_len,
    })
}

/// One GET on a connection of its own.
///
/// # Errors
/// Fails when the server answers with something else than 200, or not within five seconds.
pub(crate) fn get(addr: SocketAddr, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&addr, LIMIT)
        .with_context(|| format!("cannot connect to {addr}"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(&request(addr, path))?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        match parse(&bytes) {
            Parsed::Whole(response) if response.status == 200 => {
                let body = response.head_len..response.head_len + response.body_len;
                return Ok(bytes[body].to_vec());
            }
            Parsed::Whole(response) => bail!("GET {path} answered {}", response.status),
            Parsed::Malformed => bail!("GET {path} answered something that is not HTTP/1.1"),
            Parsed::Partial => {}
        }
        let n = stream
            .read(&mut chunk)
            .with_context(|| format!("no answer to GET {path}"))?;
        if n == 0 {
            bail!("GET {path}: the server closed in the middle of its answer");
        }
        bytes.extend_from_slice(&chunk[..n]);
    }
}

/// The bytes of a keep-alive GET.
pub(crate) fn request(addr: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\n\r\n").into_bytes()
}

fn status(head: &[u8]) -> Option<u16> {
    let code = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

fn content_length(head: &[u8]) -> Option<usize> {
    let name = b"content-length:";
    let mut lines = head.split(|&byte| byte == b'\n');
    let line = lines.find(|line| {
        line.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    })?;
    let value = std::str::from_utf8(&line[name.len()..]).ok()?;
    value.trim().parse().ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// No server under test sends a head longer than this.
const HEAD_LIMIT: usize = 16 * 1024;

const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
