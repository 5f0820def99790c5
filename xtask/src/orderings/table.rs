//! The table of happens-before edges in ARCHITECTURE.md, between two markers.

use anyhow::{Context as _, bail};

use super::site::Site;

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
pub(crate) fn splice(text: &str, table: &str) -> anyhow::Result<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .with_context(|| format!("no line `{BEGIN}`"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("no line `{END}` after `{BEGIN}`"))?;
    if after.contains(BEGIN) || before.contains(END) {
        bail!("the markers `{BEGIN}` and `{END}` must stand once, in this order");
    }
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

const BEGIN: &str = "<!-- edges: written by `cargo xtask edges --write` -->";
const END: &str = "<!-- end of the edges -->";

#[cfg(test)]
mod tests;
