//! Shows a manual page on the terminal, by the program that people know for that.
//!
//! Not here: the pages (`faces/cli/man.rs`).

use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Shows a page that is given as its source; nothing if there is no `man`.
#[must_use]
pub fn show(page: &str) -> Option<io::Result<()>> {
    let mut child = match Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(error)),
    };
    let written = match child.stdin.take() {
        Some(mut input) => input.write_all(page.as_bytes()),
        None => Ok(()),
    };
    let ended = child.wait();
    Some(match (written, ended) {
        // Whoever leaves before the end has read enough.
        (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        (_, Ok(status)) if status.success() => Ok(()),
        (_, Ok(status)) => Err(io::Error::other(format!("`man` failed ({status})"))),
        (_, Err(error)) => Err(error),
    })
}
