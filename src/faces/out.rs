//! Where commands print: buffered, quiet after a closed pipe, coloured only where that is wanted.
//!
//! Not here: what is printed. Start with `Out`.

use std::io::Write;

use super::signs::State;
use crate::logic::text::clean::written_out;
use crate::logic::view::Phase;

/// How text may be marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    pub color: bool,
    pub ascii: bool,
}

impl Paint {
    /// Returns the sign of a state in its colour.
    #[must_use]
    pub fn sign(self, state: State) -> String {
        let code = match state {
            State::Queued | State::Blocked | State::Skipped => "2",
            State::Running => "36",
            State::NeedsYou | State::Paused => "35",
            State::Passed | State::Cached => "32",
            State::Failed | State::TimedOut => "31",
            State::Allowed | State::Stopping | State::RetryWait | State::Cancelled | State::RolledBack => {
                "33"
            }
        };
        self.code(code, state.sign(self.ascii))
    }

    /// Returns the sign of something of which no more than its phase is known.
    #[must_use]
    pub fn symbol(self, phase: Phase) -> String {
        self.sign(State::of(phase, None, None))
    }

    /// Returns the text so that it stands back.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    /// Returns the text as of something that may go wrong.
    #[must_use]
    pub fn warned(self, text: &str) -> String {
        self.code("33", text)
    }

    /// Returns the text as of something that went wrong.
    #[must_use]
    pub fn failed(self, text: &str) -> String {
        self.code("31", text)
    }

    /// Returns the text so that it stands out.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    /// Returns the text as something to type, or the name of something in a file.
    #[must_use]
    pub fn code_span(self, text: &str) -> String {
        self.code("36", text)
    }

    /// Returns a line that came, of a difference.
    #[must_use]
    pub fn added(self, text: &str) -> String {
        self.code("32", text)
    }

    /// Returns a line that went, of a difference.
    #[must_use]
    pub fn removed(self, text: &str) -> String {
        self.code("31", text)
    }

    fn code(self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A place to print to. Once writing has failed, everything further is dropped.
pub struct Out {
    to: Box<dyn Write>,
    buffer: Vec<u8>,
    error: Option<std::io::Error>,
    pub paint: Paint,
    /// Says whether a person looks on.
    pub is_terminal: bool,
}

/// Bytes after which the buffer is written out without being asked.
const FULL: usize = 64 * 1024;

impl Out {
    /// Prints to standard output, or to whatever else is given.
    #[must_use]
    pub fn new(to: Box<dyn Write>, paint: Paint, is_terminal: bool) -> Self {
        Self { to, buffer: Vec::new(), error: None, paint, is_terminal }
    }

    /// Prints text and a line break. Control characters but colours are written out: names, messages and values may come
    /// from anybody, also from a step.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.bytes(written_out(text.as_ref(), true).as_bytes());
        self.bytes(b"\n");
    }

    /// Prints bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= FULL {
            self.write_out();
        }
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) {
        if self.error.is_none() && !self.buffer.is_empty() {
            self.write_out();
        }
        if self.error.is_none()
            && let Err(error) = self.to.flush()
        {
            self.error = Some(error);
        }
    }

    /// Says whether nobody reads any more, so that printing on makes no sense.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.error.is_some()
    }

    /// Writes out what is buffered and says what went wrong; a closed pipe is nothing wrong.
    ///
    /// # Errors
    /// The first error of writing, such as a full disk behind a redirection.
    pub fn finish(&mut self) -> Result<(), std::io::Error> {
        self.flush();
        match self.error.take() {
            Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn write_out(&mut self) {
        if let Err(error) = self.to.write_all(&self.buffer) {
            self.error = Some(error);
        }
        self.buffer.clear();
    }
}
