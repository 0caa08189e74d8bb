//! Asking a program that may never answer: a container engine whose daemon hangs.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::logic::sidecar::ERRAND;

/// What it said.
pub(super) struct Answer {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
}

/// Why it did not.
pub(super) enum Unasked {
    NotStarted(std::io::Error),
    /// The time was over.
    Silent,
}

/// Runs a command to its end, or ends it when its time is over. What it complains about is not heard.
///
/// # Errors
/// If it cannot be started, or gives no answer in time.
pub(super) fn run(command: &mut Command, limit: Duration) -> Result<Answer, Unasked> {
    let until = Instant::now() + limit;
    command.env_remove(ERRAND).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(Unasked::NotStarted)?;
    let (tell, told) = channel();
    if let Some(mut stdout) = child.stdout.take() {
        // On a thread of its own, because what it has started may hold the pipe open for ever.
        let reader = std::thread::Builder::new()
            .name("answer".to_owned())
            .spawn(move || {
                let mut bytes = Vec::new();
                // What was read before an error is all there is; nobody may wait for it any more.
                let _ = stdout.read_to_end(&mut bytes);
                let _ = tell.send(bytes);
            })
            .map_err(Unasked::NotStarted);
        if let Err(why) = reader {
            let _ = child.kill();
            let _ = child.wait();
            return Err(why);
        }
    }
    let left = || until.saturating_duration_since(Instant::now());
    let pid = rustix::process::Pid::from_child(&child);
    // Without a handle it is waited for without a limit.
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) {
        loop {
            let time = Timespec::try_from(left()).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
            match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&time)) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(0) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(Unasked::Silent);
                }
                _ => break,
            }
        }
    }
    let status = child.wait().map_err(Unasked::NotStarted)?;
    match told.recv_timeout(left().max(Duration::from_millis(100))) {
        Ok(stdout) => Ok(Answer { status, stdout }),
        Err(_) => Err(Unasked::Silent),
    }
}
