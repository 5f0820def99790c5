//! The paths (`a::b::c`) in a file's code, those in `use` groups written out.

use crate::source::Source;

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathUse {
    /// The line of its last segment, counted from 0.
    pub(super) line: usize,
    /// Its segments; `*` for a glob.
    pub(super) segments: Vec<String>,
    /// The name given with `as`.
    pub(super) rename: Option<String>,
}

impl PathUse {
    /// The name it brings into scope.
    pub(super) fn name(&self) -> &str {
        let last = self.segments.last().map_or("", String::as_str);
        self.rename.as_deref().unwrap_or(last)
    }

    /// Whether it starts with these segments.
    pub(super) fn starts_with(&self, segments: &[&str]) -> bool {
        self.segments.len() >= segments.len()
            && self
                .segments
                .iter()
                .zip(segments)
                .all(|(mine, wanted)| mine == wanted)
    }

    /// Whether these two segments stand anywhere in it, one after the other.
    pub(super) fn contains(&self, first: &str, second: &str) -> bool {
        self.segments
            .windows(2)
            .any(|pair| pair[0] == first && pair[1] == second)
    }
}

/// All paths of at least two segments.
pub(super) fn paths(source: &Source) -> Vec<PathUse> {
    let mut parser = Parser {
        tokens: tokens(source),
        at: 0,
        found: Vec::new(),
    };
    while parser.at < parser.tokens.len() {
        if parser.starts_path() {
            parser.tree(&[]);
        } else {
            parser.at += 1;
        }
    }
    parser.found
}

/// A word, `::`, or any other single character.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

fn tokens(source: &Source) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (line, content) in source.lines.iter().enumerate() {
        let mut rest = content.code.trim_start();
        while let Some(c) = rest.chars().next() {
            let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let taken = match c {
                _ if word > 0 => word,
                ':' if rest.starts_with("::") => 2,
                c => c.len_utf8(),
            };
            let (text, tail) = rest.split_at(taken);
            tokens.push(Token { text, line });
            rest = tail.trim_start();
        }
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    found: Vec<PathUse>,
}

impl Parser<'_> {
    fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.text)
    }

    fn word(&self, index: usize) -> bool {
        self.text(index).starts_with(is_word)
    }

    /// A word followed by `::`. (One in the middle of a path never comes here: `tree` takes all of
    /// it, and after `>::` the rest is no module path.)
    fn starts_path(&self) -> bool {
        let after_generics =
            self.at >= 2 && self.text(self.at - 1) == "::" && self.text(self.at - 2) == ">";
        self.word(self.at) && self.text(self.at + 1) == "::" && !after_generics
    }

    /// Takes a path from its first segment on, or one item of a group.
    fn tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        loop {
            let line = self.tokens[self.at].line;
            segments.push(self.text(self.at).to_owned());
            self.at += 1;
            let more = self.text(self.at) == "::";
            if more && (self.word(self.at + 1) || self.text(self.at + 1) == "*") {
                self.at += 1;
                continue;
            }
            if more && self.text(self.at + 1) == "{" {
                self.at += 2;
                self.group(&segments);
                return;
            }
            let rename = (self.text(self.at) == "as").then(|| self.text(self.at + 1).to_owned());
            if segments.len() > 1 {
                self.found.push(PathUse {
                    line,
                    segments,
                    rename,
                });
            }
            return;
        }
    }

    fn group(&mut self, prefix: &[String]) {
        while self.at < self.tokens.len() && self.text(self.at) != "}" {
            if self.word(self.at) || self.text(self.at) == "*" {
                self.tree(prefix);
                if self.text(self.at) == "as" {
                    self.at += 2;
                }
            } else {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}

#[cfg(test)]
mod tests;
