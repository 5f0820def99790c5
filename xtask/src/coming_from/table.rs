//! The generated part of docs/coming-from.md.

use anyhow::Context as _;

use super::{Place, Row, Settings, total};
use crate::table;

/// The tables as Markdown.
pub(super) fn of(version: &str, settings: &Settings, rows: &[Row]) -> String {
    let (all, here) = total(rows.iter());
    let mut text = format!(
        "Compared with tokio {version}: {here} of {all} items and members are here, {:.1} %.\n",
        100.0 * here as f64 / all as f64
    );
    for module in &settings.modules {
        text += &of_module(module, rows);
    }
    text += "\n### Deliberately absent\n\n| tokio's | why, and what instead |\n|---|---|\n";
    for absent in &settings.absent {
        let items: Vec<String> = absent.items.iter().map(|item| code(item)).collect();
        text += &format!("| {} | {} |\n", items.join(", "), absent.reason);
    }
    text
}

fn of_module(module: &str, rows: &[Row]) -> String {
    let prefix = format!("{module}::");
    let rows = || rows.iter().filter(|row| row.item.path.starts_with(&prefix));
    let (all, here) = total(rows());
    let mut text = format!(
        "\n### `{module}`\n\n{here} of {all}.\n\n| item | | its methods and variants |\n|---|---|---|\n"
    );
    for row in rows() {
        let place = match row.place {
            Place::Here => "here",
            Place::ReExported => "re-exported",
            Place::Absent => "absent",
        };
        let path = code(&row.item.path);
        text += &format!("| {path} | {place} | {} |\n", members(row));
    }
    text
}

fn members(row: &Row) -> String {
    let all = row.item.members.len();
    match (all, row.missing.len()) {
        (0, _) => String::new(),
        _ if row.place == Place::Absent => format!("none of {all}"),
        (1, 0) => "the one".to_owned(),
        (_, 0) => format!("all {all}"),
        (_, missing) => {
            let names: Vec<String> = row.missing.iter().map(|name| code(name)).collect();
            format!("{} of {all}; not {}", all - missing, names.join(", "))
        }
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// `text` with `tables` between its markers.
pub(super) fn splice(text: &str, tables: &str) -> anyhow::Result<String> {
    table::splice(text, [BEGIN, END], tables).context("docs/coming-from.md")
}

const BEGIN: &str = "<!-- tables: written by `cargo xtask coming-from --write` -->";
const END: &str = "<!-- end of the tables -->";
