//! Opens a file in a person's editor, which has the terminal meanwhile.
//!
//! Not here: which editor, and where in the file (`faces/editor.rs`).

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, raise};

#[cfg(test)]
#[path = "editor_tests.rs"]
mod tests;

/// What the shell answers for a program that there is not, or that it may not start.
const NOT_FOUND: [i32; 2] = [127, 126];

/// Runs an editor in a folder and waits for its end. The command is what people write into variables: a program, perhaps with
/// arguments, as the shell reads it; what it is to open comes behind that, as it is. After it has ended, this process is told
/// that the terminal has another size, which it may have.
///
/// # Errors
/// How it failed, in words that follow its name: `exited with code 1`.
pub fn edit(command: &str, arguments: &[OsString], folder: &Path) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{command} \"$@\"")).arg("sh").args(arguments).current_dir(folder);
    let status = shell.status();
    // A Ctrl-C that was the editor's came to this process, too. Who hears of this one has heard of that.
    let _raised = raise(Signal::SIGWINCH);
    let status = status.map_err(|error| format!("could not be started: {error}"))?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) if NOT_FOUND.contains(&code) => {
            Err("could not be started; is it installed?".to_owned())
        }
        (Some(code), _) => Err(format!("exited with code {code}")),
        (None, Some(signal)) => Err(format!("was ended by signal {signal}")),
        (None, None) => Err("ended in an unknown way".to_owned()),
    }
}
