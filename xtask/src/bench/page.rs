//! The figures as one page that needs nothing else: no script, no network, charts drawn as SVG.

use std::fmt::Write as _;

use super::report::{Report, limit};
use super::row::{Peer, Row};
use super::stats::{Spread, figure, ratio};
use super::verdict::{Line, Verdict};

/// The whole page.
pub(crate) fn html(report: &Report) -> String {
    let mut page = format!("<!doctype html>\n<html lang=\"en\">\n<head>\n{HEAD}</head>\n<body>\n");
    page += &summary(report);
    page += &overview(report);
    page += &details(report);
    page + "</body>\n</html>\n"
}

fn summary(report: &Report) -> String {
    let tally = report.tally();
    let chip = |verdict: Verdict| {
        let count = tally.get(&verdict).copied().unwrap_or(0);
        format!("<span class=\"chip {verdict}\">{count} {verdict}</span> ")
    };
    let chips = [Verdict::Ahead, Verdict::Level, Verdict::Behind]
        .map(chip)
        .concat();
    let notes = report
        .notes
        .iter()
        .map(|note| format!("<p class=note>{}</p>\n", escaped(note)));
    let quick = if report.quick {
        " A quick run: small sizes, few rounds."
    } else {
        ""
    };
    let behind = report.behind().join(", ");
    format!(
        "<h1>Heist beside its peers</h1>\n<p class=note>{}.{quick}</p>\n<p>{chips}figures, each \
         compared with the better of tokio and smol in the same round. A difference of less than 5 % \
         is level.</p>\n<p>Behind: {}.</p>\n{}",
        escaped(&report.machine.shown()),
        if behind.is_empty() { "none" } else { &behind },
        notes.collect::<String>()
    )
}

/// One line per row: what it is about, and the chart.
fn overview(report: &Report) -> String {
    let mut page = format!(
        "<table>\n<thead><tr><th>row<th>figure<th class=n>Heist<th class=n>tokio<th class=n>smol<th class=n>limit<th class=chart>{}<th></tr></thead>\n",
        axis()
    );
    let mut family = "";
    for (row, lines, noisy) in report.judged() {
        let Some(line) = lines.first() else { continue };
        if row.family != family {
            family = row.family;
            let _ = writeln!(page, "<tr class=family><td colspan=8>{family}</tr>");
        }
        page += &overview_line(row, line, noisy);
    }
    page + "</table>\n"
}

fn overview_line(row: &Row, line: &Line, noisy: bool) -> String {
    let of = |peer| {
        line.spreads
            .get(&peer)
            .map_or("–".to_owned(), |spread| figure(spread.median))
    };
    let verdict = line.verdict.map_or(String::new(), |verdict| {
        format!("<span class=\"chip {verdict}\">{verdict}</span>")
    });
    format!(
        "<tr><td class=name><b>{}</b>{}<br><span class=note>{}</span><td>{}<td class=n><b>{}</b>\
         <td class=n>{}<td class=n>{}<td class=n>{}<td class=chart>{}<td>{verdict}</tr>\n",
        row.name,
        if noisy {
            " <span class=noisy title=\"others used the machine\">noisy</span>"
        } else {
            ""
        },
        escaped(row.what),
        line.metric.label,
        of(Peer::Heist),
        of(Peer::Tokio),
        of(Peer::Smol),
        limit(line),
        chart(line),
    )
}

/// Every figure with its spread.
fn details(report: &Report) -> String {
    let mut page = "<h2>All figures: median (min–max)</h2>\n<table>\n<thead><tr><th>row<th>figure\
                    <th class=n>Heist<th class=n>tokio<th class=n>smol<th class=n>limit<th class=n>÷ tokio<th class=n>÷ best<th></tr></thead>\n"
        .to_owned();
    for (row, lines, _) in report.judged() {
        for (index, line) in lines.iter().enumerate() {
            let of = |peer| {
                line.spreads
                    .get(&peer)
                    .map_or("–".to_owned(), Spread::shown)
            };
            let verdict = line.verdict.map_or(String::new(), |verdict| {
                format!("<span class=\"chip {verdict}\">{verdict}</span>")
            });
            let _ = writeln!(
                page,
                "<tr><td>{}<td>{}{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}\
                 <td class=n>{}<td class=n>{}<td>{verdict}</tr>",
                if index == 0 { row.name } else { "" },
                line.metric.label,
                if line.metric.more_is_better {
                    " ↑"
                } else {
                    ""
                },
                of(Peer::Heist),
                of(Peer::Tokio),
                of(Peer::Smol),
                limit(line),
                line.to_tokio.map_or("–".to_owned(), ratio),
                line.to_best
                    .map_or("–".to_owned(), |(_, value)| ratio(value)),
            );
        }
    }
    page + "</table>\n"
}

/// How many times better Heist is than each of the others, on a logarithmic scale: a dot for the
/// median, a line from the least to the most over the rounds.
fn chart(line: &Line) -> String {
    let mut svg = format!("<svg width={WIDTH} height={HEIGHT} role=img>");
    for (at, _) in TICKS {
        let x = x(at);
        let class = if at == 1.0 { "one" } else { "grid" };
        let _ = write!(svg, "<line class={class} x1={x} x2={x} y1=0 y2={HEIGHT} />");
    }
    let others = line
        .advantages
        .iter()
        .filter(|(peer, _)| **peer != Peer::Heist);
    for (peer, spread) in others.filter(|(_, spread)| spread.median > 0.0) {
        let (class, y) = match peer {
            Peer::Tokio => ("tokio", 8),
            Peer::Smol => ("smol", 18),
            _ => ("limit", 28),
        };
        let [low, middle, high] = [spread.min, spread.median, spread.max].map(x);
        let name = peer.name();
        let _ = write!(
            svg,
            "<g class={class}><title>{}× {name}</title><line x1={low} x2={high} y1={y} y2={y} />\
             <circle cx={middle} cy={y} r=4 /></g>",
            figure(spread.median)
        );
    }
    svg + "</svg>"
}

/// The heading of the chart's column.
fn axis() -> String {
    let mut svg = format!("<svg width={WIDTH} height=34 role=img>");
    for (at, label) in TICKS {
        let _ = write!(svg, "<text x={} y=30>{label}</text>", x(at));
    }
    let legend = [
        ("tokio", "tokio", 4.0),
        ("smol", "smol", 56.0),
        ("limit", "limits", 108.0),
    ];
    for (class, name, at) in legend {
        let _ = write!(
            svg,
            "<g class={class}><circle cx={at} cy=8 r=4 /><text class=left x={} y=12>{name}</text></g>",
            at + 8.0
        );
    }
    svg + &format!("<text class=right x={WIDTH} y=12>Heist is better →</text></svg>")
}

/// Where an advantage stands in the chart.
fn x(advantage: f64) -> f64 {
    let within = advantage.clamp(1.0 / RANGE, RANGE).log(RANGE);
    let x = WIDTH / 2.0 + within * (WIDTH / 2.0 - 14.0);
    (10.0 * x).round() / 10.0
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

const TICKS: [(f64, &str); 7] = [
    (1.0 / 64.0, "÷64"),
    (1.0 / 16.0, "÷16"),
    (0.25, "÷4"),
    (1.0, "1"),
    (4.0, "4×"),
    (16.0, "16×"),
    (64.0, "64×"),
];

/// What is more than so many times better or worse stands at the edge.
const RANGE: f64 = 64.0;

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 36.0;

const HEAD: &str = "\
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Heist beside its peers</title>
<style>
:root { color-scheme: light dark; --ink: light-dark(#1a1a1a, #e6e6e6); --dim: light-dark(#666, #999);
  --line: light-dark(#ddd, #444); --tokio: light-dark(#2060c0, #70a8ff);
  --smol: light-dark(#c05a00, #ff9d4d); }
body { font: 14px/1.35 system-ui, sans-serif; color: var(--ink); max-width: 1240px; margin: 16px auto; padding: 0 12px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 28px 0 6px; }
p { margin: 4px 0; } .note { color: var(--dim); font-size: 12px; }
table { border-collapse: collapse; width: 100%; margin-top: 10px; }
th { font-weight: 600; font-size: 12px; color: var(--dim); vertical-align: bottom; }
td, th { padding: 2px 8px 2px 0; border-bottom: 1px solid var(--line); }
th { text-align: left; } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { max-width: 330px; } td.chart, th.chart { padding: 0 8px; width: 340px; }
tr.family td { font-weight: 600; padding-top: 12px; border-bottom: 2px solid var(--line); }
svg { display: block; } svg text { font-size: 11px; fill: var(--dim); text-anchor: middle; }
svg text.left { text-anchor: start; } svg text.right { text-anchor: end; }
line.grid { stroke: var(--line); } line.one { stroke: var(--dim); }
.tokio line { stroke: var(--tokio); stroke-width: 2; } .tokio circle { fill: var(--tokio); }
.smol line { stroke: var(--smol); stroke-width: 2; } .smol circle { fill: var(--smol); }
.limit line { stroke: var(--dim); } .limit circle { fill: none; stroke: var(--dim); stroke-width: 1.5; }
.chip { border-radius: 9px; padding: 1px 8px; font-size: 12px; color: #fff; white-space: nowrap; }
.ahead { background: #1a7f37; } .level { background: #767676; } .behind { background: #b3261e; }
.noisy { color: #b3261e; font-size: 11px; }
</style>
";

#[cfg(test)]
mod tests;
