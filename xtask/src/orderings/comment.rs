//! What an `// ORDERING:` comment says: one edge after the other, each in this form.
//!
//! ```text
//! ORDERING: <claim> pairs with `Type::function`[, `f` and `g`]: <verb> <what>. (model[s]: a, b)
//! ```
//!
//! - *claim*: the ordering as it stands in the statement: `Release`, `fence SeqCst`, `failure
//!   Acquire` (that of a compare-exchange which fails). Where the two halves of one ordering have
//!   edges of their own, the half: `Release of AcqRel`.
//! - *verb*: `publishes` on the side that writes, `sees` on the side that reads, `orders` where one
//!   ordering does both.
//! - *models*: those that fail without it.
//!
//! Prose may stand before the first edge.

use std::fmt;

/// An ordering above Relaxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ordering {
    /// Reads what a Release wrote.
    Acquire,
    /// Writes for an Acquire to read.
    Release,
    /// Both.
    AcqRel,
    /// Both, and a place in the one order of all SeqCst operations.
    SeqCst,
}

impl Ordering {
    /// The ordering of that name; none for any other word.
    pub(crate) fn named(word: &str) -> Option<Ordering> {
        match word {
            "Acquire" => Some(Ordering::Acquire),
            "Release" => Some(Ordering::Release),
            "AcqRel" => Some(Ordering::AcqRel),
            "SeqCst" => Some(Ordering::SeqCst),
            _ => None,
        }
    }

    fn is_both(self) -> bool {
        matches!(self, Ordering::AcqRel | Ordering::SeqCst)
    }
}

/// What an ordering belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// An atomic access, or the success of a compare-exchange.
    Access,
    /// The failure of a compare-exchange.
    Failure,
    /// A fence.
    Fence,
}

/// An ordering and what it belongs to, as it stands in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) role: Role,
    pub(crate) ordering: Ordering,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Access => "",
            Role::Failure => "failure ",
            Role::Fence => "fence ",
        };
        write!(f, "{role}{:?}", self.ordering)
    }
}

/// A token, or one half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    /// `Acquire` or `Release` where only that half is meant.
    pub(crate) half: Option<Ordering>,
    pub(crate) token: Token,
}

impl Claim {
    /// Whether it is, or contains, this half: `Acquire` or `Release`.
    pub(crate) fn contains(self, half: Ordering) -> bool {
        let own = self.half.unwrap_or(self.token.ordering);
        own == half || own.is_both()
    }

    /// What such a claim does with what it carries.
    fn verb(self) -> &'static str {
        match self.half.unwrap_or(self.token.ordering) {
            Ordering::Acquire => "sees",
            Ordering::Release => "publishes",
            Ordering::AcqRel | Ordering::SeqCst => "orders",
        }
    }

    fn parse(text: &str) -> Option<Claim> {
        let (half, token) = match text.split_once(" of ") {
            Some((half, token)) => (Some(Ordering::named(half)?), token),
            None => (None, text),
        };
        let (role, ordering) = match token.split_once(' ') {
            Some(("fence", ordering)) => (Role::Fence, ordering),
            Some(("failure", ordering)) => (Role::Failure, ordering),
            Some(_) => return None,
            None => (Role::Access, token),
        };
        let ordering = Ordering::named(ordering)?;
        if half.is_some_and(|half| half.is_both() || !ordering.is_both()) {
            return None; // Half of a half.
        }
        let token = Token { role, ordering };
        Some(Claim { half, token })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(half) = self.half {
            write!(f, "{half:?} of ")?;
        }
        self.token.fmt(f)
    }
}

/// One edge, seen from one of its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// This end's ordering.
    pub(crate) claim: Claim,
    /// The functions that hold the other end, as `Type::function`.
    pub(crate) others: Vec<String>,
    /// The verb and what the edge carries.
    pub(crate) carries: String,
    /// The models that fail without it.
    pub(crate) models: Vec<String>,
}

/// The form, as a remedy.
pub(crate) const FORM: &str = "write above the statement: `// ORDERING: Release pairs with \
     `Type::function`: publishes …. (model: name)` (see ORDERING in CONTRIBUTING.md)";

/// Reads every edge in a statement's comments; `None` if there is none.
pub(crate) fn parse(comments: &str) -> Option<Result<Vec<Edge>, String>> {
    let mut parts = comments.split("ORDERING:");
    let _prose = parts.next();
    let edges: Vec<&str> = parts.collect();
    if edges.is_empty() {
        return None;
    }
    Some(edges.into_iter().map(|text| edge(text.trim())).collect())
}

fn edge(text: &str) -> Result<Edge, String> {
    let (claim, rest) = text
        .split_once(" pairs with ")
        .ok_or("it names no other half (`pairs with`)")?;
    let claim = Claim::parse(claim).ok_or_else(|| {
        format!("`{claim}` is no ordering (`Release`, `Release of AcqRel`, `failure Acquire`, `fence SeqCst`)")
    })?;
    let (others, rest) = rest
        .split_once(": ")
        .ok_or("no `: ` stands between the other half and what the edge carries")?;
    let others = functions(others)
        .ok_or_else(|| format!("the other half `{others}` is no list of `Type::function`s"))?;
    let (carries, models) = rest
        .rsplit_once(" (model")
        .ok_or("it names no model (`(model: name)`)")?;
    let (verb, what) = carries.split_once(' ').unwrap_or((carries, ""));
    if verb != claim.verb() {
        return Err(format!("{claim} {}, it does not \"{verb}\"", claim.verb()));
    }
    let what = what.strip_suffix('.').filter(|what| !what.is_empty());
    let what = what.ok_or("what it carries is not a text that ends with `.`")?;
    Ok(Edge {
        claim,
        others,
        carries: format!("{verb} {what}"),
        models: models_named(models)?,
    })
}

/// The names in "`a`, `b` and `c`".
fn functions(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            names.push(part.to_owned());
        } else if !matches!(part, "" | ", " | " and ") {
            return None;
        }
    }
    // An even number of backquotes cuts a text into an odd number of parts.
    let closed = text.matches('`').count() % 2 == 0;
    (closed && !names.is_empty()).then_some(names)
}

/// The names in what follows `(model`: `: a)` or `s: a, b)`.
fn models_named(text: &str) -> Result<Vec<String>, String> {
    let names = text
        .strip_suffix(')')
        .and_then(|text| text.strip_prefix(": ").or_else(|| text.strip_prefix("s: ")));
    let names = names.ok_or("it does not end with `(model: name)` or `(models: name, name)`")?;
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let names: Vec<String> = names.split(", ").map(str::to_owned).collect();
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("`{name}` is no model's name")),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests;
