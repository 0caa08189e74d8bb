//! Asks programs for their versions.
//!
//! Not here: what the answers mean (`logic/plan/require.rs`). Start with `probe`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::logic::plan::require::Probe;
use crate::logic::playbook::model::Tool;

/// How long a program may think about its version.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a program prints beyond this is not read.
const LONGEST: u64 = 64 * 1024;

/// Programs that are asked in another way than with `--version`.
const OTHERS: [(&str, &[&str]); 4] =
    [("go", &["version"]), ("java", &["-version"]), ("ssh", &["-V"]), ("kubectl", &["version", "--client"])];

/// Returns one answer for each tool, in order; the programs are asked at the same time.
#[must_use]
pub fn probe(tools: &[Tool]) -> Vec<Probe> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = tools.iter().map(|tool| scope.spawn(|| probe_one(tool))).collect();
        asked
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Probe::Unclear("asking it went wrong".to_owned())))
            .collect()
    })
}

fn probe_one(tool: &Tool) -> Probe {
    let Some(path) = on_path(&tool.name) else { return Probe::Missing };
    if tool.version.is_none() {
        return Probe::Printed(String::new());
    }
    let other = OTHERS.iter().find(|(name, _)| *name == tool.name);
    ask(&path, other.map_or(&["--version"][..], |(_, arguments)| arguments))
}

/// Finds a program as a shell would: a name with a slash is a path.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| is_program(path));
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

fn ask(path: &Path, arguments: &[&str]) -> Probe {
    let (reader, writer) = match std::io::pipe() {
        Ok(pipe) => pipe,
        Err(error) => return Probe::Unclear(error.to_string()),
    };
    let spawned = writer.try_clone().and_then(|second| {
        Command::new(path).args(arguments).stdin(Stdio::null()).stdout(writer).stderr(second).spawn()
    });
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Probe::Unclear(format!("it cannot be started: {error}")),
    };
    match read_within(reader, PATIENCE) {
        Some(printed) => {
            end(&mut child);
            Probe::Printed(printed)
        }
        None => {
            end(&mut child);
            Probe::Unclear(format!("it gave no answer within {} s", PATIENCE.as_secs()))
        }
    }
}

/// Reads to the end, unless that takes too long.
fn read_within(reader: std::io::PipeReader, patience: Duration) -> Option<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is an answer, too.
        let _ = std::io::Read::read_to_end(&mut std::io::Read::take(reader, LONGEST), &mut bytes);
        // Nobody listens any more after the patience ended.
        let _ = send.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receive.recv_timeout(patience).ok()
}

/// Leaves no process behind; one that has ended already is only reaped.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Longest time that a command of `tools` may take.
const TOOL_PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command line by `sh -c` with an environment of its own and returns what it printed to both outputs.
///
/// # Errors
/// If it cannot be started, takes too long or fails, in words.
pub fn run(command: &str, env: &[(String, String)], folder: &Path) -> Result<String, String> {
    let failed = |why: String| format!("`{command}` {why}");
    let (reader, writer) = std::io::pipe().map_err(|error| failed(error.to_string()))?;
    let mut child = {
        let second = writer.try_clone().map_err(|error| failed(error.to_string()))?;
        let mut asked = Command::new("sh");
        asked.arg("-c").arg(command).env_clear().envs(env.iter().map(|(name, value)| (name, value)));
        asked.current_dir(folder).stdin(Stdio::null()).stdout(writer).stderr(second);
        // With it goes this side's end of the pipe, so that reading comes to an end.
        asked.spawn().map_err(|error| failed(format!("cannot be started: {error}")))?
    };
    let Some(printed) = read_within(reader, TOOL_PATIENCE) else {
        end(&mut child);
        return Err(failed(format!("gave no answer within {} s", TOOL_PATIENCE.as_secs())));
    };
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    match status.success() {
        true => Ok(printed),
        false => Err(failed(format!("failed ({status}): {}", printed.trim()))),
    }
}
