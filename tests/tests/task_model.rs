//! Random programs of tasks, beside a reference model that computes what they do.
//!
//! A program is a tree of sleeps, sequences, joined tasks, sets, groups, timeouts and aborts. It runs on a clock
//! that stands, so it takes no time, and everything in it happens at an instant that arithmetic can tell: when
//! each sleep ends, which of them never do, what comes out, and when. Durations are random to the
//! nanosecond, so that no two things happen at once.
//!
//! A failure prints its seed; `HEIST_SEED=… cargo test -p heist-tests --test task_model` runs that one alone.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use heist::runtime::{Builder, Runtime};
use heist::task::{JoinSet, TaskGroup};
use heist::time::{Duration, Instant, sleep, sleep_until, timeout};
use heist_tests::deadline;

const SEEDS: u64 = 10_000;

/// A program; each leaf has a number.
#[derive(Clone, Debug)]
enum Program {
    /// Sleeps, notes its number, returns it.
    Sleep { nanos: u64, leaf: u64 },
    /// One after the other.
    Sequence(Vec<Program>),
    /// Spawned tasks, awaited in their order. If this is cut short they run on.
    Spawned(Vec<Program>),
    /// A `JoinSet`: the order in which they end decides the value. If this is cut short so are they.
    Set(Vec<Program>),
    /// A `TaskGroup`; the children marked fail when they end.
    Group(Vec<(Program, bool)>),
    /// At most so long.
    Timeout { nanos: u64, inner: Box<Program> },
    /// A task that is aborted after so long.
    Abort { nanos: u64, inner: Box<Program> },
}

/// A source of chance (splitmix64, Steele et al. 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Up to 18 minutes.
    fn nanos(&mut self) -> u64 {
        1 + self.below(1 << 40)
    }
}

impl Program {
    fn random(chance: &mut Chance, depth: u32, leaves: &mut u64) -> Self {
        let mut some = |chance: &mut Chance| -> Vec<Self> {
            let count = 1 + chance.below(3);
            (0..count)
                .map(|_| Self::random(chance, depth - 1, leaves))
                .collect()
        };
        match if depth == 0 { 0 } else { chance.below(8) } {
            0 | 1 => {
                *leaves += 1;
                Self::Sleep {
                    nanos: chance.nanos(),
                    leaf: *leaves,
                }
            }
            2 => Self::Sequence(some(chance)),
            3 => Self::Spawned(some(chance)),
            4 => Self::Set(some(chance)),
            5 => {
                let children = some(chance).into_iter();
                Self::Group(children.map(|it| (it, chance.below(4) == 0)).collect())
            }
            kind => {
                let nanos = chance.nanos() * 2;
                let inner = Box::new(Self::random(chance, depth - 1, leaves));
                match kind {
                    6 => Self::Timeout { nanos, inner },
                    _ => Self::Abort { nanos, inner },
                }
            }
        }
    }
}

/// What sleeps have ended, and when, in nanoseconds since the start.
type Events = Vec<(u64, u64)>;

const TIMED_OUT: u64 = 1_000_001;
const ABORTED: u64 = 1_000_002;
const FAILED: u64 = 1_000_003;

/// Two values in one; the order counts.
fn mix(a: u64, b: u64) -> u64 {
    a.wrapping_mul(31).wrapping_add(b)
}

// The model: plain arithmetic.

/// When a program that begins at `start` ends, and with what, if it is not cut short; and all that happens
/// if it is dropped at `cut` (`u64::MAX`: never).
fn model(program: &Program, start: u64, cut: u64, events: &mut Events) -> (u64, u64) {
    if start >= cut {
        // Never begun, so nothing happens; when it would end is of no consequence.
        return (u64::MAX, 0);
    }
    match program {
        Program::Sleep { nanos, leaf } => {
            let end = start + nanos;
            if end < cut {
                events.push((end, *leaf));
            }
            (end, *leaf)
        }
        Program::Sequence(parts) => parts.iter().fold((start, 0), |(now, value), part| {
            let (end, next) = model(part, now, cut, events);
            (end, mix(value, next))
        }),
        Program::Spawned(parts) => {
            let ends = model_all(parts, start, u64::MAX, events);
            let end = ends.iter().map(|end| end.0).max().unwrap_or(start);
            (end, ends.iter().fold(0, |value, end| mix(value, end.1)))
        }
        Program::Set(parts) => {
            let mut ends = model_all(parts, start, cut, events);
            ends.sort_unstable();
            let end = ends.last().map_or(start, |end| end.0);
            (end, ends.iter().fold(0, |value, end| mix(value, end.1)))
        }
        Program::Group(children) => model_group(children, start, cut, events),
        Program::Timeout { nanos, inner } => {
            let limit = start + nanos;
            match model(inner, start, cut.min(limit), events) {
                (end, value) if end < limit => (end, value),
                _ => (limit, TIMED_OUT),
            }
        }
        Program::Abort { nanos, inner } => {
            let at = start + nanos;
            // If this is cut short before, nobody aborts any more.
            let limit = if at < cut { at } else { u64::MAX };
            match model(inner, start, limit, events) {
                (end, value) if end < at => (at, value),
                _ => (at, ABORTED),
            }
        }
    }
}

fn model_all(parts: &[Program], start: u64, cut: u64, events: &mut Events) -> Vec<(u64, u64)> {
    let ends = parts.iter().map(|part| model(part, start, cut, events));
    ends.collect()
}

fn model_group(
    children: &[(Program, bool)],
    start: u64,
    cut: u64,
    events: &mut Events,
) -> (u64, u64) {
    let mut unheeded = Events::new();
    let mut end_of = |child: &Program| model(child, start, u64::MAX, &mut unheeded).0;
    let failing = children.iter().filter(|(_, fails)| *fails);
    let failure = failing.map(|(child, _)| end_of(child)).min();
    // The one that fails has done all of its work; the others are cut short then.
    let until = failure.map_or(u64::MAX, |at| at + 1).min(cut);
    let mut ends = Vec::new();
    for (child, _) in children {
        ends.push(model(child, start, until, events));
    }
    match failure {
        Some(at) => (at, FAILED),
        None => {
            let end = ends.iter().map(|end| end.0).max().unwrap_or(start);
            (end, ends.iter().fold(0, |value, end| mix(value, end.1)))
        }
    }
}

// The same, with tasks.

#[derive(Clone)]
struct World {
    start: Instant,
    events: Arc<Mutex<Events>>,
}

impl World {
    fn note(&self, leaf: u64) {
        let at = self.start.elapsed().as_nanos();
        let at = u64::try_from(at).expect("a run of less than 584 years");
        self.events.lock().expect("no panic").push((at, leaf));
    }
}

fn run(program: Program, world: World) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        match program {
            Program::Sleep { nanos, leaf } => {
                sleep(Duration::from_nanos(nanos)).await;
                world.note(leaf);
                leaf
            }
            Program::Sequence(parts) => {
                let mut value = 0;
                for part in parts {
                    value = mix(value, run(part, world.clone()).await);
                }
                value
            }
            Program::Spawned(parts) => {
                let spawn = |part| heist::spawn(run(part, world.clone()));
                let tasks: Vec<_> = parts.into_iter().map(spawn).collect();
                let mut value = 0;
                for task in tasks {
                    value = mix(value, task.await.expect("no panic"));
                }
                value
            }
            Program::Set(parts) => {
                let parts = parts.into_iter().map(|part| run(part, world.clone()));
                let mut set: JoinSet<u64> = parts.collect();
                let mut value = 0;
                while let Some(output) = set.join_next().await {
                    value = mix(value, output.expect("no panic"));
                }
                value
            }
            Program::Group(children) => run_group(children, world).await,
            Program::Timeout { nanos, inner } => {
                let limited = timeout(Duration::from_nanos(nanos), run(*inner, world));
                limited.await.unwrap_or(TIMED_OUT)
            }
            Program::Abort { nanos, inner } => {
                let task = heist::spawn(run(*inner, world));
                sleep(Duration::from_nanos(nanos)).await;
                task.abort();
                task.await.unwrap_or(ABORTED)
            }
        }
    })
}

async fn run_group(children: Vec<(Program, bool)>, world: World) -> u64 {
    let group = TaskGroup::new().run(async |scope| {
        let mut spawned = Vec::new();
        for (child, fails) in children {
            let work = run(child, world.clone());
            let child = scope.spawn(async move {
                let value = work.await;
                if fails { Err(()) } else { Ok(value) }
            });
            spawned.push(child.await);
        }
        let mut value = 0;
        for child in spawned {
            // A child that gave none has failed the group, which is about to cut this short.
            value = mix(value, child.await.unwrap_or(0));
        }
        Ok(value)
    });
    group.await.unwrap_or(FAILED)
}

/// Runs the program of one seed both ways.
fn check(runtime: &Runtime, seed: u64) {
    let program = Program::random(&mut Chance(seed), 4, &mut 0);
    let mut expected = Events::new();
    let (end, value) = model(&program, 0, u64::MAX, &mut expected);
    expected.sort_unstable();
    let to_run = program.clone();
    let (took, output, events) = runtime.block_on(async {
        let world = World {
            start: Instant::now(),
            events: Arc::default(),
        };
        let (start, events) = (world.start, world.events.clone());
        let output = heist::spawn(run(to_run, world)).await;
        let took = start.elapsed();
        // What was left to itself has ended, too, within 36 years.
        sleep_until(start + Duration::from_nanos(1 << 50)).await;
        let events = std::mem::take(&mut *events.lock().expect("no panic"));
        (took, output.expect("no panic"), events)
    });
    let context = || format!("seed {seed}: {program:#?}");
    assert_eq!(output, value, "the value; {}", context());
    assert_eq!(took, Duration::from_nanos(end), "the end; {}", context());
    assert_eq!(events, expected, "what happened; {}", context());
    let left = runtime.metrics().num_alive_tasks();
    assert_eq!(left, 0, "tasks left; {}", context());
}

#[test]
fn random_programs_do_what_the_model_says() {
    deadline(|| {
        let mut current = Builder::new_current_thread();
        let mut multi = Builder::new_multi_thread();
        let runtimes = [&mut current, multi.worker_threads(3)]
            .map(|builder| builder.start_paused(true).build().expect("a runtime"));
        let seeds = match std::env::var("HEIST_SEED") {
            Ok(seed) => {
                let seed: u64 = seed.parse().expect("HEIST_SEED is a number");
                seed..seed + 1
            }
            Err(_) => 0..SEEDS,
        };
        for seed in seeds {
            check(&runtimes[usize::from(seed % 2 == 0)], seed);
        }
    });
}
