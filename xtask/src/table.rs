//! Plain text tables: words to the left (the first column always), figures to the right.

use std::fmt;

use anyhow::{Context as _, bail};

/// Rows under a heading; printed with [`fmt::Display`].
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// The columns of words, by their index.
    left: Vec<usize>,
}

impl Table {
    /// A table with these column names.
    pub(crate) fn new<const N: usize>(columns: [&str; N]) -> Table {
        Table {
            rows: vec![columns.map(str::to_owned).to_vec()],
            left: vec![0],
        }
    }

    /// Has these columns, beside the first, to the left.
    pub(crate) fn left<const N: usize>(mut self, columns: [usize; N]) -> Table {
        self.left.extend(columns);
        self
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// The same as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let side = |column| match self.left.contains(&column) {
            true => "---".to_owned(),
            false => "---:".to_owned(),
        };
        let (heading, rows) = self.rows.split_first().expect("a table has a heading");
        let sides: Vec<String> = (0..heading.len()).map(side).collect();
        let rows = rows.iter().map(|row| line(row));
        line(heading) + &line(&sides) + &rows.collect::<String>()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line += &match self.left.contains(&column) {
                    true => format!("  {cell:<width$}"),
                    false => format!("  {cell:>width$}"),
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `text` with `tables` between its two markers.
///
/// # Errors
/// Fails unless each marker stands there once, in this order.
pub(crate) fn splice(text: &str, markers: [&str; 2], tables: &str) -> anyhow::Result<String> {
    let [begin, end] = markers;
    let (before, rest) = text
        .split_once(begin)
        .with_context(|| format!("no line `{begin}`"))?;
    let (_, after) = rest
        .split_once(end)
        .with_context(|| format!("no line `{end}` after `{begin}`"))?;
    if after.contains(begin) || before.contains(end) {
        bail!("the markers `{begin}` and `{end}` must stand once, in this order");
    }
    Ok(format!("{before}{begin}\n{tables}{end}{after}"))
}

/// A count with thousands separators: `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration given in nanoseconds, in the unit that suits it.
pub(crate) fn nanos(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{:.0} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests;
