//! Every step of one permutation, as loom tells it, with the stack that took the step.
//!
//! Loom traces its operations, but neither where in the program they stand nor which thread they
//! belong to. The stack says the former, the order of loom's `thread` spans the latter. Nothing is
//! interpreted here: `cargo xtask loom` does that. The file holds
//!
//! - `enter THREAD`: from here on it is the one that runs,
//! - `event NAME field=value …` and, in indented lines, the stack in the standard library's format,
//! - `value READ`, `value READ := WRITTEN` or `value := WRITTEN`, of the operation just told of,
//! - `panic` and, in indented lines, its message.

use std::backtrace::Backtrace;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, subscriber};

use crate::report;

/// Listens to loom.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// The spans there are; a span's id is its place here, counted from 1.
    spans: Mutex<Vec<Span>>,
}

#[derive(Debug)]
enum Span {
    Thread(String),
    Other,
}

impl Recorder {
    /// Records what `body` makes loom do.
    pub(crate) fn install(body: impl FnOnce()) {
        let recorder = Recorder {
            spans: Mutex::default(),
        };
        subscriber::with_default(recorder, body);
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("loom")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let span = if attributes.metadata().name() == "thread" {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            Span::Thread(fields.others.trim_start_matches(" id=").to_owned())
        } else {
            Span::Other
        };
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.push(span);
        Id::from_u64(spans.len() as u64)
    }

    fn enter(&self, id: &Id) {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Span::Thread(number) = &spans[id.into_u64() as usize - 1] {
            Writer::with(|writer| writer.write(Entry::text(format!("enter {number}\n"))));
        }
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let entry = Entry {
            text: format!("event {}{}\n", fields.message, fields.others),
            stack: Some(Backtrace::force_capture()),
        };
        Writer::with(|writer| writer.write(entry));
    }

    fn exit(&self, _: &Id) {}

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

/// Records a panic, if anything is recorded.
pub(crate) fn panic(info: &PanicHookInfo<'_>) {
    if let Some(writer) = WRITER.get() {
        writer.write(Entry::text(report::panic_lines(info)));
    }
}

/// Records what the last operation read or wrote, if anything is recorded.
pub(crate) fn value(shown: impl FnOnce() -> String) {
    if let Some(writer) = WRITER.get() {
        writer.write(Entry::text(format!("value {}\n", shown())));
    }
}

/// Splits an event into its name and ` field=value` for each other field.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let outcome = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
        outcome.expect("a string takes everything");
    }
}

#[derive(Debug)]
struct Entry {
    text: String,
    stack: Option<Backtrace>,
}

impl Entry {
    fn text(text: String) -> Entry {
        Entry { text, stack: None }
    }
}

/// Hands entries to a thread that names the stack's frames and writes them: that needs more stack
/// than a modelled thread has. Each is in the file before the model goes on, which may end at once.
#[derive(Debug)]
struct Writer {
    entries: SyncSender<Entry>,
    written: Mutex<Receiver<()>>,
}

impl Writer {
    fn with(write: impl FnOnce(&Writer)) {
        write(WRITER.get_or_init(Writer::start));
    }

    fn start() -> Writer {
        let directory = report::directory().expect("HEIST_LOOM_DIR is where the trace goes");
        let mut file = File::create(directory.join("trace")).expect("the directory is there");
        let (entries, inbox) = sync_channel::<Entry>(0);
        let (done, written) = sync_channel(0);
        thread::spawn(move || {
            for Entry { text, stack } in inbox {
                let stack = stack.map(|stack| stack.to_string()).unwrap_or_default();
                let outcome = file.write_all(format!("{text}{stack}").as_bytes());
                outcome.expect("the trace can be written");
                if done.send(()).is_err() {
                    return;
                }
            }
        });
        Writer {
            entries,
            written: Mutex::new(written),
        }
    }

    fn write(&self, entry: Entry) {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if self.entries.send(entry).is_ok() {
            let _ = written.recv();
        }
    }
}

static WRITER: OnceLock<Writer> = OnceLock::new();
