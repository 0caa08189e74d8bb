//! Running the program: to its end, or alive and steered. A program that does not end in time is killed with its process
//! group, and the test fails with everything it had printed.
//!
//! Not here: the environment it gets (`sandbox.rs`), what is left after it (`census.rs`).

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Resource, Rlimit, pidfd_open, prlimit};

use super::stream::Stream;

/// A command line that has not started yet.
#[must_use]
pub(crate) struct Call {
    command: Command,
    limit: Duration,
}

impl Call {
    pub(super) fn new(command: Command) -> Self {
        Self { command, limit: Duration::from_secs(60) }
    }

    /// Adds an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Ran {
        self.start().wait()
    }

    /// Starts it, to be steered.
    pub(crate) fn start(mut self) -> Live {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let started = Instant::now();
        let mut child = self.command.spawn().unwrap_or_else(|error| {
            let program = self.command.get_program().display();
            panic!("`{program}` does not start: {error}; tests/all installs what is missing")
        });
        let out = Stream::collect(child.stdout.take().expect("it is piped"));
        let err = Stream::collect(child.stderr.take().expect("it is piped"));
        let what = format!("{:?}", self.command.get_args().collect::<Vec<_>>());
        Live { child, out, err, what, deadline: started + self.limit, has_ended: false }
    }
}

/// The program while it runs.
#[must_use]
pub(crate) struct Live {
    child: Child,
    out: Stream,
    err: Stream,
    what: String,
    deadline: Instant,
    has_ended: bool,
}

impl Live {
    /// Waits until standard output holds the text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        if !self.out.wait_for(text, self.deadline) {
            self.fail(&format!("`{text}` was not printed"));
        }
    }

    /// Says whether standard output holds the text by now.
    #[cfg(feature = "faults")]
    pub(crate) fn has_said(&self, text: &str) -> bool {
        self.out.text().contains(text)
    }

    /// Sends it a signal, alone.
    pub(crate) fn signal(&mut self, signal: Signal) {
        kill(self.pid(), signal).expect("it is our child and not yet waited for");
    }

    /// Its process number.
    pub(crate) fn id(&self) -> i32 {
        self.pid().as_raw()
    }

    /// The process number of its keeper, which must be there.
    #[track_caller]
    pub(crate) fn keeper(&self) -> i32 {
        keeper_of(self.id())
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        let status = self.end();
        if !self.out.wait_for_end(self.deadline) || !self.err.wait_for_end(self.deadline) {
            self.fail("it ended, but something it started still holds its output");
        }
        Ran { status, out: self.out.text(), err: self.err.text(), what: self.what.clone() }
    }

    fn end(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("it is our child and not yet waited for");
        let left = self.deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).expect("a minute fits");
        let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
        if poll(&mut fds, Some(&timeout)) == Ok(0) {
            self.fail("it did not end in time");
        }
        self.has_ended = true;
        self.child.wait().expect("it has ended")
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are small"))
    }

    fn fail(&mut self, why: &str) -> ! {
        self.kill_group();
        panic!("{}: {why}\n--- stdout\n{}\n--- stderr\n{}", self.what, self.out.text(), self.err.text());
    }

    fn kill_group(&mut self) {
        // Nobody else can have its number before we have waited for it.
        if !self.has_ended && killpg(self.pid(), Signal::SIGKILL).is_ok() {
            self.has_ended = self.child.wait().is_ok();
        }
    }
}

/// Waits until something holds that nobody tells of; fails when it does not come.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come");
        let pause = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        // Between two looks; nothing is to be read.
        poll(&mut [], Some(&pause)).unwrap_or_default();
    }
}

/// Returns the process number of the keeper of a program, which must be there.
pub(crate) fn keeper_of(program: i32) -> i32 {
    let children = keepers_of(program);
    assert_eq!(children.len(), 1, "keepers of {program}: {children:?}");
    children[0]
}

fn keepers_of(parent: i32) -> Vec<i32> {
    let children = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let children = children.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<i32> = children
        .flat_map(|line| line.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect();
    let is_keeper = |pid: &i32| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.contains("__keeper"))
    };
    children.into_iter().filter(is_keeper).collect()
}

/// Makes every write of a process beyond that size of a file fail.
pub(crate) fn limit_file_size(pid: i32, bytes: u64) {
    let limit = Rlimit { current: Some(bytes), maximum: None };
    prlimit(rustix::process::Pid::from_raw(pid), Resource::Fsize, limit).expect("it is a process of ours");
}

impl Drop for Live {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// How the program ended, and all it printed.
#[must_use]
pub(crate) struct Ran {
    status: ExitStatus,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
    what: String,
}

impl Ran {
    /// Holds it to an exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.all());
        self
    }

    /// Says whether it ended with that exit code.
    #[must_use]
    pub(crate) fn is_code(&self, code: i32) -> bool {
        self.status.code() == Some(code)
    }

    /// Says whether it ended by that signal.
    #[cfg(feature = "faults")]
    #[must_use]
    pub(crate) fn is_signalled(&self, signal: Signal) -> bool {
        self.status.signal() == Some(signal as i32)
    }

    /// Holds it to an end by a signal.
    #[track_caller]
    pub(crate) fn signalled(self, signal: Signal) -> Self {
        assert_eq!(self.status.signal(), Some(signal as i32), "{}", self.all());
        self
    }

    /// Holds standard output to a text somewhere in it.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no `{text}` in\n{}", self.all());
        self
    }

    /// Holds standard error to a text somewhere in it.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no complaint `{text}` in\n{}", self.all());
        self
    }

    /// Reads standard output as one JSON value a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in `{line}`\n{}", self.all()))
        };
        self.out.lines().map(read).collect()
    }

    /// Says that the test needs nothing more from it.
    pub(crate) fn done(self) {}

    fn all(&self) -> String {
        format!("{}: {}\n--- stdout\n{}\n--- stderr\n{}", self.what, self.status, self.out, self.err)
    }
}
