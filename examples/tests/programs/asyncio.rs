//! Each program beside asyncio's prints what asyncio's prints.
//!
//! They stand side by side in `asyncio/`, with what they print. The originals are run as well, if there is
//! a Python of 3.11 or later; else this says so, and only what was kept is compared.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::DEADLINE;

/// What the program prints, which must succeed in time.
fn printed(program: &str, arguments: &[&Path]) -> String {
    let output = Command::new("timeout")
        .arg(DEADLINE.as_secs().to_string())
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("timeout is everywhere");
    let [text, errors] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{program}: {text}{errors}");
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

fn both_print_the_same(name: &str, program: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("asyncio");
    let file = |ending: &str| folder.join(name).with_extension(ending);
    let kept = std::fs::read_to_string(file("out")).expect("what it prints is kept");
    assert_eq!(printed(program, &[]), kept, "{name}.rs beside {name}.out");
    if has_python() {
        let theirs = printed("python3", &[&file("py")]);
        assert_eq!(theirs, kept, "{name}.py beside {name}.out");
    }
}

macro_rules! programs {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let program = env!(concat!("CARGO_BIN_EXE_asyncio_", stringify!($name)));
            both_print_the_same(stringify!($name), program);
        }
    )*};
}

programs! {
    chat
    context_variables
    echo
    executor_offload
    failing_child
    gather_with_timeouts
    periodic_ticker
    pipeline
    producer_consumer
    shield_and_cancel
}
