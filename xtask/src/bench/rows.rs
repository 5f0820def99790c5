//! What is measured: one row per workload and size, with the limits that can do it and the figures
//! that are shown of it.

use std::time::Duration;

use super::row::{INSTRUCTIONS, Load, Metric, Peer, RMWS, Row, SYSCALLS, less, more};
use super::run::BUFFER;

const CPU: Metric = less("cpu_ns", "CPU ns");
const WALL: Metric = less("wall_ns", "wall ns");
/// One in a hundred operations is shown as 0.01, and costs a hundredth of some microseconds.
const SWITCHES: Metric = less("switches", "context switches").negligible_below(0.01);
const P50: Metric = less("p50_us", "p50 µs");
const P99: Metric = less("p99_us", "p99 µs");
const P999: Metric = less("p999_us", "p99.9 µs");
const MAX: Metric = less("max_us", "max µs");
const BYTES: Metric = less("bytes", "bytes");
const CORES: Metric = less("cores", "CPU s per s");
const TASKS: Metric = more("tasks_per_s", "trivial tasks/s");
const PER_SECOND: Metric = more("per_second", "requests/s");
const CPU_OF_SERVER: Metric = less("cpu_us", "server's CPU µs");

const STALLED: Metric = less("stalled", "stalled connections %");
const IN_ALL: Metric = less("total_switches", "context switches");
const TICKS: Metric = more("ticks_per_s", "ticks/s");
const BULK: Metric = more("mb_per_s", "MB/s");
const BULK_CPU: Metric = more("mb_per_cpu_s", "MB per CPU s");

const OPERATION: &[Metric] = &[CPU, WALL, INSTRUCTIONS, RMWS];
const REQUEST: &[Metric] = &[PER_SECOND, CPU_OF_SERVER, P50, P99, P999, SWITCHES];

/// All rows, in the order they are run and shown.
pub(crate) fn all() -> Vec<Row> {
    let families = [
        ("Tasks", tasks()),
        ("Switching", switching()),
        ("Latency", latency()),
        ("Timers", timers()),
        ("Network", network()),
        ("At rest", at_rest()),
        ("More workers than processors", scaling()),
    ];
    let rows = families
        .into_iter()
        .flat_map(|(family, rows)| rows.into_iter().map(move |row| Row { family, ..row }));
    rows.collect()
}

fn tasks() -> Vec<Row> {
    use Peer::{Compio, Floor, Monoio, Rayon};
    let million = |name| Row::new(name, Load::Ops(1_000_000), OPERATION);
    vec![
        million("spawn_join")
            .limits(&[Monoio, Compio, Floor])
            .counted(80_000)
            .what("one task spawns a million trivial ones, then joins them in order"),
        million("spawn_remote")
            .counted(80_000)
            .what("a thread outside the runtime spawns them"),
        million("spawn_concurrent")
            .of("spawn_concurrent", 2)
            .limits(&[Monoio, Compio, Rayon])
            .counted(80_000)
            .what("two tasks spawn and join, each its half"),
        Row::new("spawn_blocking", Load::Ops(64_000), &[WALL, CPU, SWITCHES])
            .what("trivial work for the blocking threads, 64 pieces at a time"),
        million("chained_spawn")
            .limits(&[Monoio, Floor])
            .counted(80_000)
            .what("each task spawns the next and ends, a million deep"),
        Row::new("fork_join", Load::Ops(200_000), OPERATION)
            .limits(&[Monoio, Rayon, Floor])
            .counted(80_000)
            .what("Fibonacci of 26, a task per inner node"),
    ]
}

fn switching() -> Vec<Row> {
    use Peer::{Compio, Floor, Monoio};
    vec![
        Row::new("yield_now", Load::Ops(1_000_000), OPERATION)
            .of("yield_now", 1000)
            .limits(&[Monoio, Compio, Floor])
            .counted(200_000)
            .what("1000 tasks yield 1000 times each"),
        Row::new("ping_pong", Load::Ops(1_000_000), OPERATION)
            .of("ping_pong", 1000)
            .limits(&[Monoio, Compio])
            .counted(80_000)
            .what("1000 pairs of tasks hand a token there and back"),
        Row::new("ping_pong_1pair", Load::Ops(300_000), OPERATION)
            .of("ping_pong", 1)
            .limits(&[Monoio, Compio])
            .counted(80_000)
            .what("a single pair"),
        Row::new("ping_pong_oneshot", Load::Ops(500_000), OPERATION)
            .of("ping_pong_oneshot", 1000)
            .limits(&[Monoio, Compio])
            .counted(80_000)
            .what("1000 tasks, each: spawn one, ask it over a fresh channel, get an answer over another"),
    ]
}

fn latency() -> Vec<Row> {
    use Peer::{Compio, Floor, Monoio};
    const STRAND: &[Metric] = &[P50, P99, P999, CORES, TASKS];
    vec![
        Row::new("wake_latency", Load::Ops(2000), &[P50, P99, SWITCHES, CPU])
            .limits(&[Monoio, Compio, Floor])
            .what("a thread outside wakes the one task of an idle runtime"),
        Row::new("strand_latency_rare", Load::Ops(130), STRAND)
            .of("strand_rare", 1)
            .what(
                "a task left behind one that, for once, computes for 5 ms, while a worker is idle",
            ),
        Row::new("strand_latency_known", Load::Ops(300), STRAND)
            .of("strand_known", 1)
            .what("the same behind a task of a kind that always takes 5 ms"),
        Row::new("fair_hog1", Load::Seconds(2.0), &[P50, P99, MAX])
            .of("fair_hog", 1)
            .limits(&[Compio])
            .what("how late 1000 sleepers wake beside a task that computes 10 ms per poll"),
        Row::new("fair_hog2", Load::Seconds(2.0), &[P50, P99, MAX])
            .of("fair_hog", 2)
            .limits(&[Compio])
            .what("beside two such tasks"),
        Row {
            load: Load::Clients {
                connections: 16,
                seconds: 4.0,
                every: None,
            },
            ..Row::served("blocked", 16, &[MAX, STALLED])
                .of("blocked", BUFFER)
                .limits(&[Monoio, Compio])
                .what("16 echo connections beside one whose handler blocks its worker every other second")
        },
    ]
}

fn timers() -> Vec<Row> {
    use Peer::{Compio, Floor, Monoio};
    let million = |name| Row::new(name, Load::Ops(1_000_000), OPERATION);
    vec![
        million("timer_create_cancel")
            .limits(&[Monoio, Floor])
            .counted_roughly(20_000)
            .what("a million timers armed, then all dropped"),
        million("timeout_churn")
            .of("timeout_churn", 4)
            .limits(&[Monoio, Compio])
            .counted(80_000)
            .what("4 tasks arm and drop timeouts"),
        million("timeout_churn_1task")
            .of("timeout_churn", 1)
            .limits(&[Monoio, Compio])
            .counted(80_000)
            .what("one task does"),
        Row::new("timer_accuracy", Load::Ops(100_000), &[P50, P99, P999, CPU])
            .limits(&[Compio])
            .what("how late 100,000 sleeps of 1 to 1000 ms end"),
    ]
}

fn network() -> Vec<Row> {
    use Peer::{Compio, Mio, Monoio};
    const COUNTED: &[Metric] = &[
        PER_SECOND,
        CPU_OF_SERVER,
        P50,
        P99,
        P999,
        INSTRUCTIONS,
        SYSCALLS,
        SWITCHES,
    ];
    const SPAWNED: &[Metric] = &[CPU_OF_SERVER, SWITCHES, P50, P99, PER_SECOND];
    const LIMITS: &[Peer] = &[Monoio, Compio, Mio];
    let echo = |name, connections, metrics| {
        Row::served(name, connections, metrics)
            .of("tcp_echo", BUFFER)
            .limits(LIMITS)
    };
    let http = |name, connections, metrics| {
        Row::served(name, connections, metrics)
            .of("http", 1)
            .limits(&[Mio])
    };
    vec![
        echo("tcp_echo_1", 1, COUNTED)
            .counted(8000)
            .what("64 bytes there and back on one connection"),
        echo("tcp_echo_64", 64, COUNTED)
            .counted_roughly(4000)
            .what("on 64 connections"),
        echo("tcp_echo_1024", 1024, REQUEST).what("on 1024 connections"),
        Row::served("tcp_stream", 4, &[BULK_CPU, BULK])
            .of("tcp_echo", 64 * 1024)
            .limits(LIMITS)
            .what("messages of 256 KiB there and back on 4 connections"),
        Row::served("accept_close", 16, &[PER_SECOND, CPU_OF_SERVER, P99])
            .limits(LIMITS)
            .what("connections accepted and closed, 16 at a time"),
        http("http_1", 1, COUNTED)
            .counted(8000)
            .what("hyper's hello on one connection"),
        http("http_64", 64, COUNTED)
            .counted_roughly(4000)
            .what("on 64 connections"),
        http("http_1024", 1024, REQUEST).what("on 1024 connections"),
        echo("single_user", 1, SPAWNED)
            .of("tcp_spawn", BUFFER)
            .what("one connection sends the next request upon the answer; a task spawned for each"),
        Row {
            load: Load::Clients {
                connections: 64,
                seconds: 4.0,
                every: Some(Duration::from_micros(500)),
            },
            ..echo("low_load", 64, &SPAWNED[..4])
                .of("tcp_spawn", BUFFER)
                .what(
                    "64 connections send 2000 requests a second in all, by the clock; a task spawned for each",
                )
        },
        Row {
            rounds: 3,
            ..Row::new("mem_conn", Load::Held(10_000), &[BYTES])
                .of("tcp_echo", 64)
                .limits(&[Monoio, Compio, Mio])
                .what(
                    "resident memory per idle connection, of 10,000; 64 bytes of it are the buffer",
                )
        },
    ]
}

fn at_rest() -> Vec<Row> {
    use Peer::{Compio, Floor, Monoio};
    vec![
        Row {
            rounds: 3,
            ..Row::new("mem_task", Load::Ops(1_000_000), &[BYTES])
                .limits(&[Monoio, Compio])
                .what("resident memory per waiting task, of a million")
        },
        Row {
            rounds: 1,
            ..Row::new("idle", Load::Seconds(10.0), &[IN_ALL])
                .limits(&[Monoio, Compio])
                .what("context switches in ten seconds of nothing")
        },
        Row::new("idle_tick", Load::Seconds(1.0), &[CPU, TICKS])
            .limits(&[Monoio, Compio, Floor])
            .what(
                "a task that sleeps a millisecond again and again; a thousand ticks were asked for",
            ),
    ]
}

fn scaling() -> Vec<Row> {
    const SCALING: &[Metric] = &[CPU, INSTRUCTIONS, RMWS, SWITCHES];
    let row = |name, workers| Row {
        workers,
        ..Row::new(name, Load::Ops(500_000), SCALING)
            .of("spawn_concurrent", 4)
            .counted_roughly(20_000)
            .what("spawn_concurrent from 4 tasks with that many workers")
    };
    vec![
        row("scaling_1", 1),
        row("scaling_2", 2),
        row("scaling_4", 4),
        row("scaling_16", 16),
        row("scaling_64", 64),
    ]
}

#[cfg(test)]
mod tests;
