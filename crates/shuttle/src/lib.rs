//! The frame in which scenes run under [shuttle](https://docs.rs/shuttle): rounds of schedules, each
//! named by its seed.
//!
//! A *round* is `ROUND` schedules of one seed: shuttle's PCT learns from each how long the next
//! one is. So a seed names a round, and what failed in it fails again when the round is played
//! again. The one schedule that failed is written to a file as well, which replays it alone.
//!
//! What to play comes from the environment (`cargo xtask stress --shuttle` sets it):
//!
//! | variable | meaning | without it |
//! |---|---|---|
//! | `HEIST_SCHEDULE` | `random` or `pct` | `random` |
//! | `HEIST_SEED` | the first round's seed; each later one follows from the one before | 1 |
//! | `HEIST_ITERATIONS` | schedules at most, in whole rounds | one round |
//! | `HEIST_SECONDS` | no round begins later than this | no limit |
//! | `HEIST_FAILURES` | the directory for a schedule that failed | it is printed |
//! | `HEIST_REPLAY` | a file with the one schedule to play, instead of all this | |

#![forbid(unsafe_code)]
#![cfg(heist_shuttle)]

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// Schedules to a seed.
const ROUND: usize = 32;

/// A schedule longer than this is one that makes no progress.
const MAX_STEPS: usize = 1_000_000;

/// A thread's stack, in bytes: a poll of a future inside a worker inside a scene, unoptimized.
const STACK: usize = 512 * 1024;

/// Plays `scene` under the schedules that the environment asks for.
///
/// A panic on any thread of the scene fails it, also one that the code under test catches; a scene
/// that wants a panic for itself resumes one ([`std::panic::resume_unwind`]), which is not counted.
///
/// # Panics
/// If a schedule fails, with its panic, after having printed how to play it again.
pub fn explore(scene: impl Fn() + Send + Sync + 'static) {
    static HOOK: Once = Once::new();
    HOOK.call_once(count_panics);
    let played = Arc::new(AtomicUsize::new(0));
    let scene: Scene = {
        let played = Arc::clone(&played);
        Arc::new(move || {
            played.fetch_add(1, Ordering::Relaxed);
            scene();
            let caught = PANICS.replace(0);
            assert_eq!(caught, 0, "panics that the code under test has caught");
        })
    };
    match std::env::var_os("HEIST_REPLAY") {
        Some(file) => replay(file.into(), scene),
        None => play_rounds(&scene, &played),
    }
    println!("explored {}", played.load(Ordering::Relaxed));
}

type Scene = Arc<dyn Fn() + Send + Sync>;

fn play_rounds(scene: &Scene, played: &AtomicUsize) {
    let pct = match std::env::var("HEIST_SCHEDULE").as_deref() {
        Ok("pct") => true,
        Ok("random") | Err(_) => false,
        Ok(other) => panic!("HEIST_SCHEDULE is `{other}`, which is neither `random` nor `pct`"),
    };
    let limit: usize = variable("HEIST_ITERATIONS").unwrap_or(ROUND);
    let seconds: Option<f64> = variable("HEIST_SECONDS");
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let failures = match std::env::var_os("HEIST_FAILURES") {
        Some(directory) => FailurePersistence::File(Some(directory.into())),
        None => FailurePersistence::Print,
    };
    let mut seed: u64 = variable("HEIST_SEED").unwrap_or(1);
    while played.load(Ordering::Relaxed) < limit && end.is_none_or(|end| Instant::now() < end) {
        let before = played.load(Ordering::Relaxed);
        let round = panic::catch_unwind(AssertUnwindSafe(|| {
            if pct {
                // Few changes of priority find most bugs, a few need more.
                let depth = 2 + (seed % 4) as usize;
                let scheduler = PctScheduler::new_from_seed(seed, depth, ROUND);
                run(scheduler, scene, failures.clone());
            } else {
                let scheduler = RandomScheduler::new_from_seed(seed, ROUND);
                run(scheduler, scene, failures.clone());
            }
        }));
        if let Err(panic) = round {
            let nth = played.load(Ordering::Relaxed) - before;
            println!("failing seed {seed}");
            println!("it is schedule {nth} of that seed's {ROUND}, {before} were well");
            panic::resume_unwind(panic);
        }
        seed = next(seed);
    }
}

/// Plays one written schedule. It may end early: it was written when the first panic came, which
/// the code under test may have caught.
fn replay(file: PathBuf, scene: Scene) {
    let mut scheduler = ReplayScheduler::new_from_file(&file)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    scheduler.set_allow_incomplete();
    run(scheduler, &scene, FailurePersistence::None);
    let caught = PANICS.replace(0);
    assert_eq!(caught, 0, "panics that the code under test has caught");
}

fn run(scheduler: impl Scheduler + 'static, scene: &Scene, failures: FailurePersistence) {
    PANICS.set(0);
    let scene = Arc::clone(scene);
    Runner::new(scheduler, config(failures)).run(move || scene());
}

fn config(failures: FailurePersistence) -> Config {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    // That its atomics are sequentially consistent is said where they are used.
    config.silence_warnings = true;
    config.failure_persistence = failures;
    config
}

/// SplitMix64's step (Steele et al., OOPSLA 2014).
fn next(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let value = text.parse();
    Some(value.unwrap_or_else(|_| panic!("{name} is `{text}`, which is not a number")))
}

std::thread_local! {
    /// The panics of this scene; its threads share one real thread.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// A task survives panics, so each one is counted that comes past the hook.
fn count_panics() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.set(PANICS.get() + 1);
        report(info);
    }));
}
