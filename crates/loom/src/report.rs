//! What a model tells while it runs: lines in a file, for whoever started it.
//!
//! `scene NUMBER bound PREEMPTIONS`, `explored PERMUTATIONS` so far, and `panic` followed by its
//! message in indented lines. A file, since libtest captures what a test prints, and a process that
//! is killed or aborts leaves it behind.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The file, open for appending.
#[derive(Debug)]
pub(crate) struct Report(File);

impl Report {
    /// Calls `tell`, if anybody wants a report.
    pub(crate) fn with(tell: impl FnOnce(&Report)) {
        static REPORT: OnceLock<Option<Report>> = OnceLock::new();
        let report = REPORT.get_or_init(|| {
            let path = directory()?.join("report");
            let file = OpenOptions::new().create(true).append(true).open(&path);
            Some(Report(file.unwrap_or_else(|error| {
                panic!("cannot write {}: {error}", path.display())
            })))
        });
        if let Some(report) = report {
            tell(report);
        }
    }

    pub(crate) fn scene(&self, number: usize, bound: usize) {
        self.write(&format!("scene {number} bound {bound}\n"));
    }

    pub(crate) fn explored(&self, permutations: usize) {
        self.write(&format!("explored {permutations}\n"));
    }

    pub(crate) fn panic(&self, info: &PanicHookInfo<'_>) {
        self.write(&panic_lines(info));
    }

    /// In one write each: a reader never sees half a line.
    fn write(&self, lines: &str) {
        // A full disk must not look like a failed model.
        let _ = (&self.0).write_all(lines.as_bytes());
    }
}

/// Where this model's files are.
pub(crate) fn directory() -> Option<PathBuf> {
    std::env::var_os("HEIST_LOOM_DIR").map(PathBuf::from)
}

/// `panic`, then where and what, indented.
pub(crate) fn panic_lines(info: &PanicHookInfo<'_>) -> String {
    let mut lines = String::from("panic\n");
    if let Some(location) = info.location() {
        lines += &format!("  at {location}\n");
    }
    let payload = info.payload();
    let message = match payload.downcast_ref::<&str>() {
        Some(message) => message,
        None => payload
            .downcast_ref::<String>()
            .map_or("no message", String::as_str),
    };
    for line in message.lines().filter(|line| !line.trim().is_empty()) {
        lines += &format!("  {line}\n");
    }
    lines
}
