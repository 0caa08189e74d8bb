//! Commands that remove what an attempt left and what is no process of it: the container of a service.
//!
//! Always on a thread that is not the main one, so that nobody takes such a command for an orphan.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

/// How long a container engine may take to remove something. It may have to wait for the container's end first.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a container engine says about a container that is gone already.
const GONE: [&str; 2] = ["no such container", "no container with name"];

/// Runs a command to its end; `env` is what differs from the keeper's own environment.
///
/// # Errors
/// What went wrong, in words. That there is nothing to remove is no error.
pub(crate) fn run(argv: &[String], env: &[(String, Option<String>)]) -> Result<(), String> {
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let shown = argv.join(" ");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    for (name, value) in env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn().map_err(|error| format!("`{shown}` cannot be started: {error}"))?;
    let until = Instant::now() + PATIENCE;
    let pid = rustix::process::Pid::from_child(&child);
    // Without a handle it is waited for without a limit.
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let limit = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
            match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit)) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(0) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(format!("`{shown}` did not end within {} s", PATIENCE.as_secs()));
                }
                _ => break,
            }
        }
    }
    let status = child.wait().map_err(|error| format!("`{shown}` cannot be waited for: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let mut said = Vec::new();
    if let Some(stderr) = &mut child.stderr {
        // What it said before an error is all there is to tell. A pipe holds more than these messages are long.
        let _ = stderr.take(4096).read_to_end(&mut said);
    }
    let said = String::from_utf8_lossy(&said);
    let is_gone = GONE.iter().any(|words| said.to_lowercase().contains(words));
    if is_gone { Ok(()) } else { Err(format!("`{shown}` failed: {}", said.trim())) }
}
