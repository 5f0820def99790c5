//! The programs beside asyncio's: both print the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::process::DEADLINE;

fn path(name: &str, extension: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("asyncio");
    folder.join(name).with_extension(extension)
}

/// What a program prints, or `None` if there is no such program.
fn run(program: &str, argument: Option<&Path>) -> Option<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("timeout")
        .arg(DEADLINE.as_secs().to_string())
        .arg(program)
        .args(argument)
        .stdin(Stdio::null())
        .output()
        .expect("timeout is everywhere");
    // What timeout(1) says of a program that is not there.
    if status.code() == Some(127) {
        return None;
    }
    assert!(
        status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&stderr)
    );
    Some(String::from_utf8(stdout).expect("text"))
}

fn both_print_the_same(name: &str, program: &str) {
    let ours = run(program, None).expect("was built");
    let theirs = std::fs::read_to_string(path(name, "out")).expect("is there");
    assert_eq!(ours, theirs, "{name}.out");
    match run("python3", Some(&path(name, "py"))) {
        Some(now) => assert_eq!(
            now, theirs,
            "{name}.py prints something else than {name}.out"
        ),
        None => println!("no python3: compared with {name}.out only"),
    }
}

#[test]
fn echo_prints_what_asyncio_prints() {
    both_print_the_same("echo", env!("CARGO_BIN_EXE_asyncio-echo"));
}

#[test]
fn pipeline_prints_what_asyncio_prints() {
    both_print_the_same("pipeline", env!("CARGO_BIN_EXE_asyncio-pipeline"));
}

#[test]
fn chat_prints_what_asyncio_prints() {
    both_print_the_same("chat", env!("CARGO_BIN_EXE_asyncio-chat"));
}
