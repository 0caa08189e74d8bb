//! Faults on purpose, for tests: the key `E` makes the screen panic or fail. Compiled only with the feature `faults`.
//!
//! `SORTIE_FAULT_SCREEN=panic` or `=error` asks for it; otherwise the key does nothing.

use std::io;

use crossterm::event::{Event, KeyCode};

/// Lets a key pass, or goes wrong there.
///
/// # Errors
/// If the variable asks for one.
#[expect(clippy::panic, reason = "it is what a test asked for")]
pub(in crate::faces::tui) fn at_key(event: &Event) -> io::Result<()> {
    let Event::Key(key) = event else { return Ok(()) };
    if key.code != KeyCode::Char('E') {
        return Ok(());
    }
    match std::env::var("SORTIE_FAULT_SCREEN").as_deref() {
        Ok("panic") => panic!("a panic that a test asked for"),
        Ok("error") => Err(io::Error::other("an error that a test asked for")),
        _ => Ok(()),
    }
}
