//! Who is left: processes that belong to a sandbox, by environment, by arguments or by folder.
//!
//! Three signs, because a child may clear its environment or leave its folder, but hardly all at once. Zombies have none of
//! them and do not count: they hold nothing. What is found at the deadline is killed, so that a failed test leaves no mess.

use std::fmt;
use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::sandbox::Sandbox;

/// A process that a sandbox still has.
pub(crate) struct Left {
    pid: i32,
    sign: &'static str,
    words: String,
}

impl Left {
    /// Its process number.
    #[cfg(feature = "faults")]
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Its process number, if its arguments end in these words.
    pub(crate) fn id_if_ends(&self, words: &str) -> Option<i32> {
        self.words.ends_with(words).then_some(self.pid)
    }
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by its {}: `{}`", self.pid, self.sign, self.words)
    }
}

/// Returns the living processes of a sandbox.
pub(crate) fn who_is_left(sandbox: &Sandbox) -> Vec<Left> {
    let entries = fs::read_dir("/proc").expect("Linux has /proc");
    let pids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| belongs(pid, sandbox)).collect()
}

/// Waits until a sandbox has no process; fails with their names when the time is over.
#[track_caller]
pub(crate) fn nothing_is_left(sandbox: &Sandbox, limit: Duration) {
    let deadline = Instant::now() + limit;
    let mut n_empty = 0;
    loop {
        let left = who_is_left(sandbox);
        n_empty = if left.is_empty() { n_empty + 1 } else { 0 };
        // A scan is not one moment: what forks and exits can slip through one, hardly through two.
        if n_empty == 2 {
            return;
        }
        let pidfds: Vec<OwnedFd> = left.iter().filter_map(|l| pidfd(l.pid)).collect();
        if Instant::now() >= deadline {
            kill_all(sandbox);
            panic!("left running {limit:?} after the end: {left:#?}");
        }
        let mut fds: Vec<PollFd<'_>> = pidfds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        if !fds.is_empty() {
            let until_deadline = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(until_deadline).expect("seconds fit");
            // Interrupted or not, the next round looks again.
            poll(&mut fds, Some(&timeout)).unwrap_or_default();
        }
    }
}

/// Kills what is found until nothing is found, for a while: one that forks may be ahead of a scan or two.
pub(super) fn kill_all(sandbox: &Sandbox) {
    for _ in 0..50 {
        for pidfd in who_is_left(sandbox).iter().filter_map(|l| pidfd(l.pid)) {
            // It may end by itself meanwhile, which is as good.
            pidfd_send_signal(&pidfd, Signal::KILL).unwrap_or_default();
        }
    }
}

fn belongs(pid: i32, sandbox: &Sandbox) -> Option<Left> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&words).replace('\0', " ").trim_end().to_owned();
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let sign = if memchr::memmem::find(&environ, sandbox.mark().as_bytes()).is_some() {
        "environment"
    } else if words.contains(sandbox.mark()) {
        "arguments"
    } else if folder.starts_with(sandbox.base()) {
        "folder"
    } else {
        return None;
    };
    Some(Left { pid, sign, words })
}

fn pidfd(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}
