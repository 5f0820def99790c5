//! The table of happens-before edges in ARCHITECTURE.md, between two markers.

use super::site::Site;
use crate::table;

/// The table as Markdown, one row for each end of an edge.
pub(crate) fn of(sites: &[Site]) -> String {
    let mut table = String::from(
        "| Site | Ordering | Pairs with | Carries | Models |\n|---|---|---|---|---|\n",
    );
    for site in sites {
        for edge in site.declared() {
            let cells = [
                code(&[site.title()]),
                edge.claim.to_string(),
                code(&edge.others),
                edge.carries.replace('|', "\\|"),
                code(&edge.models),
            ];
            table += &format!("| {} |\n", cells.join(" | "));
        }
    }
    table
}

fn code(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// `text` with `table` between its markers.
pub(crate) fn splice(text: &str, edges: &str) -> anyhow::Result<String> {
    table::splice(text, [BEGIN, END], edges)
}

const BEGIN: &str = "<!-- edges: written by `cargo xtask edges --write` -->";
const END: &str = "<!-- end of the edges -->";

#[cfg(test)]
mod tests;
