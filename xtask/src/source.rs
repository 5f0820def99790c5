//! A source file split, line by line, into code and comments.
//!
//! The code keeps its columns: comments, the contents of strings and character literals are
//! blanked. Lines that only a test build compiles are marked.

use std::path::Path;
use std::{fs, io};

/// A Rust file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Relative to the workspace's root.
    pub(crate) path: String,
    /// Its lines.
    pub(crate) lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// The code, everything else blanked.
    pub(crate) code: String,
    /// The comments, their markers included.
    pub(crate) comment: String,
    /// Whether it belongs to a test or a model.
    pub(crate) in_test: bool,
}

impl Line {
    /// The words of the code, each with its column.
    pub(crate) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.code.as_str();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        code.split(move |c| !is_word(c))
            .filter(|word| !word.is_empty())
            .map(move |word| (word.as_ptr() as usize - code.as_ptr() as usize, word))
    }

    fn is_blank(&self) -> bool {
        self.code.trim().is_empty() && self.comment.is_empty()
    }
}

impl Source {
    /// Splits `text`.
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let mut source = Source {
            path: path.to_owned(),
            lines: Lexer::default().split(text),
        };
        if source.is_test_file() {
            source.lines.iter_mut().for_each(|line| line.in_test = true);
        } else {
            source.mark_tests();
        }
        source
    }

    /// The crate's directory under `crates/`, if it lies in one's `src`.
    pub(crate) fn krate(&self) -> Option<&str> {
        let (name, rest) = self.path.strip_prefix("crates/")?.split_once('/')?;
        rest.starts_with("src/").then_some(name)
    }

    /// The module path inside its crate: `[]` for `lib.rs`, `["a", "b"]` for `src/a/b.rs`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let Some((_, path)) = self.path.split_once("src/") else {
            return Vec::new();
        };
        let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let parts = path.split('/');
        parts
            .filter(|part| !matches!(*part, "lib" | "main"))
            .collect()
    }

    /// Whether the file lies in a module, or is one, that holds models.
    pub(crate) fn is_model_file(&self) -> bool {
        self.module().iter().any(|part| is_named(part, "models"))
    }

    /// Whether all of the file is tests, models or scenes.
    fn is_test_file(&self) -> bool {
        let module = self.module();
        let in_module = module.iter().any(|part| is_named(part, "tests"))
            || (self.krate().is_some() && module.contains(&"stress"));
        let outside_src = !self.path.contains("src/");
        in_module || outside_src || self.is_model_file()
    }

    /// The comments that belong to the statement around a line: inside it, and in the block
    /// directly above it.
    pub(crate) fn comments_of(&self, index: usize) -> String {
        let first = self.statement_start(index);
        let comments = self.lines[first..=index].iter().map(|line| {
            let text = line
                .comment
                .trim()
                .trim_start_matches('/')
                .trim_start_matches('!');
            text.trim()
        });
        let comments: Vec<&str> = comments.filter(|text| !text.is_empty()).collect();
        comments.join(" ")
    }

    /// The first line of the statement that covers a line, comments above it included.
    pub(crate) fn statement_start(&self, index: usize) -> usize {
        let mut first = index;
        while first > 0 {
            let above = &self.lines[first - 1];
            if above.is_blank() || above.code.trim_end().ends_with([';', '{', '}']) {
                break;
            }
            first -= 1;
        }
        first
    }

    /// Marks the items under a `#[cfg(test)]`, in whatever combination.
    fn mark_tests(&mut self) {
        let mut index = 0;
        while index < self.lines.len() {
            if !is_test_cfg(&self.lines[index].code) {
                index += 1;
                continue;
            }
            let end = self.item_end(index);
            self.lines[index..=end]
                .iter_mut()
                .for_each(|line| line.in_test = true);
            index = end + 1;
        }
    }

    /// The last line of the item whose attribute stands in a line.
    fn item_end(&self, attribute: usize) -> usize {
        let mut braces = 0_usize;
        let mut brackets = 0_usize;
        for (index, line) in self.lines.iter().enumerate().skip(attribute) {
            for c in line.code.chars() {
                match c {
                    '(' | '[' => brackets += 1,
                    ')' | ']' => brackets = brackets.saturating_sub(1),
                    '{' => braces += 1,
                    '}' => braces = braces.saturating_sub(1),
                    _ => {}
                }
                let ended = c == '}' || c == ';';
                if ended && braces == 0 && brackets == 0 {
                    return index;
                }
            }
        }
        self.lines.len() - 1
    }
}

/// `name` itself, or with a prefix: `tests`, `steal_tests`.
fn is_named(part: &str, name: &str) -> bool {
    part == name
        || part
            .strip_suffix(name)
            .is_some_and(|prefix| prefix.ends_with('_'))
}

fn is_test_cfg(code: &str) -> bool {
    let attribute = code.trim_start();
    let line = Line {
        code: attribute.to_owned(),
        ..Line::default()
    };
    attribute.starts_with("#[cfg(")
        && !attribute.contains("not(test)")
        && line.words().any(|(_, word)| word == "test")
}

/// Splits a text into code and comments, one character at a time.
#[derive(Debug, Default)]
struct Lexer {
    lines: Vec<Line>,
    line: Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Code,
    LineComment,
    /// How deeply nested.
    BlockComment(usize),
    String,
    /// How many hashes end it.
    RawString(usize),
}

impl Lexer {
    fn split(mut self, text: &str) -> Vec<Line> {
        let chars: Vec<char> = text.chars().collect();
        let mut state = State::Code;
        let mut at = 0;
        while at < chars.len() {
            if chars[at] == '\n' {
                if state == State::LineComment {
                    state = State::Code;
                }
                self.lines.push(std::mem::take(&mut self.line));
                at += 1;
                continue;
            }
            let (next, taken) = self.step(state, &chars[at..]);
            state = next;
            at += taken;
        }
        if !self.line.code.is_empty() || !self.line.comment.is_empty() {
            self.lines.push(self.line);
        }
        self.lines
    }

    /// Takes at least one character, none of them a line's end.
    fn step(&mut self, state: State, rest: &[char]) -> (State, usize) {
        let next = rest.get(1).copied().unwrap_or('\n');
        match state {
            State::Code => self.step_code(rest),
            State::LineComment => (state, self.comment(&rest[..1])),
            State::BlockComment(depth) => match (rest[0], next) {
                ('/', '*') => (State::BlockComment(depth + 1), self.comment(&rest[..2])),
                ('*', '/') if depth == 1 => (State::Code, self.comment(&rest[..2])),
                ('*', '/') => (State::BlockComment(depth - 1), self.comment(&rest[..2])),
                _ => (state, self.comment(&rest[..1])),
            },
            State::String => match rest[0] {
                '\\' if next != '\n' => (state, self.blank(2)),
                '"' => (State::Code, self.code('"')),
                _ => (state, self.blank(1)),
            },
            State::RawString(hashes) => {
                let ends = rest[0] == '"' && count(&rest[1..], '#') >= hashes;
                let next = if ends { State::Code } else { state };
                (next, self.blank(if ends { 1 + hashes } else { 1 }))
            }
        }
    }

    fn step_code(&mut self, rest: &[char]) -> (State, usize) {
        let next = rest.get(1).copied().unwrap_or('\n');
        let in_word = self
            .line
            .code
            .ends_with(|c: char| c.is_alphanumeric() || c == '_');
        match rest[0] {
            '/' if next == '/' => (State::LineComment, self.comment(&rest[..2])),
            '/' if next == '*' => (State::BlockComment(1), self.comment(&rest[..2])),
            '"' => (State::String, self.code('"')),
            'r' if !in_word || self.line.code.ends_with(['b', 'c']) => {
                let hashes = count(&rest[1..], '#');
                if rest.get(1 + hashes) == Some(&'"') {
                    (State::RawString(hashes), self.blank(2 + hashes))
                } else {
                    (State::Code, self.code('r'))
                }
            }
            '\'' => (State::Code, self.quote(rest)),
            c => (State::Code, self.code(c)),
        }
    }

    /// A character literal is blanked whole; the quote of a lifetime is code.
    fn quote(&mut self, rest: &[char]) -> usize {
        let end = match rest.get(1) {
            Some('\\') => {
                let tail = rest.iter().enumerate().skip(3);
                tail.take(10)
                    .find(|(_, c)| **c == '\'')
                    .map(|(index, _)| index)
            }
            Some(_) if rest.get(2) == Some(&'\'') => Some(2),
            _ => None,
        };
        match end {
            Some(end) => self.blank(end + 1),
            None => self.code('\''),
        }
    }

    fn code(&mut self, c: char) -> usize {
        self.line.code.push(c);
        1
    }

    fn comment(&mut self, text: &[char]) -> usize {
        self.line.comment.extend(text);
        text.len()
    }

    fn blank(&mut self, count: usize) -> usize {
        self.line.code.extend(std::iter::repeat_n(' ', count));
        count
    }
}

/// How many `wanted` a slice starts with.
fn count(chars: &[char], wanted: char) -> usize {
    chars.iter().take_while(|c| **c == wanted).count()
}

/// The workspace's files, relative to its root, with `/` between directories; build output and
/// hidden directories left out (except the ones that hold our own automation). Only those `below`
/// a directory, if it is not empty.
pub(crate) fn files(root: &Path, below: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut directories = vec![below.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root.join(&directory))? {
            let entry = entry?;
            let name = entry.file_name();
            let relative = directory.join(&name);
            let kind = entry.file_type()?;
            let name = name.to_string_lossy();
            if kind.is_dir() {
                let hidden = name.starts_with('.') && !OWN_HIDDEN.contains(&name.as_ref());
                if !hidden && name != "target" {
                    directories.push(relative);
                }
            } else if kind.is_file() {
                files.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    files.sort();
    Ok(files)
}

const OWN_HIDDEN: [&str; 3] = [".cargo", ".ci", ".github"];

#[cfg(test)]
mod tests;
