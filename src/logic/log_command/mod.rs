//! Log commands in a stream of output: `::error file=a,line=3::text`, `::add-mask::value`, `::stop-commands::word`.
//!
//! Here: cutting a stream into bytes for the log and commands, in order, whatever the chunks. Not here: what a
//! command does, and masking, which the bytes still go through. Start at [`Scanner::push`].
//!
//! A command begins at the start of a line. There is no work per line: a chunk without `\n::` passes whole. Only an
//! unfinished line that begins with `::` is held back until it ends or grows past [`LONGEST`].

use memchr::{memchr, memmem};

use crate::logic::job::report::Annotation;

#[cfg(test)]
mod tests;

/// A longer line is no command, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// Something a step asked for through its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `::error::`, `::warning::`, `::notice::`.
    Annotate(Annotation),
    /// `::add-mask::`: from here on the value is a secret.
    AddMask(String),
    /// `::set-output name=..::`, an older form of the output file.
    SetOutput { name: String, value: String },
    /// `::save-state name=..::`, an older form of the state file.
    SaveState { name: String, value: String },
    /// A command that is refused, by name: `set-env` and `add-path` let any printed text change later steps.
    Refused(String),
}

/// A part of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes for the log.
    Bytes(&'a [u8]),
    /// A command; the bytes of its line come after it.
    Command(Command),
}

/// Commands are off until this word comes back between colons. Both streams of an attempt share it.
#[derive(Debug, Default)]
pub struct Halt(Option<String>);

/// Finds the commands of one stream.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The latest byte that was passed on did not end a line.
    inside_line: bool,
    /// An unfinished line that may be a command.
    held: Vec<u8>,
}

impl Scanner {
    /// Takes the next bytes of the stream and gives its pieces to `sink`, in order.
    pub fn push(&mut self, chunk: &[u8], halt: &mut Halt, sink: &mut dyn FnMut(Piece<'_>)) {
        if chunk.is_empty() {
            return;
        }
        if self.held.is_empty() {
            self.scan(chunk, halt, sink);
            return;
        }
        let Some(end) = memchr(b'\n', chunk) else {
            self.held.extend_from_slice(chunk);
            if self.held.len() > LONGEST || !may_be_command(&self.held) {
                self.give_up(sink);
            }
            return;
        };
        let mut line = std::mem::take(&mut self.held);
        line.extend_from_slice(&chunk[..=end]);
        finish_line(&line, halt, sink);
        self.inside_line = false;
        if end + 1 < chunk.len() {
            self.scan(&chunk[end + 1..], halt, sink);
        }
    }

    /// The stream has ended: a held line counts as it is.
    pub fn finish(&mut self, halt: &mut Halt, sink: &mut dyn FnMut(Piece<'_>)) {
        let line = std::mem::take(&mut self.held);
        if !line.is_empty() {
            finish_line(&line, halt, sink);
        }
    }

    fn give_up(&mut self, sink: &mut dyn FnMut(Piece<'_>)) {
        let line = std::mem::take(&mut self.held);
        sink(Piece::Bytes(&line));
        self.inside_line = true;
    }

    fn scan(&mut self, chunk: &[u8], halt: &mut Halt, sink: &mut dyn FnMut(Piece<'_>)) {
        // Bytes before `shown` went to the sink, bytes before `from` hold no command.
        let (mut shown, mut from) = (0, 0);
        if self.inside_line {
            match memchr(b'\n', chunk) {
                Some(end) => from = end + 1,
                None => return sink(Piece::Bytes(chunk)),
            }
        }
        while let Some(start) = next_start(chunk, from) {
            if start > shown {
                sink(Piece::Bytes(&chunk[shown..start]));
            }
            let rest = &chunk[start..];
            if let Some(end) = memchr(b'\n', rest) {
                finish_line(&rest[..=end], halt, sink);
                shown = start + end + 1;
                from = shown;
            } else {
                self.inside_line = false;
                if rest.len() > LONGEST {
                    sink(Piece::Bytes(rest));
                    self.inside_line = true;
                } else {
                    self.held.extend_from_slice(rest);
                }
                return;
            }
        }
        if shown < chunk.len() {
            sink(Piece::Bytes(&chunk[shown..]));
        }
        self.inside_line = chunk.last() != Some(&b'\n');
    }
}

/// Says whether an unfinished line may still become a command.
fn may_be_command(line: &[u8]) -> bool {
    line == b":" || line.starts_with(b"::")
}

/// Where the next line that may be a command begins; `from` is the start of a line.
fn next_start(chunk: &[u8], from: usize) -> Option<usize> {
    let rest = &chunk[from..];
    if rest.starts_with(b"::") || rest == b":" {
        return Some(from);
    }
    if let Some(at) = memmem::find(rest, b"\n::") {
        return Some(from + at + 1);
    }
    // The chunk may be cut between the two colons.
    rest.ends_with(b"\n:").then(|| chunk.len() - 1)
}

fn finish_line(line: &[u8], halt: &mut Halt, sink: &mut dyn FnMut(Piece<'_>)) {
    let Some((name, properties, value)) = split(line) else {
        return sink(Piece::Bytes(line));
    };
    if let Some(word) = &halt.0 {
        if value.is_empty() && name == *word {
            halt.0 = None;
        }
        return sink(Piece::Bytes(line));
    }
    match name.as_str() {
        "stop-commands" => halt.0 = Some(value),
        "add-mask" => {
            // The line itself is rewritten, so that not even a value too short to mask is shown by it.
            let end = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
            sink(Piece::Command(Command::AddMask(value)));
            sink(Piece::Bytes(b"::add-mask::***"));
            return sink(Piece::Bytes(&line[line.len() - end..]));
        }
        "error" | "warning" | "notice" => {
            sink(Piece::Command(Command::Annotate(annotation(name, &properties, value))));
        }
        "set-output" => {
            sink(Piece::Command(Command::SetOutput { name: property(&properties, "name"), value }))
        }
        "save-state" => {
            sink(Piece::Command(Command::SaveState { name: property(&properties, "name"), value }))
        }
        "set-env" | "add-path" => sink(Piece::Command(Command::Refused(name))),
        _ => {}
    }
    sink(Piece::Bytes(line));
}

/// Names and values that stand between a command's name and its text.
type Properties = Vec<(String, String)>;

/// Name, properties and value of a command line.
fn split(line: &[u8]) -> Option<(String, Properties, String)> {
    let text = String::from_utf8_lossy(line.strip_prefix(b"::")?);
    let text = text.trim_end_matches(['\n', '\r']);
    let (head, value) = text.split_once("::")?;
    let (name, list) = head.trim_start().split_once(' ').unwrap_or((head.trim(), ""));
    if name.is_empty() {
        return None;
    }
    let properties = list
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_ascii_lowercase(), unescape(value.trim(), true)))
        .collect();
    Some((name.to_owned(), properties, unescape(value, false)))
}

/// Takes back the escapes of commands: `%25`, `%0D`, `%0A`, and in properties `%3A`, `%2C`.
fn unescape(text: &str, property: bool) -> String {
    let mut out = text.replace("%0D", "\r").replace("%0A", "\n");
    if property {
        out = out.replace("%3A", ":").replace("%2C", ",");
    }
    out.replace("%25", "%")
}

fn property(properties: &[(String, String)], key: &str) -> String {
    properties.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn annotation(level: String, properties: &[(String, String)], message: String) -> Annotation {
    let text = |key: &str| Some(property(properties, key)).filter(|value| !value.is_empty());
    let number = |key: &str| text(key).and_then(|value| value.parse().ok());
    Annotation {
        level,
        message,
        title: text("title"),
        file: text("file"),
        line: number("line"),
        column: number("col"),
        end_line: number("endline"),
    }
}
