//! `cargo xtask cold [--rounds N]`: how long a program's first build takes that depends on Heist with its
//! default features, beside one that depends on tokio with `full`.
//!
//! A debug build of an empty program, everything downloaded before, nothing built. Processor time is what
//! cargo and its children were given; it says more than the clock where others share the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lexopt::Arg::Long;

use crate::cargo::{cargo, root, target_directory};
use crate::table::Table;
use crate::{args, process};

/// One build, on two slow cores.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// A program that depends on one runtime.
struct Program {
    name: &'static str,
    folder: PathBuf,
    /// Processor time and time by the clock of each build.
    builds: Vec<(Duration, Duration)>,
}

/// Runs the command.
pub(crate) fn run(mut parser: lexopt::Parser) -> anyhow::Result<()> {
    let mut rounds = 1;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("rounds") => rounds = args::positive(&mut parser)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let scratch = target_directory()?.join("cold");
    let heist = format!("heist = {{ path = {:?} }}", root().join("crates/heist"));
    let tokio = "tokio = { version = \"1\", features = [\"full\"] }";
    let mut programs = [
        Program::new("heist", scratch.join("heist"), &heist)?,
        Program::new("tokio full", scratch.join("tokio"), tokio)?,
    ];
    for _ in 0..rounds {
        for program in &mut programs {
            program.build()?;
        }
    }
    let mut table = Table::new(["from cold", "processor s", "clock s"]);
    for Program { name, builds, .. } in &mut programs {
        builds.sort_unstable();
        let (processor, clock) = builds[builds.len() / 2];
        table.row([
            (*name).to_owned(),
            format!("{:.1}", processor.as_secs_f64()),
            format!("{:.1}", clock.as_secs_f64()),
        ]);
    }
    print!("{table}");
    Ok(())
}

impl Program {
    /// Writes the program, with the workspace's own versions of what both depend on.
    fn new(name: &'static str, folder: PathBuf, dependency: &str) -> anyhow::Result<Program> {
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        let manifest = format!(
            "[package]\nname = \"cold\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
             [dependencies]\n{dependency}\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        process::run(cargo(&["fetch"]).current_dir(&folder), LIMIT)?;
        Ok(Program {
            name,
            folder,
            builds: Vec::new(),
        })
    }

    fn build(&mut self) -> anyhow::Result<()> {
        let target = self.folder.join("target");
        remove(&target)?;
        let mut command = cargo(&["build", "--quiet", "--offline", "--target-dir"]);
        command.arg(&target).current_dir(&self.folder);
        let (before, start) = (children()?, Instant::now());
        process::run(&command, LIMIT)?;
        self.builds.push((children()? - before, start.elapsed()));
        remove(&target)
    }
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.with_context(|| folder.display().to_string()),
    }
}

/// The processor time of all children that were waited for, and of theirs.
fn children() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("/proc/self/stat")?;
    // The program's name is in parentheses and may hold anything; `cutime` and `cstime` are the
    // 16th and the 17th field, the name the second.
    let (_, rest) = stat
        .rsplit_once(')')
        .context("/proc/self/stat has no name")?;
    let fields = rest.split_whitespace().skip(13).take(2);
    let ticks: u64 = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    let rate = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs_f64(ticks as f64 / rate as f64))
}
