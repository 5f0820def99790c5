//! What can be set on a server, and hyper's builders made from it.

use std::time::Duration;

use hyper::server::conn::{http1, http2};

use crate::{rt::HeistTimer, streams::StreamExecutor};

/// Everything that [`Serve`](crate::Serve)'s builder methods set.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) max_connections: Option<usize>,
    pub(crate) header_read_timeout: Option<Duration>,
    pub(crate) max_header_bytes: usize,
    pub(crate) keep_alive: bool,
    pub(crate) nodelay: bool,
    pub(crate) pipeline_flush: bool,
    pub(crate) peer_addr: bool,
    pub(crate) http2: Option<Http2>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_connections: None,
            header_read_timeout: Some(Duration::from_secs(30)),
            max_header_bytes: 64 * 1024,
            keep_alive: true,
            nodelay: true,
            pipeline_flush: false,
            peer_addr: false,
            http2: Some(Http2::default()),
        }
    }
}

impl Config {
    /// hyper's HTTP/1 side, but for the timer, which each connection brings itself.
    pub(crate) fn http1_builder(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .keep_alive(self.keep_alive)
            .max_header_size(self.max_header_bytes)
            .pipeline_flush(self.pipeline_flush)
            .header_read_timeout(None);
        builder
    }

    pub(crate) fn http2_builder(&self, executor: StreamExecutor) -> http2::Builder<StreamExecutor> {
        let http2 = self.http2.clone().unwrap_or_default();
        let mut builder = http2::Builder::new(executor);
        builder
            .timer(HeistTimer)
            .max_concurrent_streams(http2.max_concurrent_streams)
            .initial_stream_window_size(http2.stream_window_bytes)
            .initial_connection_window_size(http2.connection_window_bytes)
            .max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX))
            .keep_alive_interval(http2.ping_interval)
            .keep_alive_timeout(http2.ping_timeout);
        if http2.adaptive_window {
            builder.adaptive_window(true);
        }
        builder
    }
}

/// The settings of HTTP/2 connections, for [`Serve::http2`](crate::Serve::http2).
///
/// ```
/// use std::time::Duration;
/// use heist_hyper::Http2;
///
/// let http2 = Http2::default()
///     .max_concurrent_streams(1000)
///     .ping(Duration::from_secs(20), Duration::from_secs(5));
/// # drop(http2);
/// ```
#[derive(Clone, Debug)]
pub struct Http2 {
    max_concurrent_streams: u32,
    stream_window_bytes: Option<u32>,
    connection_window_bytes: Option<u32>,
    adaptive_window: bool,
    ping_interval: Option<Duration>,
    ping_timeout: Duration,
}

impl Default for Http2 {
    /// 200 streams, windows of 1 MiB, a ping each minute that must be answered within 20 s.
    fn default() -> Self {
        Self {
            max_concurrent_streams: 200,
            stream_window_bytes: None,
            connection_window_bytes: None,
            adaptive_window: false,
            ping_interval: Some(Duration::from_secs(60)),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

impl Http2 {
    /// Sets how many requests one connection may have in flight. 200 unless set.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.max_concurrent_streams = streams;
        self
    }

    /// Sets how many bytes of request body may be under way: per stream, and per connection.
    ///
    /// 1 MiB each unless set. The two bound what one client can make the server buffer.
    pub fn windows(mut self, stream_bytes: u32, connection_bytes: u32) -> Self {
        self.stream_window_bytes = Some(stream_bytes);
        self.connection_window_bytes = Some(connection_bytes);
        self.adaptive_window = false;
        self
    }

    /// Lets hyper size the windows by the measured bandwidth and delay. Off unless called.
    pub fn adaptive_window(mut self) -> Self {
        self.adaptive_window = true;
        self
    }

    /// Pings the client every `interval` and closes when no answer comes within `timeout`.
    pub fn ping(mut self, interval: Duration, timeout: Duration) -> Self {
        self.ping_interval = Some(interval);
        self.ping_timeout = timeout;
        self
    }

    /// Sends no pings: a client that is silently gone then holds its connection until the kernel
    /// notices.
    pub fn no_ping(mut self) -> Self {
        self.ping_interval = None;
        self
    }
}
