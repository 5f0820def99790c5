//! The tasks of HTTP/2 streams: spawned for hyper, and counted when they panic.

use std::{future::Future, sync::Arc};

use hyper::rt::Executor;

use crate::{registry::Registry, rt::HeistExecutor};

/// Spawns HTTP/2 streams and counts those that panic.
#[derive(Clone, Debug)]
pub(crate) struct StreamExecutor(Arc<Registry>);

impl StreamExecutor {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self(registry)
    }
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut guard = CountPanic(Some(Arc::clone(&self.0)));
        HeistExecutor.execute(async move {
            stream.await;
            guard.disarm();
        });
    }
}

/// Counts a panic when it is dropped with its registry still in it.
struct CountPanic(Option<Arc<Registry>>);

impl CountPanic {
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for CountPanic {
    fn drop(&mut self) {
        if let Some(registry) = &self.0 {
            registry.count_panic();
        }
    }
}
