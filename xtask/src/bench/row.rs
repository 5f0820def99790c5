//! What a row of the benchmark is made of: a workload, its size, who runs it, and the figures that are
//! shown of it.

use std::time::Duration;

/// Someone who runs a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    Heist,
    /// Heist without its watchdog, to show what that costs; only when asked for.
    Unwatched,
    Tokio,
    Smol,
    /// Thread per core.
    Monoio,
    /// Thread per core.
    Compio,
    /// Fork and join only.
    Rayon,
    /// An epoll loop written by hand.
    Mio,
    /// The bare data structure or system call.
    Floor,
}

impl Peer {
    /// The runtimes that do what Heist does, and those that show what is possible when less is asked.
    pub(crate) const ALL: [Peer; 8] = [
        Peer::Heist,
        Peer::Tokio,
        Peer::Smol,
        Peer::Monoio,
        Peer::Compio,
        Peer::Rayon,
        Peer::Mio,
        Peer::Floor,
    ];

    /// Heist and the two that it is compared with.
    pub(crate) const RIVALS: [Peer; 3] = [Peer::Heist, Peer::Tokio, Peer::Smol];

    /// Its name, also as `bench-run` knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Heist => "heist",
            Peer::Unwatched => "unwatched",
            Peer::Tokio => "tokio",
            Peer::Smol => "smol",
            Peer::Monoio => "monoio",
            Peer::Compio => "compio",
            Peer::Rayon => "rayon",
            Peer::Mio => "mio",
            Peer::Floor => "floor",
        }
    }

    /// The peer of that name.
    pub(crate) fn named(name: &str) -> Option<Peer> {
        let all = Peer::ALL.into_iter().chain([Peer::Unwatched]);
        all.into_iter().find(|peer| peer.name() == name)
    }

    /// Whether it is built without the rivals beside it.
    pub(crate) fn is_heist(self) -> bool {
        matches!(self, Peer::Heist | Peer::Unwatched)
    }

    /// Whether it shares nothing between its threads, or has no threads, or no tasks: a limit, not a
    /// rival.
    pub(crate) fn is_limit(self) -> bool {
        !Peer::RIVALS.contains(&self)
    }
}

/// One figure of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    /// Its name in a sample.
    pub(crate) key: &'static str,
    /// What it is, with its unit.
    pub(crate) label: &'static str,
    /// Whether more of it is better.
    pub(crate) more_is_better: bool,
    /// Two figures that are both below this are level, whatever their ratio.
    pub(crate) negligible: f64,
}

impl Metric {
    /// How many times better a figure is, from its ratio to another.
    pub(crate) fn advantage(self, ratio: f64) -> f64 {
        if self.more_is_better {
            ratio
        } else {
            1.0 / ratio
        }
    }

    /// As it is, but that figures below `limit` are no reason to be ahead or behind.
    pub(crate) const fn negligible_below(self, limit: f64) -> Metric {
        Metric {
            negligible: limit,
            ..self
        }
    }
}

/// A figure of which less is better.
pub(crate) const fn less(key: &'static str, label: &'static str) -> Metric {
    Metric {
        key,
        label,
        more_is_better: false,
        negligible: 0.0,
    }
}

/// A figure of which more is better.
pub(crate) const fn more(key: &'static str, label: &'static str) -> Metric {
    Metric {
        key,
        label,
        more_is_better: true,
        negligible: 0.0,
    }
}

/// What drives a workload, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// It runs a number of operations.
    Ops(u64),
    /// It runs for a time, in seconds.
    Seconds(f64),
    /// It serves so many connections of the load generator, for a time in seconds. They send one
    /// request so often, all together, or as fast as they are answered.
    Clients {
        connections: usize,
        seconds: f64,
        every: Option<Duration>,
    },
    /// It holds so many connections open.
    Held(usize),
}

/// How instructions are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    /// The smaller of the two sizes: operations, or requests.
    pub(crate) ops: u64,
    /// Whether the figure is steady enough for the committed baseline.
    pub(crate) guarded: bool,
}

/// One workload in one size.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What it does, in one sentence.
    pub(crate) what: &'static str,
    /// The heading it stands under.
    pub(crate) family: &'static str,
    /// The workload, as `bench-run` knows it.
    pub(crate) workload: &'static str,
    pub(crate) load: Load,
    /// `bench-run`'s `--width`.
    pub(crate) width: usize,
    pub(crate) workers: usize,
    /// The limits that can do it; the rivals all can.
    pub(crate) limits: &'static [Peer],
    /// The first one is what the row is about.
    pub(crate) metrics: &'static [Metric],
    pub(crate) count: Option<Count>,
    /// Rounds at most: what never varies need not be seen often.
    pub(crate) rounds: usize,
}

impl Row {
    /// With one task wide work, two workers and no limits.
    pub(crate) fn new(name: &'static str, load: Load, metrics: &'static [Metric]) -> Row {
        Row {
            name,
            what: "",
            family: "",
            workload: name,
            load,
            width: 1,
            workers: 2,
            limits: &[],
            metrics,
            count: None,
            rounds: usize::MAX,
        }
    }

    /// Served to so many connections for two seconds.
    pub(crate) fn served(
        name: &'static str,
        connections: usize,
        metrics: &'static [Metric],
    ) -> Row {
        let load = Load::Clients {
            connections,
            seconds: 2.0,
            every: None,
        };
        Row::new(name, load, metrics)
    }

    /// Of this workload, so wide.
    pub(crate) fn of(self, workload: &'static str, width: usize) -> Row {
        Row {
            workload,
            width,
            ..self
        }
    }

    /// These limits can do it too.
    pub(crate) fn limits(self, limits: &'static [Peer]) -> Row {
        Row { limits, ..self }
    }

    /// Its instructions are counted, from so many operations on, and guarded by the baseline.
    pub(crate) fn counted(self, ops: u64) -> Row {
        let count = Some(Count { ops, guarded: true });
        Row { count, ..self }
    }

    /// Counted, but not steady enough to be guarded.
    pub(crate) fn counted_roughly(self, ops: u64) -> Row {
        let guarded = false;
        let count = Some(Count { ops, guarded });
        Row { count, ..self }
    }

    /// Said in a sentence.
    pub(crate) fn what(self, what: &'static str) -> Row {
        Row { what, ..self }
    }

    /// Whether this peer can do it.
    pub(crate) fn has(&self, peer: Peer) -> bool {
        !peer.is_limit() || peer.is_heist() || self.limits.contains(&peer)
    }

    /// Whether `name` asks for this row: its own name, or the beginning of it.
    pub(crate) fn is_asked_by(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }

    /// The share of the work that `--quick` does.
    pub(crate) fn quick(self) -> Row {
        let load = match self.load {
            Load::Ops(ops) => Load::Ops((ops / 8).max(20)),
            Load::Seconds(seconds) => Load::Seconds(seconds / 4.0),
            Load::Clients {
                connections,
                seconds,
                every,
            } => Load::Clients {
                connections,
                // What blocks every other second takes two to show.
                seconds: if self.workload == "blocked" {
                    2.0
                } else {
                    seconds / 4.0
                },
                every,
            },
            Load::Held(connections) => Load::Held(connections / 5),
        };
        let count = self.count.map(|count| Count {
            ops: if count.guarded {
                count.ops / 4
            } else {
                count.ops
            },
            ..count
        });
        Row {
            load,
            count,
            ..self
        }
    }
}

/// User instructions.
pub(crate) const INSTRUCTIONS: Metric = less("instructions", "instructions");
/// Atomic read-modify-writes.
pub(crate) const RMWS: Metric = less("rmws", "atomic RMWs");
/// System calls.
pub(crate) const SYSCALLS: Metric = less("syscalls", "system calls");
