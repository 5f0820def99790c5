//! The frame in which loom models run: how far a scene is explored, what is told of that while it
//! goes on, and how the permutation that failed is found and told again.
//!
//! A model is a test that calls `model` or `bounded`. Alone, under `cargo test`, it explores and
//! asserts. `cargo xtask loom` asks for more through the environment:
//!
//! | variable | meaning |
//! |---|---|
//! | `HEIST_LOOM_DEEP` | every bound is raised by one |
//! | `HEIST_LOOM_DIR` | a directory of this model's own, for the files below |
//! | `HEIST_LOOM_ASK` | `bounds`: report the bound and end. `narrow`: go on from the checkpoint, with a checkpoint before each permutation. `trace`: play the checkpoint's permutation only, and record it |
//! | `HEIST_LOOM_SCENE` | the one to play, of a model that explores several; counted from 0 |
//!
//! The files: `report`, one line per fact, read while it grows (the module `report`);
//! `checkpoint.json`, loom's own, from which it can go on; `trace`, every step of one permutation
//! (the module `trace`).
//!
//! Finding the permutation that failed takes two runs, since the first cannot afford a checkpoint
//! before each: it leaves one every `CHECKPOINT` permutations, and the second narrows that down.
//! It works for what ends no run by itself as well, a hang, and for what ends it without a panic.
#![forbid(unsafe_code)]
#![cfg(heist_loom)]

mod report;
mod trace;
pub mod atomic;

use std::cell::Cell;
use std::fs;
use std::panic;
use std::process;
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use loom::model::Builder;

use report::Report;
use trace::Recorder;

/// Explores a scene in every interleaving with at most two preemptions, which find all but the most
/// contrived ones.
///
/// # Panics
///
/// Panics if an interleaving fails, or if there is only one: then the scene shows nothing.
pub fn model(scene: impl Fn() + Send + Sync + 'static) {
    bounded(2, scene);
}

/// Explores a scene with at most so many preemptions.
///
/// # Panics
///
/// As [`model`].
pub fn bounded(preemptions: usize, scene: impl Fn() + Send + Sync + 'static) {
    assert!(explore(preemptions, scene) > 1, "nothing to explore");
}

/// Explores one of a model's scenes, and returns how many permutations it has.
///
/// # Panics
///
/// Panics if an interleaving fails.
pub fn explore(preemptions: usize, scene: impl Fn() + Send + Sync + 'static) -> usize {
    static HOOK: Once = Once::new();
    HOOK.call_once(count_panics);
    let ask = Ask::of_environment();
    let number = SCENES.replace(SCENES.get() + 1);
    let bound = preemptions + usize::from(std::env::var_os("HEIST_LOOM_DEEP").is_some());
    Report::with(|report| report.scene(number, bound));
    match ask.what {
        What::Bounds => process::exit(0),
        What::Narrow | What::Trace if number != ask.scene => return PLENTY,
        _ => {}
    }
    let before = EXPLORED.get();
    let one = ask.what == What::Trace;
    let play = move || {
        if one && EXPLORED.get() > before {
            // The one permutation asked for is over, and nothing has failed.
            process::exit(0);
        }
        EXPLORED.set(EXPLORED.get() + 1);
        report_now_and_then();
        scene();
        assert_eq!(PANICS.get(), 0, "{CAUGHT}");
    };
    let builder = ask.builder(bound);
    if one {
        Recorder::install(|| builder.check(play));
    } else {
        builder.check(play);
    }
    assert_eq!(PANICS.get(), 0, "{CAUGHT}");
    Report::with(|report| report.explored(EXPLORED.get()));
    EXPLORED.get() - before
}

/// What is wanted of this process.
#[derive(Debug)]
struct Ask {
    what: What,
    /// For [`What::Narrow`] and [`What::Trace`].
    scene: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Explore,
    Bounds,
    Narrow,
    Trace,
}

impl Ask {
    fn of_environment() -> &'static Ask {
        static ASK: OnceLock<Ask> = OnceLock::new();
        ASK.get_or_init(|| Ask {
            what: match std::env::var("HEIST_LOOM_ASK").as_deref() {
                Ok("bounds") => What::Bounds,
                Ok("narrow") => What::Narrow,
                Ok("trace") => What::Trace,
                Ok(other) => panic!("HEIST_LOOM_ASK is bounds, narrow or trace, not {other:?}"),
                Err(_) => What::Explore,
            },
            scene: match std::env::var("HEIST_LOOM_SCENE") {
                Ok(number) => number.parse().expect("HEIST_LOOM_SCENE is a number"),
                Err(_) => 0,
            },
        })
    }

    fn builder(&self, bound: usize) -> Builder {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(bound);
        builder.max_branches = builder.max_branches.max(10_000);
        if let Some(directory) = report::directory() {
            let file = directory.join("checkpoint.json");
            if self.what == What::Explore {
                // An earlier scene's: loom would go on from there.
                let _ = fs::remove_file(&file);
            }
            builder.checkpoint_file = Some(file);
        }
        builder.checkpoint_interval = match self.what {
            What::Explore | What::Bounds => CHECKPOINT,
            What::Narrow => 1,
            What::Trace => usize::MAX,
        };
        builder.location = self.what == What::Trace;
        builder
    }
}

/// Reports progress a few times a second; looks at the clock rarely, a permutation may be short.
fn report_now_and_then() {
    if EXPLORED.get() % 32 == 0 && PULSE.get().elapsed() >= BEAT {
        PULSE.set(Instant::now());
        Report::with(|report| report.explored(EXPLORED.get()));
    }
}

/// A task survives panics, also those by which loom reports. So each one is counted that comes
/// past the hook; a scene that wants a panic for itself resumes one, which does not.
fn count_panics() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.set(PANICS.get() + 1);
        Report::with(|report| {
            report.explored(EXPLORED.get());
            report.panic(info);
        });
        trace::panic(info);
        default(info);
    }));
}

// Of this model: its modelled threads share one real thread, and other models have one of theirs.
std::thread_local! {
    /// The panics so far.
    static PANICS: Cell<usize> = const { Cell::new(0) };
    /// The permutations so far, of all its scenes, the current one included.
    static EXPLORED: Cell<usize> = const { Cell::new(0) };
    /// The scenes begun.
    static SCENES: Cell<usize> = const { Cell::new(0) };
    /// When progress was last reported.
    static PULSE: Cell<Instant> = Cell::new(Instant::now());
}

const CAUGHT: &str = "panics that the code under test has caught";

/// So many permutations are played again to find the one that failed: a second's worth.
const CHECKPOINT: usize = 1_000;

/// As many as no assertion about them finds too few, for a scene that is left out.
const PLENTY: usize = 1 << 40;

/// How often progress is reported.
const BEAT: Duration = Duration::from_millis(250);
