//! A key-value server that speaks RESP2, for redis-cli and redis-benchmark:
//! `kv [--addr HOST:PORT] [--workers N]`.
//!
//! Pipelined commands are answered in one write. On SIGTERM each connection answers what it has read,
//! then ends.

use std::{io, process::ExitCode, sync::Arc};

use bytes::BytesMut;
use heist::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use heist_examples::{
    resp::{Parser, Reply},
    run,
    store::{Outcome, Store},
    tcp,
};

/// Room kept free for reads.
const READ_BYTES: usize = 16 * 1024;
/// Answers are written when they come to this much, or when no command is left to run.
const WRITE_BYTES: usize = 64 * 1024;
/// A value this large is written from where it lies, not copied among the answers.
const LARGE_VALUE_BYTES: usize = 32 * 1024;

fn main() -> ExitCode {
    run("kv", "127.0.0.1:6380", false, |options| async move {
        let store = Arc::new(Store::new());
        tcp::serve(&options, move |stream, ending| {
            let store = Arc::clone(&store);
            async move {
                // A client that resets its connection is nobody's error but its own.
                drop(Client::new(stream).serve(&store, ending).await);
            }
        })
        .await
    })
}

struct Client {
    stream: TcpStream,
    parser: Parser,
    input: BytesMut,
    output: BytesMut,
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        let (parser, input, output) = Default::default();
        Self {
            stream,
            parser,
            input,
            output,
        }
    }

    async fn serve(mut self, store: &Store, mut ending: tcp::Ending) -> io::Result<()> {
        while self.answer_all(store).await? && !ending.has_begun() {
            self.input.reserve(READ_BYTES);
            let count = heist::select! {
                biased;
                count = self.stream.read_buf(&mut self.input) => count?,
                () = ending.begun() => break,
            };
            if count == 0 {
                break;
            }
        }
        tcp::close(self.stream).await
    }

    /// Answers each complete command that has been read; false when the connection is to end.
    async fn answer_all(&mut self, store: &Store) -> io::Result<bool> {
        let mut goes_on = true;
        while goes_on {
            let outcome = match self.parser.next(&mut self.input) {
                Ok(Some(command)) => store.execute(&command),
                Ok(None) => break,
                Err(error) => Outcome::Last(Reply::Error(error.to_string())),
            };
            goes_on = matches!(outcome, Outcome::Reply(_));
            let (Outcome::Reply(reply) | Outcome::Last(reply)) = outcome;
            self.put(reply).await?;
        }
        self.flush().await?;
        Ok(goes_on)
    }

    async fn put(&mut self, reply: Reply) -> io::Result<()> {
        match reply {
            Reply::Bulk(value) if value.len() >= LARGE_VALUE_BYTES => {
                Reply::put_bulk_head(value.len(), &mut self.output);
                self.flush().await?;
                self.stream.write_all(&value).await?;
                self.output.extend_from_slice(b"\r\n");
            }
            reply => reply.put(&mut self.output),
        }
        if self.output.len() >= WRITE_BYTES {
            self.flush().await
        } else {
            Ok(())
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.output.clear();
        }
        Ok(())
    }
}
