//! A recorded permutation, read and told step by step.
//!
//! The frame that models run in (`crates/loom/src/trace.rs`) writes down everything loom says. Loom names
//! an operation before it decides who goes on, so a step is held back until its thread does: what is
//! told here is in the order in which it happened.

use std::collections::BTreeMap;
use std::fmt;

use super::stack::{Frame, Place, frames, loom_call, place};

/// One permutation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// In the order in which they happened.
    pub(crate) steps: Vec<Step>,
    /// The threads that wait for something at the end, and where.
    pub(crate) waiting: Vec<Step>,
    /// The first panic's message, where it came from first; empty if there was none.
    pub(crate) panic: Vec<String>,
}

/// One operation of one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Which thread; 0 is the scene itself.
    pub(crate) thread: usize,
    /// The operation, with its orderings: `AtomicUsize::load Acquire`.
    pub(crate) what: String,
    /// Which object: a number in the order in which they were made.
    pub(crate) object: Option<usize>,
    /// What it read or wrote: `5`, `:= 5`, `0 := 1`, `1, not 0`.
    pub(crate) value: Option<String>,
    /// Where the program asked for it.
    pub(crate) place: Place,
}

impl Trace {
    /// Reads what was recorded. `root` is where the sources were built, which the stacks name.
    pub(crate) fn read(text: &str, root: &str) -> Trace {
        let mut reader = Reader::default();
        for record in records(text, root) {
            if !reader.take(record) {
                break;
            }
        }
        reader.finish()
    }

    /// The last steps as lines, `None` for all of them.
    pub(crate) fn lines(&self, last: Option<usize>) -> Vec<String> {
        let first = last.map_or(0, |last| self.steps.len().saturating_sub(last));
        let shown = &self.steps[first..];
        let width = shown.iter().map(|step| step.described().chars().count());
        let width = width.max().unwrap_or(0).min(WIDEST);
        let numbered = shown.iter().enumerate().map(|(index, step)| {
            let (number, what) = (first + index + 1, step.described());
            let line = format!(
                "{number:>5}  T{}  {what:<width$}  {}",
                step.thread, step.place
            );
            line.trim_end().to_owned()
        });
        numbered.collect()
    }
}

impl Step {
    fn described(&self) -> String {
        let mut text = self.what.clone();
        if let Some(object) = self.object {
            text += &format!(" #{object}");
        }
        if let Some(value) = &self.value {
            text += &format!("  {value}");
        }
        text
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{} {}  {}", self.thread, self.described(), self.place)
    }
}

/// One record of the file.
#[derive(Debug)]
enum Record<'a> {
    /// A thread goes on.
    Enter(usize),
    /// Something that loom says.
    Event {
        name: &'a str,
        fields: BTreeMap<&'a str, &'a str>,
        stack: Vec<Frame>,
    },
    /// The value that the last operation read or wrote.
    Value(&'a str),
    /// A panic's message.
    Panic(Vec<String>),
}

fn records<'a>(text: &'a str, root: &str) -> Vec<Record<'a>> {
    let mut lines = text.lines().peekable();
    let mut records = Vec::new();
    while let Some(head) = lines.next() {
        let mut indented = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
            indented.push(line);
        }
        let (kind, rest) = head.split_once(' ').unwrap_or((head, ""));
        let record = match kind {
            "enter" => rest.parse().ok().map(Record::Enter),
            "value" => Some(Record::Value(rest)),
            "panic" => Some(Record::Panic(
                indented.iter().map(|line| line.trim().to_owned()).collect(),
            )),
            "event" => {
                let (name, fields) = fields(rest);
                let stack = frames(&indented, root);
                Some(Record::Event {
                    name,
                    fields,
                    stack,
                })
            }
            _ => None,
        };
        records.extend(record);
    }
    records
}

/// Splits `Atomic::load state=Ref<…>(3) ordering=Acquire`; a value may hold spaces.
fn fields(text: &str) -> (&str, BTreeMap<&str, &str>) {
    let starts: Vec<usize> = text
        .match_indices('=')
        .filter_map(|(at, _)| {
            let name = text[..at].rfind(' ')?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            text[name + 1..at].chars().all(is_name).then_some(name)
        })
        .collect();
    let name = &text[..starts.first().copied().unwrap_or(text.len())];
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let fields = starts.iter().zip(ends).filter_map(|(&start, end)| {
        let (key, value) = text[start..end].split_once('=')?;
        Some((key.trim(), value.trim()))
    });
    (name, fields.collect())
}

/// The number in `Ref<loom::rt::atomic::State>(3)`, or in `Id(3)`.
fn number(text: &str) -> Option<usize> {
    let (_, digits) = text.strip_suffix(')')?.rsplit_once('(')?;
    digits.parse().ok()
}

#[derive(Debug, Default)]
struct Reader {
    trace: Trace,
    /// The thread that runs.
    current: usize,
    /// It was chosen to go on, and has not said anything yet.
    chosen: bool,
    /// Each thread's next step, once it goes on.
    next: BTreeMap<usize, Step>,
    /// What each thread waits for.
    waits: BTreeMap<usize, Step>,
    /// What each atomic was last set to, where that is known.
    written: BTreeMap<usize, String>,
}

impl Reader {
    /// Takes one record; false at the end of what is of interest.
    fn take(&mut self, record: Record<'_>) -> bool {
        match record {
            Record::Enter(thread) => {
                self.go_on();
                self.current = thread;
                self.chosen = true;
            }
            Record::Value(value) => self.value(value),
            Record::Event {
                name,
                fields,
                stack,
            } => {
                let step = Step {
                    thread: self.current,
                    what: loom_call(&stack).unwrap_or_default(),
                    object: fields
                        .get("obj")
                        .or(fields.get("state"))
                        .and_then(|text| number(text)),
                    value: None,
                    place: place(&stack),
                };
                self.event(name, &fields, step);
            }
            Record::Panic(message) => {
                self.go_on();
                self.trace.panic = message;
                return false;
            }
        }
        true
    }

    fn event(&mut self, name: &str, fields: &BTreeMap<&str, &str>, step: Step) {
        // These come after the choice, and still speak of the thread before.
        if matches!(name, "branch" | "thread_done: terminate") || name.starts_with('~') {
            return;
        }
        if name == "yield_now" {
            let thread = fields.get("thread").and_then(|text| number(text));
            let thread = thread.unwrap_or(step.thread);
            self.trace.steps.push(Step { thread, ..step });
            return;
        }
        self.go_on();
        if name == "thread_done: drop locals" {
            let what = "ends".to_owned();
            let place = Place::default();
            self.trace.steps.push(Step {
                what,
                place,
                ..step
            });
            return;
        }
        if step.what.is_empty() {
            return; // Loom's own business: nobody asked for it.
        }
        match name {
            "Object::branch_action" | "Object::branch_acquire" | "Object::branch_disable" => {
                self.announce(fields, step);
            }
            "Atomic::load" | "Atomic::store" | "Atomic::rmw" => self.order(fields, step),
            "synchronize" if step.what.contains("Atomic") => {}
            "synchronize" | "Atomic::with_mut" | "Atomic::unsync_load" => {
                if let Some(object) = step.object {
                    self.written.remove(&object);
                }
                self.trace.steps.push(step);
            }
            "spawn" => {
                let spawned = fields.get("thread").and_then(|text| number(text));
                let value = spawned.map(|thread| format!("T{thread}"));
                self.trace.steps.push(Step { value, ..step });
            }
            "park" => {
                self.waits.insert(step.thread, step);
            }
            "Mutex::release_lock" => {
                let freed = fields
                    .get("thread")
                    .and_then(|text| number(text))
                    .unwrap_or(0);
                let what = format!("unlock, T{freed} may go on");
                self.trace.steps.push(Step { what, ..step });
            }
            _ => {}
        }
    }

    /// The current thread says what it will do next, if it is not blocked by it.
    fn announce(&mut self, fields: &BTreeMap<&str, &str>, mut step: Step) {
        let blocked = ["is_locked", "disable"]
            .iter()
            .any(|name| fields.get(name) == Some(&"true"));
        if blocked {
            let waiting = Step {
                what: format!("{} waits", step.what),
                ..step.clone()
            };
            self.trace.steps.push(waiting);
            self.waits.insert(self.current, step.clone());
            step.what += " goes on";
        }
        self.next.insert(self.current, step);
    }

    /// An atomic operation, announced before, happens: its orderings are known only now.
    fn order(&mut self, fields: &BTreeMap<&str, &str>, step: Step) {
        let ordering = match (
            fields.get("ordering"),
            fields.get("success"),
            fields.get("failure"),
        ) {
            (Some(ordering), ..) => (*ordering).to_owned(),
            (_, Some(success), Some(failure)) if step.what.contains("compare") => {
                format!("{success}, else {failure}")
            }
            (_, Some(success), _) => (*success).to_owned(),
            _ => String::new(),
        };
        let what = format!("{} {ordering}", step.what);
        match self.trace.steps.last_mut() {
            Some(last) if last.thread == step.thread && last.object == step.object => {
                last.what = what;
            }
            _ => self.trace.steps.push(Step { what, ..step }),
        }
    }

    /// Adds the value to the operation told last, and says whether it is one that was overwritten.
    fn value(&mut self, value: &str) {
        self.go_on();
        let Some(step) = self.trace.steps.last_mut() else {
            return;
        };
        let mut value = value.to_owned();
        if let Some(object) = step.object {
            let read = value.split(", not").next().unwrap_or_default();
            if let Some((_, written)) = value.split_once(":= ") {
                self.written.insert(object, written.to_owned());
            } else if self
                .written
                .get(&object)
                .is_some_and(|written| written != read)
            {
                value += ", stale";
            }
        }
        step.value = Some(value);
    }

    /// The chosen thread takes the step it had announced.
    fn go_on(&mut self) {
        if std::mem::take(&mut self.chosen) {
            self.waits.remove(&self.current);
            self.trace.steps.extend(self.next.remove(&self.current));
        }
    }

    fn finish(mut self) -> Trace {
        self.go_on();
        if self
            .trace
            .panic
            .iter()
            .any(|line| line.starts_with("deadlock"))
        {
            // One that announced a step and is not let take it waits as well.
            self.next.append(&mut self.waits);
            self.trace.waiting = self.next.into_values().collect();
        }
        self.trace
    }
}

/// The operation's column is no wider.
const WIDEST: usize = 60;

#[cfg(test)]
mod tests;
