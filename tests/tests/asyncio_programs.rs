//! Seven programs, each in asyncio's way and in Heist's, print the same.
//!
//! They stand side by side in `tests/asyncio/`, with what they print. The originals are run as well, if
//! there is a Python of 3.11 or later; else this says so, and only what was kept is compared.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("asyncio")
}

/// What the program prints, which must succeed.
fn printed(what: &str, output: std::io::Result<Output>) -> String {
    let output = output.unwrap_or_else(|error| panic!("{what}: {error}"));
    let (text, errors) = [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .into();
    assert!(output.status.success(), "{what}: {text}{errors}");
    text
}

/// A Python that has `asyncio.TaskGroup`.
fn has_python() -> bool {
    let check = "import sys; sys.exit(sys.version_info < (3, 11))";
    let status = Command::new("python3").args(["-c", check]).status();
    let found = status.is_ok_and(|status| status.success());
    if !found {
        eprintln!("NOT COMPARED WITH THE ORIGINAL: no python3 of 3.11 or later here");
    }
    found
}

fn agree(name: &str, program: &str) {
    let file = |ending: &str| folder().join(name).with_extension(ending);
    let kept = std::fs::read_to_string(file("txt")).expect("what it prints is kept");
    let ours = printed(name, Command::new(program).output());
    assert_eq!(ours, kept, "{name}: Heist's program prints something else");
    if has_python() {
        let theirs = printed(name, Command::new("python3").arg(file("py")).output());
        assert_eq!(
            theirs, kept,
            "{name}: asyncio's program prints something else"
        );
    }
}

macro_rules! programs {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            agree(stringify!($name), env!(concat!("CARGO_BIN_EXE_", stringify!($name))));
        }
    )*};
}

programs! {
    gather_with_timeouts
    producer_consumer
    failing_child
    shield_and_cancel
    executor_offload
    context_variables
    periodic_ticker
}
