//! Automation of the Heist workspace, run as `cargo xtask <command>`.
//!
//! One file per command; this one only picks it. The parts they share: [`signals`] and [`process`]
//! (children that never outlive us), [`cargo`] (where the workspace is, what cargo built), [`args`],
//! [`table`], [`source`] (Rust files as text), [`load`] and [`server`] (the load generator and what it
//! drives).

use std::process::ExitCode;

mod signals;
mod process;
mod cargo;
mod args;
mod table;
mod source;
mod orderings;
mod load;
mod server;
mod tidy;
mod mutants;
mod loom;
mod stress;
mod san;
mod coming_from;
mod test;
mod features;
mod elsewhere;
mod cold;
mod full;
mod demo;
mod bench;

const HELP: &str = "\
cargo xtask <command>

  demo [--seconds N] [--connections N] [--addr ADDR] [--serve] [--json FILE]
                      the http example on all cores, under load, with its figures
  demo --stall [--runs N]
                      tasks that block or compute, and what the others notice, on Heist and on tokio
  test [--quick]      everything a change must pass; --quick leaves out the slow steps

  fmt                 formatting, checked only
  tidy                the workspace's own rules: crate edges, layers, SAFETY and ORDERING comments, …
  clippy              lints, warnings denied
  doc                 documentation with private items, broken links denied
  suite               unit, integration and doc tests
  instructions        instructions per operation, compared with benches/baselines/main.json
                      (bench --compare main, with valgrind installed if it is missing)
  features            every package with every one and two of its features, by cargo-hack
  cold [--rounds N]   how long a first build takes, beside tokio's
  elsewhere           the library compiles for macOS and Windows, its documentation builds as on docs.rs
  full                the tests that the suite plays in small, in full: a quarter of an hour
  loom [FILTER] [--deep] [--list]
                      the loom models, each in its own process; --deep explores one preemption more
  loom NAME --replay FILE
                      the permutation that a failing model left behind, step by step
  loom --mutants [FILTER] [--list] [--search] [--json FILE]
                      shows that the models can fail: weakens each ordering and breaks each guarding
                      check in a scratch copy, and runs the models that must notice; --search lets
                      a survivor meet all models of its crate
  edges [--write]     every happens-before edge, from the ORDERING comments; --write puts the table
                      into ARCHITECTURE.md
  coming-from [--write]
                      whether docs/coming-from.md says of each item of tokio's what is so; --write
                      brings it up to date
  stress [--seconds N] [--seed S]
                      random work on real threads, through the public API
  stress --shuttle [FILTER] [--list] [--seconds N] [--iterations N] [--seed S]
                   [--schedule random|pct] [--replay FILE]
                      scenes of a whole scheduler and reactor under shuttle's schedules
  san address|leak|thread [FILTER]
                      unit and integration tests under a sanitizer, which takes a nightly compiler;
                      `thread` is for looking by hand (see xtask/tsan.supp)

  bench [WORKLOAD…] [--quick] [--rounds N] [--peers A,B] [--json FILE] [--html FILE]
                   [--markdown FILE]
                      Heist beside its peers, in interleaved rounds, with a verdict per figure;
                      --markdown replaces the table in FILE, or makes it
  bench --save NAME | --compare NAME
                      instruction counts only: keep them in benches/baselines, or fail if one has
                      grown by more than 3 %
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) if error.is::<lexopt::Error>() => {
            eprintln!("error: {error}\n\n{HELP}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<signals::Interrupted>() {
                130
            } else {
                1
            })
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let mut args = lexopt::Parser::from_env();
    let command = match args.next()? {
        Some(lexopt::Arg::Value(name)) => name.to_string_lossy().into_owned(),
        Some(lexopt::Arg::Short('h') | lexopt::Arg::Long("help")) | None => "help".to_owned(),
        Some(other) => return Err(other.unexpected().into()),
    };
    if command == process::CHILD {
        return process::become_child(args);
    }
    signals::install()?;
    match command.as_str() {
        "help" => print!("{HELP}"),
        "demo" => demo::run(args)?,
        "test" => test::run(args)?,
        "features" => features::run(args)?,
        "cold" => cold::run(args)?,
        "elsewhere" => elsewhere::run(args)?,
        "full" => full::run(args)?,
        "loom" => loom::run(args)?,
        "stress" => stress::run(args)?,
        "san" => san::run(args)?,
        "edges" => orderings::run(args)?,
        "coming-from" => coming_from::run(args)?,
        "bench" => bench::run(args)?,
        name => match test::Step::named(name) {
            Some(step) => test::run_one(step, args)?,
            None => return Err(lexopt::Error::from(format!("no command `{name}`")).into()),
        },
    }
    Ok(ExitCode::SUCCESS)
}
