//! How a program on a terminal ended, and what it left on the screen.
//!
//! Not here: waiting for it (`hands.rs`).

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use super::Shot;

/// The end of a program on a terminal.
#[must_use]
pub(crate) struct Ended {
    pub(super) status: ExitStatus,
    /// The screen that it left.
    pub(crate) shot: Shot,
    /// All it has ever written.
    pub(crate) raw: Vec<u8>,
    pub(super) what: String,
}

impl Ended {
    /// Holds it to an exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.all());
        self
    }

    /// Holds it to an end by a signal.
    #[track_caller]
    pub(crate) fn signalled(self, signal: Signal) -> Self {
        assert_eq!(self.status.signal(), Some(signal as i32), "{}", self.all());
        self
    }

    /// Holds the screen it left to a text.
    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Self {
        assert!(self.shot.has(text), "no `{text}` on\n{}", self.all());
        self
    }

    /// Says that the test needs nothing more from it.
    pub(crate) fn done(self) {}

    fn all(&self) -> String {
        format!("{}: {}\n--- screen\n{}", self.what, self.status, self.shot.text())
    }
}
