//! A runtime's figures in Prometheus' text format: what a server answers at `/metrics`.

use std::fmt::{Display, Write};

use heist::runtime::RuntimeMetrics;

/// All figures of a runtime.
pub fn text(metrics: &RuntimeMetrics) -> String {
    let mut page = Page(String::new());
    for (name, figure) in PER_WORKER {
        page.per_worker(metrics, &format!("{name}_total"), "counter", |worker| {
            figure(metrics, worker).to_string()
        });
    }
    page.per_worker(metrics, "busy_seconds_total", "counter", |worker| {
        let busy = metrics.worker_total_busy_duration(worker);
        busy.as_secs_f64().to_string()
    });
    page.per_worker(metrics, "queue_depth", "gauge", |worker| {
        metrics.worker_local_queue_depth(worker).to_string()
    });
    let polls = RuntimeMetrics::poll_time_histogram_bucket_count;
    page.histogram(metrics, "poll_seconds", polls);
    let waits = RuntimeMetrics::schedule_latency_histogram_bucket_count;
    page.histogram(metrics, "schedule_latency_seconds", waits);
    for (name, figure) in COUNTERS {
        page.one(name, "counter", figure(metrics));
    }
    for (name, figure) in GAUGES {
        page.one(name, "gauge", figure(metrics) as u64);
    }
    page.one(
        "heist_io_registered",
        "gauge",
        metrics.io_driver_fd_registered_count(),
    );
    page.0
}

type PerWorker = fn(&RuntimeMetrics, usize) -> u64;

const PER_WORKER: [(&str, PerWorker); 8] = [
    ("polls", RuntimeMetrics::worker_poll_count),
    ("steal_attempts", RuntimeMetrics::worker_steal_attempts),
    ("steals", RuntimeMetrics::worker_steal_operations),
    ("stolen_tasks", RuntimeMetrics::worker_steal_count),
    ("injected_tasks", RuntimeMetrics::worker_injected_count),
    ("parks", RuntimeMetrics::worker_park_count),
    ("driver_parks", RuntimeMetrics::worker_driver_park_count),
    ("driver_polls", RuntimeMetrics::worker_driver_poll_count),
];

type Figure<T> = fn(&RuntimeMetrics) -> T;

const COUNTERS: [(&str, Figure<u64>); 6] = [
    ("heist_slow_polls_total", RuntimeMetrics::slow_poll_count),
    (
        "heist_spare_workers_started_total",
        RuntimeMetrics::spare_worker_start_count,
    ),
    ("heist_handovers_total", RuntimeMetrics::handover_count),
    (
        "heist_io_events_total",
        RuntimeMetrics::io_driver_ready_count,
    ),
    ("heist_timers_fired_total", RuntimeMetrics::timers_fired),
    (
        "heist_busy_waits_total",
        RuntimeMetrics::driver_busy_wait_count,
    ),
];

const GAUGES: [(&str, Figure<usize>); 9] = [
    ("heist_workers", RuntimeMetrics::num_workers),
    ("heist_alive_tasks", RuntimeMetrics::num_alive_tasks),
    ("heist_injector_depth", RuntimeMetrics::global_queue_depth),
    ("heist_stuck_workers", RuntimeMetrics::num_stuck_workers),
    ("heist_spare_workers", RuntimeMetrics::num_spare_workers),
    (
        "heist_blocking_threads",
        RuntimeMetrics::num_blocking_threads,
    ),
    (
        "heist_blocking_idle_threads",
        RuntimeMetrics::num_idle_blocking_threads,
    ),
    (
        "heist_blocking_queue_depth",
        RuntimeMetrics::blocking_queue_depth,
    ),
    ("heist_timers_armed", RuntimeMetrics::timers_armed),
];

struct Page(String);

impl Page {
    fn line(&mut self, line: impl Display) {
        writeln!(self.0, "{line}").expect("a string takes all that is written");
    }

    fn one(&mut self, name: &str, kind: &str, value: u64) {
        self.line(format_args!("# TYPE {name} {kind}"));
        self.line(format_args!("{name} {value}"));
    }

    fn per_worker(
        &mut self,
        metrics: &RuntimeMetrics,
        name: &str,
        kind: &str,
        figure: impl Fn(usize) -> String,
    ) {
        self.line(format_args!("# TYPE heist_worker_{name} {kind}"));
        for worker in 0..metrics.num_workers() {
            let value = figure(worker);
            self.line(format_args!(
                "heist_worker_{name}{{worker=\"{worker}\"}} {value}"
            ));
        }
    }

    /// All workers together; Prometheus' buckets are cumulative.
    fn histogram(
        &mut self,
        metrics: &RuntimeMetrics,
        name: &str,
        count: fn(&RuntimeMetrics, usize, usize) -> u64,
    ) {
        self.line(format_args!("# TYPE heist_{name} histogram"));
        let last = metrics.poll_time_histogram_num_buckets() - 1;
        let mut below = 0;
        for bucket in 0..=last {
            let workers = 0..metrics.num_workers();
            below += workers
                .map(|worker| count(metrics, worker, bucket))
                .sum::<u64>();
            let limit = metrics.poll_time_histogram_bucket_range(bucket).end;
            let limit = match bucket == last {
                true => "+Inf".to_owned(),
                false => limit.as_secs_f64().to_string(),
            };
            self.line(format_args!(
                "heist_{name}_bucket{{le=\"{limit}\"}} {below}"
            ));
        }
        self.line(format_args!("heist_{name}_count {below}"));
    }
}
