//! Looks for a program that can run containers.
//!
//! Not here: running them (`edges/sidecar`).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::logic::sidecar::Containers;

/// How long an engine may think about whether it works.
const PATIENCE: Duration = Duration::from_secs(10);

/// The engines that are known, and what they are asked: the answer of docker comes from its daemon.
const KNOWN: [(&str, &[&str]); 2] = [
    ("docker", &["version", "--format", "{{.Server.Version}}"]),
    ("podman", &["info", "--format", "{{.Version.Version}}"]),
];

/// Finds the first one that works; `wanted` is the name of one, or `auto`.
#[must_use]
pub fn find(wanted: &str) -> Containers {
    let mut problems = Vec::new();
    for (name, question) in KNOWN.iter().filter(|(name, _)| wanted == "auto" || wanted == *name) {
        let asked = on_path(name).ok_or_else(|| "is not installed".to_owned());
        match asked.and_then(|path| ask(&path, question).map(|()| path)) {
            Ok(path) => {
                return Containers {
                    engine: Some(path.to_string_lossy().into_owned()),
                    preferred: wanted != "auto",
                    problem: String::new(),
                };
            }
            Err(problem) => problems.push(format!("`{name}` {problem}")),
        }
    }
    Containers { engine: None, preferred: wanted != "auto", problem: problems.join(", and ") }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let is_program =
        |path: &PathBuf| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(is_program)
}

/// Asks an engine for its version.
fn ask(path: &Path, question: &[&str]) -> Result<(), String> {
    let mut child = Command::new(path)
        .args(question)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let pid = rustix::process::Pid::from_child(&child);
    let limit = Timespec::try_from(PATIENCE).unwrap_or(Timespec { tv_sec: 10, tv_nsec: 0 });
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
        && poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit)) == Ok(0)
    {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("gave no answer within {} s", PATIENCE.as_secs()));
    }
    let output = child.wait_with_output().map_err(|error| format!("cannot be asked: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("without a word");
    Err(format!("does not work: {}", crate::logic::text::shortened(first, 120)))
}
