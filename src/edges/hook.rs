//! Runs a command that a person gave on the command line, such as that of `jobs events --exec`.
//!
//! Not here: the steps of jobs, which keepers hold (`keeper`). The command has the terminal, the environment and the signals
//! of whoever called.

use std::io::{ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;

/// Runs a command with `sh` in a folder, gives it the input, and waits for its end.
///
/// # Errors
/// How it failed, in words that follow its name: `exited with code 1`.
pub fn run(command: &str, folder: &Path, input: &[u8]) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).current_dir(folder).stdin(Stdio::piped());
    let mut child = shell.spawn().map_err(|error| format!("could not be started: {error}"))?;
    let given = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
    let status = child.wait().map_err(|error| format!("could not be waited for: {error}"))?;
    match (status.code(), status.signal()) {
        // A command need not read what it is given.
        (Some(0), _) => match given {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("could not be told: {error}")),
            _ => Ok(()),
        },
        (Some(code), _) => Err(format!("exited with code {code}")),
        (None, Some(signal)) => Err(format!("was ended by signal {signal}")),
        (None, None) => Err("ended in an unknown way".to_owned()),
    }
}
