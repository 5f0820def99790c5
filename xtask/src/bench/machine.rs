//! On what the figures were taken.

use std::fs;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::cargo;

/// What a reader must know to compare figures.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    processor: String,
    processors: usize,
    kernel: String,
    compiler: String,
    commit: String,
    date: String,
}

impl Machine {
    /// This machine, now.
    pub(crate) fn this() -> Machine {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        Machine {
            processor: model
                .map_or("unknown processor", |model| {
                    model.trim_matches(['\t', ':', ' '])
                })
                .to_owned(),
            processors: thread::available_parallelism().map_or(1, usize::from),
            kernel: said_by("uname", &["-sr"]),
            compiler: compiler(),
            commit: said_by("git", &["describe", "--always", "--dirty"]),
            date: said_by("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        }
    }

    /// In a line.
    pub(crate) fn shown(&self) -> String {
        format!(
            "{} × {}, {}, {}, commit {}, {}",
            self.processors, self.processor, self.kernel, self.compiler, self.commit, self.date
        )
    }

    /// For another program.
    pub(crate) fn json(&self) -> Value {
        json!({
            "processor": self.processor,
            "processors": self.processors,
            "kernel": self.kernel,
            "compiler": self.compiler,
            "commit": self.commit,
            "date": self.date,
        })
    }
}

/// The compiler that builds what is measured.
pub(crate) fn compiler() -> String {
    said_by("rustc", &["--version"])
}

/// What a program prints, in the workspace's root.
fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(cargo::root())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => format!("unknown to {program}"),
    }
}
