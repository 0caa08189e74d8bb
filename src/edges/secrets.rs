//! Fetches the values of secrets: from environment variables, files and commands.
//!
//! Not here: whether commands may be run at all (`faces/cli/prepare.rs`), masking (`logic/secret.rs`).

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::logic::plan::PlanProblem;
use crate::logic::playbook::model::{Secret, SecretFrom};
use crate::logic::text::shortened;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest value in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Returns names and values; an optional secret that is not there is left out. `root` is where relative files and
/// commands begin.
///
/// # Errors
/// Every required secret that is not there, and every one that cannot be read. Values are never part of a message.
pub fn fetch(root: &Path, secrets: &[Secret]) -> Result<Vec<(String, String)>, Vec<PlanProblem>> {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for secret in secrets {
        match fetch_one(root, &secret.from) {
            Ok(value) => values.push((secret.name.to_string(), value)),
            Err(Missing::NotThere(_)) if !secret.required => {}
            Err(Missing::NotThere(why) | Missing::Broken(why)) => problems.push(PlanProblem {
                slug: "secret-not-read",
                message: format!("the secret `{}` could not be read: {why}", secret.name),
                help: help(&secret.from),
            }),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// Why there is no value, in words.
enum Missing {
    NotThere(String),
    Broken(String),
}

fn help(from: &SecretFrom) -> Option<String> {
    match from {
        SecretFrom::Env(name) => Some(format!("set it before the run: export {name}=...")),
        SecretFrom::File(_) | SecretFrom::Command(_) => None,
    }
}

fn fetch_one(root: &Path, from: &SecretFrom) -> Result<String, Missing> {
    match from {
        SecretFrom::Env(name) => match std::env::var(name) {
            Ok(value) => Ok(value),
            Err(std::env::VarError::NotPresent) => {
                Err(Missing::NotThere(format!("the environment variable `{name}` is not set")))
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Missing::Broken(format!("the environment variable `{name}` is not UTF-8")))
            }
        },
        SecretFrom::File(path) => {
            let file = std::fs::File::open(root.join(path)).map_err(|error| {
                let why = format!("the file `{path}` cannot be opened: {error}");
                if error.kind() == std::io::ErrorKind::NotFound {
                    Missing::NotThere(why)
                } else {
                    Missing::Broken(why)
                }
            })?;
            let mut bytes = Vec::new();
            file.take(LARGEST + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| Missing::Broken(format!("the file `{path}` cannot be read: {error}")))?;
            text(bytes)
        }
        SecretFrom::Command(command) => run(root, command),
    }
}

/// Takes one line break off the end.
fn text(bytes: Vec<u8>) -> Result<String, Missing> {
    if bytes.len() as u64 > LARGEST {
        return Err(Missing::Broken("its value is larger than 1 MiB".to_owned()));
    }
    if bytes.contains(&0) {
        return Err(Missing::Broken("its value holds a NUL byte".to_owned()));
    }
    let mut value =
        String::from_utf8(bytes).map_err(|_| Missing::Broken("its value is not UTF-8".to_owned()))?;
    if value.ends_with('\n') {
        value.pop();
        if value.ends_with('\r') {
            value.pop();
        }
    }
    Ok(value)
}

fn run(root: &Path, command: &str) -> Result<String, Missing> {
    let shown = shortened(command, 60);
    let broken = |why: String| Missing::Broken(format!("the command `{shown}` {why}"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| broken(format!("cannot be started: {error}")))?;
    let (send, receive) = mpsc::channel();
    let said = child.stderr.take().map(|stderr| std::thread::spawn(move || last_line(stderr)));
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(LARGEST + 1).read_to_end(&mut bytes).map(|_| bytes);
            // Nobody listens any more after the patience ended.
            let _ = send.send(read);
        });
    }
    let read = receive.recv_timeout(PATIENCE);
    let Ok(read) = read else {
        // Its end is what is wanted; one that has ended by itself meanwhile is as good.
        let _ = child.kill();
        let _ = child.wait();
        return Err(broken(format!("gave no answer within {} s", PATIENCE.as_secs())));
    };
    let status = child.wait().map_err(|error| broken(format!("was lost: {error}")))?;
    let bytes = read.map_err(|error| broken(format!("cannot be read from: {error}")))?;
    if !status.success() {
        let said = said.and_then(|thread| thread.join().ok()).unwrap_or_default();
        let what = status
            .code()
            .map_or_else(|| "was ended by a signal".to_owned(), |code| format!("exited with code {code}"));
        return Err(broken(if said.is_empty() { what } else { format!("{what}: {said}") }));
    }
    text(bytes)
}

/// Returns the last line that a command said about itself.
fn last_line(mut stderr: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was said before an error is still worth showing.
    let _ = stderr.by_ref().take(64 * 1024).read_to_end(&mut bytes);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
    shortened(&line.replace(char::is_control, ""), 200)
}
