//! `cargo xtask stress`: random work, for as long as one likes; seeded, and every failure names its
//! seed.
//!
//! Without `--shuttle`: real threads, sockets and timers, through the public API
//! (`tests/tests/stress.rs`); the seed gives the same work again, not the same interleaving. With
//! it: [`shuttle`], which replays the interleaving too.

pub(crate) mod shuttle;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lexopt::Arg::{Long, Value};
use lexopt::ValueExt as _;

use crate::args;
use crate::cargo::cargo;
use crate::process;
use crate::test::Tally;

/// Runs the command.
pub(crate) fn run(args: lexopt::Parser) -> anyhow::Result<()> {
    let (on_shuttle, options) = parse(args)?;
    let mut tally = Tally::default();
    let outcome = if on_shuttle {
        shuttle::check(&options, &mut tally)
    } else {
        on_threads(&options, &mut tally)
    };
    if !options.list {
        println!("{} passed, {} failed", tally.passed, tally.failed);
    }
    outcome
}

fn parse(mut args: lexopt::Parser) -> Result<(bool, shuttle::Options), lexopt::Error> {
    let mut options = shuttle::Options::default();
    let mut on_shuttle = false;
    // Whether something was asked for that real threads cannot give.
    let mut more = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long("shuttle") => on_shuttle = true,
            Long("seconds") => options.time = Some(args::seconds(&mut args)?),
            Long("seed") => options.seed = Some(args.value()?.parse()?),
            other => {
                more = true;
                match other {
                    Long("list") => options.list = true,
                    Long("iterations") => options.iterations = Some(args::positive(&mut args)?),
                    Long("replay") => options.replay = Some(args.value()?.into()),
                    Long("schedule") => {
                        options.kind = Some(args.value()?.parse_with(shuttle::Kind::named)?);
                    }
                    Value(filter) => options.filter = filter.string()?,
                    other => return Err(other.unexpected()),
                }
            }
        }
    }
    if more && !on_shuttle {
        return Err("without --shuttle there are --seconds and --seed only".into());
    }
    Ok((on_shuttle, options))
}

/// The stress test of the public API.
fn on_threads(options: &shuttle::Options, tally: &mut Tally) -> anyhow::Result<()> {
    let time = options.time.unwrap_or(DEFAULT_TIME);
    let seed = options.seed.unwrap_or_else(any_seed);
    let mut command = cargo(&["test", "--package", "heist-tests"]);
    command
        .args(["--test", "stress", "--", "--nocapture"])
        .env("HEIST_SECONDS", time.as_secs_f64().to_string())
        .env("HEIST_SEED", seed.to_string());
    println!("seed {seed}; the same work again: cargo xtask stress --seed {seed}");
    process::run_lines(&command, time + GRACE, |line| {
        println!("{line}");
        tally.count(line);
    })
}

/// A seed that nobody chose.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is as good a seed as any.
    let nanos = now.map_or(1, |since| since.as_nanos());
    (nanos % u128::from(u32::MAX)) as u64
}

/// How long, if nothing else is asked for.
const DEFAULT_TIME: Duration = Duration::from_secs(60);

/// A build, and the end of the last piece of work.
const GRACE: Duration = Duration::from_secs(30 * 60);
