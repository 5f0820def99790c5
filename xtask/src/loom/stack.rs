//! A stack as the standard library prints it, and what of it concerns the reader: which of loom's
//! functions was called, and from where in the program.

use std::fmt;

/// One frame, innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// As printed: `<loom::sync::arc::Arc<T> as core::clone::Clone>::clone`.
    function: String,
    /// Relative to the workspace's root if it lies there.
    file: String,
    line: usize,
}

/// A place in the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The function, without its path: `Idle::claim`.
    pub(crate) function: String,
    /// `crates/scheduler/src/idle.rs:113`; empty if it is not known.
    pub(crate) at: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.at, self.function)
    }
}

/// Reads `   7: function` and the `at file:line:column` below it.
pub(crate) fn frames(lines: &[&str], root: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in lines.iter().map(|line| line.trim()) {
        if let Some(at) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut() {
                (frame.file, frame.line) = position(at, root);
            }
        } else if let Some((_, function)) = line.split_once(": ") {
            frames.push(Frame {
                function: function.to_owned(),
                file: String::new(),
                line: 0,
            });
        }
    }
    frames
}

/// Splits `./crates/scheduler/src/idle.rs:113:22`.
fn position(at: &str, root: &str) -> (String, usize) {
    let mut parts = at.rsplitn(3, ':');
    let (_column, line, file) = (parts.next(), parts.next(), parts.next());
    let file = file.unwrap_or(at);
    let file = file.strip_prefix("./").unwrap_or(file);
    let file = match file.strip_prefix(root) {
        Some(inside) => inside.trim_start_matches('/'),
        None => file,
    };
    let line = line.and_then(|line| line.parse().ok()).unwrap_or(0);
    (file.to_owned(), line)
}

impl Frame {
    /// Whether it is of the program, not of a dependency or of the frame that models run in.
    fn is_ours(&self) -> bool {
        !self.file.is_empty()
            && !self.file.starts_with('/')
            && !self.file.starts_with("crates/loom/")
    }

    /// Whether it only gives loom's primitives the names that the program uses.
    fn is_stand_in(&self) -> bool {
        let mut parts = self.file.split('/');
        parts.any(|part| part == "sync" || part == "sync.rs")
    }

    fn is_loom(&self) -> bool {
        let function = self.function.trim_start_matches('<');
        function.starts_with("loom::") || function.starts_with("heist_loom::")
    }
}

/// The function of loom's that the program called, without its path: `Mutex::lock`.
pub(crate) fn loom_call(stack: &[Frame]) -> Option<String> {
    let caller = stack.iter().position(Frame::is_ours)?;
    let called = stack[..caller].iter().rev().find(|frame| frame.is_loom())?;
    Some(short(&called.function))
}

/// Where the program asked for it: the innermost frame that is no stand-in's.
pub(crate) fn place(stack: &[Frame]) -> Place {
    let mut ours = stack.iter().filter(|frame| frame.is_ours());
    let asked = ours
        .clone()
        .find(|frame| !frame.is_stand_in())
        .or(ours.next());
    asked.map_or_else(Place::default, |frame| Place {
        function: short(&frame.function),
        at: format!("{}:{}", frame.file, frame.line),
    })
}

/// A function's last two names, without type arguments and closures.
fn short(function: &str) -> String {
    let function = function.replace("::{{closure}}", "");
    let implementation = match function.split_once("<impl ") {
        Some((_, inside)) => Some(inside),
        None => function.strip_prefix('<'),
    };
    let function = match implementation.and_then(split_implementation) {
        Some((implementer, rest)) => format!("{implementer}{rest}"),
        None => function,
    };
    let plain = without_arguments(&function);
    let mut names: Vec<&str> = plain.split("::").filter(|name| !name.is_empty()).collect();
    names.drain(..names.len().saturating_sub(2));
    names.join("::")
}

/// Splits `Type as Trait>::function`, `Trait for Type>::function` or `Type>::function` into `Type`
/// and `::function`.
fn split_implementation(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    let end = text.char_indices().find(|(at, c)| {
        match c {
            '<' => depth += 1,
            '>' if !text[..*at].ends_with('-') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let (end, _) = end?;
    let inside = text[..end].split(" as ").next()?;
    let implementer = inside.split(" for ").last()?;
    Some((implementer, &text[end + 1..]))
}

/// Leaves out what stands in angle brackets.
fn without_arguments(text: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    let mut last = ' ';
    for c in text.chars() {
        match c {
            '<' => depth += 1,
            '>' if last != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
        last = c;
    }
    plain
}

#[cfg(test)]
mod tests;
