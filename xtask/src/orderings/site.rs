//! The statements that hold an atomic ordering above Relaxed: where they are, what they hold, and
//! what is said of them.

use std::fmt;

use super::comment::{self, Edge, Ordering, Role, Token};
use crate::source::Source;

/// One statement.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The file, relative to the workspace's root.
    pub(crate) path: String,
    /// The directory of its crate.
    pub(crate) krate: String,
    /// The function around it.
    pub(crate) function: Function,
    /// Its orderings; at least one.
    pub(crate) orderings: Vec<Placed>,
    /// Its edges: none without an ORDERING comment, an error if that does not parse.
    pub(crate) edges: Option<Result<Vec<Edge>, String>>,
}

impl Site {
    /// The line of its first ordering, counted from 0.
    pub(crate) fn line(&self) -> usize {
        self.orderings[0].line
    }

    /// The edges it declares, if they parse.
    pub(crate) fn declared(&self) -> &[Edge] {
        match &self.edges {
            Some(Ok(edges)) => edges,
            _ => &[],
        }
    }

    /// Where it is, short enough for a table: `scheduler/task/slot.rs::Slot::put`.
    pub(crate) fn title(&self) -> String {
        let file = self.path.split_once("/src/").map_or("", |(_, file)| file);
        format!("{}/{file}::{}", self.krate, self.function)
    }
}

/// An ordering and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Counted from 0.
    pub(crate) line: usize,
    /// In characters, counted from 0; that of the ordering's name, whatever path leads to it.
    pub(crate) column: usize,
    pub(crate) token: Token,
}

/// A function's name, with its type's if it is a method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Function {
    pub(crate) of: Option<String>,
    pub(crate) name: String,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(of) = &self.of {
            write!(f, "{of}::")?;
        }
        f.write_str(&self.name)
    }
}

/// The sites of one file, tests and imports left out.
pub(crate) fn in_file(source: &Source) -> Vec<Site> {
    let mut sites: Vec<(usize, Site)> = Vec::new();
    for placed in orderings(source) {
        let start = source.statement_start(placed.line);
        match sites.last_mut().filter(|(first, _)| *first == start) {
            Some((_, site)) => site.orderings.push(placed),
            None => sites.push((
                start,
                Site {
                    path: source.path.clone(),
                    krate: source.krate().unwrap_or("").to_owned(),
                    function: function_around(source, placed.line),
                    orderings: vec![placed],
                    edges: None,
                },
            )),
        }
    }
    let with_edges = sites.into_iter().map(|(_, mut site)| {
        let last = site.orderings[site.orderings.len() - 1].line;
        site.edges = comment::parse(&source.comments_of(last));
        site
    });
    with_edges.collect()
}

/// Every ordering above Relaxed that the code uses.
pub(crate) fn orderings(source: &Source) -> Vec<Placed> {
    let mut found = Vec::new();
    let mut in_use = false;
    for (index, line) in source.lines.iter().enumerate() {
        let code = line.code.trim();
        in_use |= is_use(code);
        let importing = in_use;
        in_use &= !code.ends_with(';');
        if importing || line.in_test {
            continue;
        }
        for (column, word) in line.words() {
            let Some(ordering) = Ordering::named(word) else {
                continue;
            };
            let role = role(source, index, column);
            found.push(Placed {
                line: index,
                column: line.code[..column].chars().count(),
                token: Token { role, ordering },
            });
        }
    }
    found
}

fn is_use(code: &str) -> bool {
    let words: Vec<&str> = code.split_whitespace().take(2).collect();
    matches!(words.as_slice(), ["use", ..])
        || (code.starts_with("pub") && words.get(1) == Some(&"use"))
}

/// What the ordering at a place belongs to: read off the call it is an argument of.
fn role(source: &Source, line: usize, column: usize) -> Role {
    let start = source.statement_start(line);
    let before = source.lines[start..line].iter();
    let mut text: String = before.map(|line| line.code.clone() + "\n").collect();
    text.push_str(&source.lines[line].code[..column]);
    let Some(open) = open_parenthesis(&text) else {
        return Role::Access;
    };
    let callee = text[..open].trim_end();
    let callee = callee.rsplit(|c: char| !c.is_alphanumeric() && c != '_');
    let callee = callee.into_iter().next().unwrap_or("");
    let two_orderings = ["compare_exchange", "compare_exchange_weak", "fetch_update"];
    if callee == "fence" {
        Role::Fence
    } else if two_orderings.contains(&callee) && mentions_ordering(&text[open..]) {
        // The one of success stands before it.
        Role::Failure
    } else {
        Role::Access
    }
}

/// The last parenthesis that a text leaves open.
fn open_parenthesis(text: &str) -> Option<usize> {
    let mut closed = 0_usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            ')' => closed += 1,
            '(' if closed == 0 => return Some(at),
            '(' => closed -= 1,
            _ => {}
        }
    }
    None
}

fn mentions_ordering(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric())
        .any(|word| word == "Relaxed" || Ordering::named(word).is_some())
}

/// The function that a line belongs to.
fn function_around(source: &Source, line: usize) -> Function {
    let indent = |index: usize| {
        let code = &source.lines[index].code;
        code.len() - code.trim_start().len()
    };
    let above = |from: usize, keyword: &'static str| {
        (0..from).rev().find(|&index| {
            let is_it = |(_, word): (usize, &str)| word == keyword;
            indent(index) < indent(from) && source.lines[index].words().any(is_it)
        })
    };
    let Some(function) = above(line, "fn") else {
        let name = String::from("?");
        return Function { of: None, name };
    };
    let block = ["impl", "trait"].map(|keyword| above(function, keyword));
    let block = block.into_iter().flatten().max();
    Function {
        of: block.and_then(|block| type_of(source, block)),
        name: word_after(&source.lines[function].code, "fn").unwrap_or_default(),
    }
}

/// The type that an `impl` block is about, or the name of a trait.
fn type_of(source: &Source, block: usize) -> Option<String> {
    let lines = source.lines[block..].iter().map(|line| line.code.as_str());
    let header: Vec<&str> = lines.take(8).collect();
    let header = header.join(" ");
    let header = without_generics(header.split('{').next()?);
    for keyword in ["for", "impl", "trait"] {
        if let Some(name) = word_after(&header, keyword) {
            return Some(name);
        }
    }
    None
}

/// The last segment of the path that follows a keyword.
fn word_after(code: &str, keyword: &str) -> Option<String> {
    let mut words = code.split_whitespace();
    words.find(|word| *word == keyword)?;
    let path = words.next()?;
    let path = path
        .split(['(', '<', '{', ';'])
        .next()?
        .trim_end_matches(':');
    path.rsplit("::").next().map(str::to_owned)
}

fn without_generics(code: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    let mut before = ' ';
    for c in code.chars() {
        match c {
            '<' => {
                depth += 1;
                plain.push(' ');
            }
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
        before = c;
    }
    plain
}

#[cfg(test)]
mod tests;
