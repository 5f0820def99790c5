//! No runtime at all: one epoll loop on one thread, written by hand, whatever the number of workers.
//! It has a fixed set of services, one shared buffer, and nothing to wake.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpListener;

use mio::net::{TcpListener as MioListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::Job;
use crate::measure::Outcome;
use crate::workloads;
use crate::workloads::http::BODY;
use crate::workloads::net::{self, Handler, Service};

/// Serves a network workload; `None` if it is no such.
pub(super) fn run(job: &Job) -> anyhow::Result<Option<Outcome>> {
    let service = match Service::named(job) {
        // A loop with a blocked handler is a blocked loop.
        None
        | Some(Service::Echo {
            handler: Handler::Blocking,
            ..
        }) => return Ok(None),
        Some(service) => service,
    };
    workloads::end_on_interrupt()?;
    let [listener] = <[TcpListener; 1]>::try_from(net::listeners(1)?).expect("one was asked for");
    let size = match service {
        Service::Echo { buffer, .. } => buffer,
        Service::Close | Service::Http => 4096,
    };
    let server = Server {
        poll: Poll::new()?,
        service,
        connections: Slab::new(),
        buffer: vec![0; size],
        response: response(),
    };
    server.serve(MioListener::from_std(listener))?;
    Ok(None)
}

struct Server {
    poll: Poll,
    service: Service,
    connections: Slab<Connection>,
    buffer: Vec<u8>,
    response: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// What the socket did not take yet; nothing is read meanwhile.
    unsent: Vec<u8>,
}

impl Server {
    fn serve(mut self, mut listener: MioListener) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(&listener)?,
                    Token(key) => self.drive(key, event.is_read_closed()),
                }
            }
        }
    }

    fn accept(&mut self, listener: &MioListener) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if matches!(self.service, Service::Close) {
                continue;
            }
            stream.set_nodelay(true)?;
            let entry = self.connections.vacant_entry();
            let (token, both) = (Token(entry.key()), Interest::READABLE | Interest::WRITABLE);
            self.poll.registry().register(&mut stream, token, both)?;
            let unsent = Vec::new();
            entry.insert(Connection { stream, unsent });
        }
    }

    /// Does what an event allows. An event may come late, for a connection that is gone.
    fn drive(&mut self, key: usize, closing: bool) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let echo = matches!(self.service, Service::Echo { .. });
        let response = (!echo).then_some(self.response.as_slice());
        match connection.drive(&mut self.buffer, response, closing) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // The client ends a connection as it likes; that is no error here.
            Ok(()) | Err(_) => drop(self.connections.remove(key)),
        }
    }
}

impl Connection {
    /// Reads and answers until the socket says that it would block, or until the end. Each read is
    /// taken for one request, or sent back if there is no `response`.
    fn drive(
        &mut self,
        buffer: &mut [u8],
        response: Option<&[u8]>,
        closing: bool,
    ) -> io::Result<()> {
        loop {
            while !self.unsent.is_empty() {
                let count = self.stream.write(&self.unsent)?;
                self.unsent.drain(..count);
            }
            let count = self.stream.read(buffer)?;
            if count == 0 {
                return Ok(());
            }
            let answer = response.unwrap_or(&buffer[..count]);
            match self.stream.write(answer) {
                Ok(sent) => self.unsent.extend(&answer[sent..]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.unsent.extend(answer),
                Err(error) => return Err(error),
            }
            if count < buffer.len() && self.unsent.is_empty() && !closing {
                // A short read: the socket is drained, and the next bytes bring an event. (The end
                // that came with these bytes would bring none.)
                return Err(ErrorKind::WouldBlock.into());
            }
        }
    }
}

/// As long as what hyper answers.
fn response() -> Vec<u8> {
    let date = "date: Thu, 01 Jan 1970 00:00:00 GMT";
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{date}\r\n\r\n",
        BODY.len()
    );
    [head.as_bytes(), BODY].concat()
}

const LISTENER: Token = Token(usize::MAX);
