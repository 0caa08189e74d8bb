//! Faults on purpose, for tests: the key `E` makes a face panic or fail. Compiled only with the feature `faults`.
//!
//! `SORTIE_FAULT_SCREEN=panic` or `=error` asks for it; otherwise the key does nothing.

use std::io;

use crossterm::event::{Event, KeyCode};

/// Lets what came from the terminal pass, or goes wrong there.
///
/// # Errors
/// If the variable asks for one.
pub(in crate::faces) fn at_event(event: &Event) -> io::Result<()> {
    match event {
        Event::Key(key) if key.code == KeyCode::Char('E') => go_wrong(),
        _ => Ok(()),
    }
}

/// Lets typed bytes pass, or panics there.
pub(in crate::faces) fn at_bytes(typed: &[u8]) {
    if typed.contains(&b'E') {
        // Rows below the output have no way to fail.
        let _outcome = go_wrong();
    }
}

#[expect(clippy::panic, reason = "it is what a test asked for")]
fn go_wrong() -> io::Result<()> {
    match std::env::var("SORTIE_FAULT_SCREEN").as_deref() {
        Ok("panic") => panic!("a panic that a test asked for"),
        Ok("error") => Err(io::Error::other("an error that a test asked for")),
        _ => Ok(()),
    }
}
