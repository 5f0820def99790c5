//! What a running model tells of itself: lines in a file, written by the frame it runs in
//! (`crates/loom/src/report.rs`, which says what they are), read here while it grows.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// All that has been told so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// How many preemptions its scenes explore, at least.
    pub(crate) bound: Option<usize>,
    /// The scene being played; most models have but one.
    pub(crate) scene: usize,
    /// Permutations, of all scenes.
    pub(crate) explored: u64,
    /// The lines of each panic's message; where it came from first.
    pub(crate) panics: Vec<Vec<String>>,
}

impl Report {
    /// Takes one more line; what it does not know it leaves alone.
    pub(crate) fn take(&mut self, line: &str) {
        if let Some(message) = line.strip_prefix("  ") {
            if let Some(panic) = self.panics.last_mut() {
                panic.push(message.to_owned());
            }
            return;
        }
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["panic"] => self.panics.push(Vec::new()),
            ["explored", count] => self.explored = count.parse().unwrap_or(self.explored),
            ["scene", number, "bound", bound] => {
                self.scene = number.parse().unwrap_or(self.scene);
                self.bound = self.bound.min(bound.parse().ok()).or(bound.parse().ok());
            }
            _ => {}
        }
    }
}

/// Reads a file as it grows.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of a line whose end is still to come.
    partial: String,
}

impl Follower {
    /// The file need not exist yet.
    pub(crate) fn new(path: &Path) -> Follower {
        Follower {
            path: path.to_owned(),
            file: None,
            partial: String::new(),
        }
    }

    /// Takes what has come since the last call; whether that is anything.
    pub(crate) fn read(&mut self, report: &mut Report) -> io::Result<bool> {
        if self.file.is_none() {
            self.file = match File::open(&self.path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
        }
        let Some(file) = &mut self.file else {
            return Ok(false);
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        self.partial += &String::from_utf8_lossy(&bytes);
        while let Some((line, rest)) = self.partial.split_once('\n') {
            report.take(line);
            self.partial = rest.to_owned();
        }
        Ok(!bytes.is_empty())
    }
}

#[cfg(test)]
mod tests;
