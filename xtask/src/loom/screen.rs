//! What is shown while models run: on a terminal a live line for each, elsewhere a plain line for
//! each that has ended.

use std::collections::BTreeMap;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::run::{Outcome, Progress};
use super::tree::Model;
use crate::table::grouped;

/// Where it is shown.
#[derive(Debug)]
pub(crate) struct Screen {
    lines: MultiProgress,
    total: ProgressBar,
    running: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Screen {
    /// For so many models.
    pub(crate) fn new(models: usize) -> Screen {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let total = lines.add(ProgressBar::new(models as u64));
        total.set_style(style("  {pos} of {len} models, {elapsed}"));
        Screen {
            lines,
            total,
            running: Mutex::default(),
        }
    }

    /// Shows one more sign of life.
    pub(crate) fn show(&self, model: &Model, progress: Progress<'_>) {
        match progress {
            Progress::Runs(report) => {
                self.line(model).set_position(report.explored);
                self.total.tick();
            }
            Progress::Ended(outcome) => self.ended(model, outcome),
        }
    }

    /// Takes the live lines away.
    pub(crate) fn clear(&self) {
        self.total.finish_and_clear();
    }

    fn line(&self, model: &Model) -> ProgressBar {
        let mut running = self.running.lock().expect("no runner panics");
        let line = running.entry(model.name().to_owned()).or_insert_with(|| {
            let line = ProgressBar::no_length().with_message(model.name().to_owned());
            line.set_style(style(
                "  {human_pos:>12} permutations {elapsed:>4}  {wide_msg}",
            ));
            self.lines.insert_before(&self.total, line)
        });
        line.clone()
    }

    fn ended(&self, model: &Model, outcome: &Outcome) {
        if let Some(line) = self
            .running
            .lock()
            .expect("no runner panics")
            .remove(model.name())
        {
            line.finish_and_clear();
        }
        self.total.inc(1);
        if self.lines.is_hidden() || outcome.failure.is_some() {
            let line = plain(model, outcome);
            self.lines.suspend(|| println!("{line}"));
        }
    }
}

/// The line of a model that has ended.
fn plain(model: &Model, outcome: &Outcome) -> String {
    let figures = format!(
        "{:>6.1} s {:>12} permutations  {}",
        outcome.seconds,
        grouped(outcome.report.explored),
        model.name()
    );
    match &outcome.failure {
        None => figures,
        Some(failure) => format!("{figures}: FAILED, {failure}"),
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well-formed")
}
