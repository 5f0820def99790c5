//! `xtask/mutants.toml`: the mutants written by hand, and the arguments for survivors.
//!
//! ```toml
//! [[mutant]]
//! name = "what is broken"
//! file = "crates/scheduler/src/idle.rs"
//! old = "exactly once in the file"
//! new = "in its place"
//! why = "what would go wrong"
//! models = ["each_of_these_fails"]
//! # Only if none can: the models that come closest, and the reason.
//! survives = "…"
//!
//! [[survivor]]
//! name = "a derived mutant, as --list names it"
//! survives = "…"
//! ```

use serde::Deserialize;
use toml::Spanned;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    /// Mutants written by hand.
    #[serde(default, rename = "mutant")]
    pub(super) mutants: Vec<ByHand>,
    /// Arguments for derived ones.
    #[serde(default, rename = "survivor")]
    pub(super) survivors: Vec<Survivor>,
}

/// A guarding check, broken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByHand {
    pub(super) name: Spanned<String>,
    pub(super) file: String,
    pub(super) old: String,
    pub(super) new: String,
    /// What would go wrong.
    pub(super) why: String,
    pub(super) models: Vec<String>,
    /// Why no model can see it.
    pub(super) survives: Option<String>,
}

/// Why no model can see the weakening of an ordering.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Survivor {
    pub(super) name: Spanned<String>,
    pub(super) survives: String,
}

/// Reads the file's text.
pub(super) fn parse(text: &str) -> Result<Data, toml::de::Error> {
    toml::from_str(text)
}

/// What is wrong with an argument, if it is none.
pub(super) fn not_an_argument(text: &str) -> Option<&'static str> {
    let words = text.split_whitespace().count();
    (words < LEAST_WORDS).then_some(
        "say what the models cannot see and why: which other edge, named, carries the same; or \
         which behaviour of the memory model loom does not play",
    )
}

/// "Equivalent" is a claim. An argument names its reasons, which takes a sentence or two.
const LEAST_WORDS: usize = 15;
