//! What `/proc` says about processes, and signals that reach only the process that was looked at.
//!
//! Used by the keeper for its sweeps and by an engine that finds a job without a keeper. A bare process number is
//! never signalled: number and start time are read, a handle is opened, the start time is read again.

use std::fs;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::port::keeper::TAG_VARIABLE;

/// A process as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub session: i32,
    /// State letter of the kernel: `Z` is dead and not yet reaped.
    pub state: u8,
    /// In clock ticks since boot; with the number it names one process.
    pub start: u64,
    pub name: String,
}

impl Process {
    /// Looks at a process, if it is there.
    #[must_use]
    pub fn look(pid: i32) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text);
        // The name stands in brackets and may hold anything, brackets too.
        let (head, tail) = text.rsplit_once(") ")?;
        let name = head.split_once(" (")?.1.to_owned();
        let mut fields = tail.split(' ');
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let start = fields.nth(15)?.parse().ok()?;
        Some(Self { pid, parent, session, state, start, name })
    }

    /// Says whether the process is dead, reaped or not.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Opens a handle that stands for this very process, or nothing if it is gone.
    #[must_use]
    pub fn open(&self) -> Option<OwnedFd> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        // The number may have been given to another process before the handle was opened, but not after.
        (Self::look(self.pid)?.start == self.start).then_some(handle)
    }

    /// The value of the tag variable in the environment the process was started with.
    #[must_use]
    pub fn tag(&self) -> Option<String> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        environment
            .split(|byte| *byte == 0)
            .find_map(|entry| entry.strip_prefix(TAG_VARIABLE.as_bytes())?.strip_prefix(b"="))
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Name and number, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} (process {})", self.name, self.pid)
    }
}

/// Says whether a tag names `place` or a place inside it.
#[must_use]
pub fn tag_is_inside(tag: &str, place: &str) -> bool {
    tag.split(',')
        .any(|part| part.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Numbers of the children of all threads of a process.
#[must_use]
pub fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        if let Ok(text) = fs::read_to_string(thread.path().join("children")) {
            found.extend(text.split_ascii_whitespace().filter_map(|word| word.parse::<i32>().ok()));
        }
    }
    found
}

/// The processes of these numbers and all their descendants, dead ones left out, each once.
#[must_use]
pub fn trees(roots: &[i32]) -> Vec<Process> {
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut waiting = roots.to_vec();
    while let Some(pid) = waiting.pop() {
        if !seen.insert(pid) {
            continue;
        }
        if let Some(process) = Process::look(pid) {
            waiting.extend(children(pid));
            if !process.is_dead() {
                found.push(process);
            }
        }
    }
    found
}

/// All processes that can be seen.
#[must_use]
pub fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Sends a signal by number to the process behind a handle. A process that is gone is no failure.
pub fn send(handle: &OwnedFd, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        // Gone, or not ours to signal: the caller looks again and sees which.
        let _ = pidfd_send_signal(handle, signal);
    }
}

/// Waits until one of the processes has ended, at most so many milliseconds.
pub fn wait_for_any(handles: &[OwnedFd], milliseconds: u64) {
    let mut polled: Vec<PollFd<'_>> =
        handles.iter().map(|handle| PollFd::new(handle, PollFlags::IN)).collect();
    let wait = i64::try_from(milliseconds).unwrap_or(1000);
    let limit = Timespec { tv_sec: wait / 1000, tv_nsec: wait % 1000 * 1_000_000 };
    // Interrupted is as good as ended: the caller looks again.
    let _ = poll(&mut polled, Some(&limit));
}
