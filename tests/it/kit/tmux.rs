//! A tmux server of its own with a shell in it: what a person sees who works in a real multiplexer.
//!
//! Not here: a bare terminal (`terminal/mod.rs`). Nothing is asked again after a while: tmux copies what the pane writes into a
//! pipe, and each piece of it is a reason to look again.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::sandbox::Sandbox;
use super::stream::Stream;

static SERVERS: AtomicU32 = AtomicU32::new(0);

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How long tmux may take to show what the shell wrote before its end.
const LAST_WORDS: Duration = Duration::from_secs(4);

const OPTIONS: [(&str, &str, &str); 6] = [
    ("-g", "status", "off"),
    ("-g", "window-size", "manual"),
    ("-g", "remain-on-exit", "on"),
    ("-g", "history-limit", "9999"),
    ("-s", "default-terminal", "screen-256color"),
    ("-s", "escape-time", "0"),
];

/// A tmux server with one pane, and `sh` in it.
pub(crate) struct Tmux {
    name: String,
    env: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    project: PathBuf,
    temporary: PathBuf,
    server: OwnedFd,
    /// Gets a copy of what the pane writes.
    news: OwnedFd,
    /// The shell, to see its end.
    shell: OwnedFd,
    lines: AtomicU32,
}

impl Tmux {
    /// Starts a server with a shell in the project of a sandbox.
    pub(crate) fn new(sandbox: &Sandbox, columns: u16, rows: u16) -> Self {
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", sandbox.mark());
        let temporary = sandbox.base().join("tmp");
        let mut env = sandbox.environment();
        env.push(("TMUX_TMPDIR".into(), temporary.clone().into()));
        let pipe = temporary.join(format!("news-{number}"));
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("the sandbox is writable");
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let news = rustix::fs::open(&pipe, flags, Mode::empty()).expect("a pipe can be opened for reading");
        let (columns, rows) = (columns.to_string(), rows.to_string());
        // Options go after the first window: set before it, some of them make the server of tmux 3.3 fall over.
        let mut words = vec!["new-session", "-d", "-x", &columns, "-y", &rows, "env", "PS1=$ ", "sh"];
        for (scope, name, value) in OPTIONS {
            words.extend([";", "set", scope, name, value]);
        }
        let start = Start { name: &name, env: &env, project: &sandbox.project() };
        start.run(&words);
        let pidfd = |name| {
            let number =
                start.run(&["display-message", "-p", name]).trim().parse().ok().and_then(Pid::from_raw);
            pidfd_open(number.expect("it is a number"), PidfdFlags::empty())
                .expect("it is there at the start")
        };
        let (server, shell) = (pidfd("#{pid}"), pidfd("#{pane_pid}"));
        start.run(&["pipe-pane", &format!("exec cat >'{}'", pipe.display())]);
        let project = sandbox.project();
        let lines = AtomicU32::new(0);
        let tmux = Self { name, env, project, temporary, server, news, shell, lines };
        tmux.wait_for("$");
        tmux
    }

    /// Types a line into the shell, or into what runs in it.
    pub(crate) fn type_line(&self, text: &str) {
        self.type_text(text);
        self.send(&["Enter"]);
    }

    /// Types a text as it is.
    pub(crate) fn type_text(&self, text: &str) {
        self.run(&["send-keys", "-l", "--", text]);
    }

    /// Presses keys by tmux's names: `Escape`, `Down`, `C-c`, `j`.
    pub(crate) fn send(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Has the shell run a line and waits until it is done with it.
    pub(crate) fn finish_line(&self, text: &str) {
        let channel = format!("line-{}", self.lines.fetch_add(1, Ordering::Relaxed));
        self.type_line(&format!("{text}; tmux wait-for -S {channel}"));
        self.run(&["wait-for", &channel]);
    }

    /// How the line is set up, in the words of `stty -g`.
    pub(crate) fn stty(&self) -> String {
        let path = self.temporary.join("stty");
        self.finish_line(&format!("stty -g >'{}'", path.display()));
        std::fs::read_to_string(path).expect("the shell has written it").trim().to_owned()
    }

    /// The screen as text.
    pub(crate) fn capture(&self) -> String {
        self.run(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    /// The screen as text with its styles as escape sequences.
    pub(crate) fn capture_styled(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"]).trim_end().to_owned()
    }

    /// The screen and all that has left it at its top.
    pub(crate) fn capture_history(&self) -> String {
        self.run(&["capture-pane", "-p", "-S", "-"]).trim_end().to_owned()
    }

    /// Waits until the screen holds the text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("`{text}` on the screen"), |tmux| {
            let screen = tmux.capture();
            screen.contains(text).then_some(screen)
        })
    }

    /// Waits until something is there; what is looked at must come of what the pane writes.
    #[track_caller]
    pub(crate) fn wait_until<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let mut deadline = Instant::now() + LIMIT;
        let mut watched = vec![&self.news, &self.shell];
        loop {
            // What comes after this wakes the next round.
            self.forget_news();
            if let Some(found) = look(self) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let end = if watched.len() == 1 { ", but the shell has ended" } else { "" };
                panic!("tmux: waited for {what}{end}\n{}", self.capture());
            }
            let timeout = Timespec::try_from(left).expect("seconds fit");
            let mut fds: Vec<PollFd<'_>> = watched.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
            poll(&mut fds, Some(&timeout)).unwrap_or_default();
            if fds.get(1).is_some_and(|shell| !shell.revents().is_empty()) {
                // tmux may still be reading what it wrote at last.
                deadline = deadline.min(Instant::now() + LAST_WORDS);
                watched.truncate(1);
            }
        }
    }

    /// Changes the size; what runs in the pane gets SIGWINCH.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.run(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// The process number of the shell.
    pub(crate) fn pane_pid(&self) -> i32 {
        self.format("pane_pid").parse().expect("tmux knows whom it started")
    }

    pub(crate) fn alternate_on(&self) -> bool {
        self.flag("alternate_on") == Some(true)
    }

    pub(crate) fn cursor_visible(&self) -> bool {
        self.flag("cursor_flag") == Some(true)
    }

    pub(crate) fn mouse_on(&self) -> bool {
        self.flag("mouse_any_flag") == Some(true)
    }

    /// A flag by the name that tmux has for it; none if this version does not have it.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        let value = self.format(name);
        (!value.is_empty()).then(|| value == "1")
    }

    /// What tmux says to one of its names for things.
    pub(crate) fn format(&self, name: &str) -> String {
        self.run(&["display-message", "-p", &format!("#{{{name}}}")]).trim_end().to_owned()
    }

    fn run(&self, words: &[&str]) -> String {
        Start { name: &self.name, env: &self.env, project: &self.project }.run(words)
    }

    /// Reads what the pane has written so far, so that the pipe is only readable by what is new.
    fn forget_news(&self) {
        let mut buffer = [0; 4096];
        while matches!(rustix::io::read(&self.news, &mut buffer), Ok(1..) | Err(rustix::io::Errno::INTR)) {}
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // Everything in its panes hangs up when it ends. It must be gone before the sandbox is.
        pidfd_send_signal(&self.server, Signal::TERM).unwrap_or_default();
        let moment = Timespec { tv_sec: 5, tv_nsec: 0 };
        if poll(&mut [PollFd::new(&self.server, PollFlags::IN)], Some(&moment)) != Ok(1) {
            pidfd_send_signal(&self.server, Signal::KILL).unwrap_or_default();
        }
    }
}

/// What every call of tmux needs.
struct Start<'a> {
    name: &'a str,
    env: &'a [(std::ffi::OsString, std::ffi::OsString)],
    project: &'a PathBuf,
}

impl Start<'_> {
    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.args(["-L", self.name, "-f", "/dev/null"]).args(words).current_dir(self.project).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = command.spawn();
        if started.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
            panic!("tmux is missing; apt-get install tmux");
        }
        let mut child = started.expect("it is there and can be started");
        let out = Stream::collect(child.stdout.take().expect("it is piped"));
        let err = Stream::collect(child.stderr.take().expect("it is piped"));
        let deadline = Instant::now() + LIMIT;
        // The server inherits neither: it opens its own.
        if !out.wait_for_end(deadline) || !err.wait_for_end(deadline) {
            // It may end by itself meanwhile, which is as good.
            child.kill().unwrap_or_default();
            panic!("tmux {words:?} did not end in time");
        }
        let status = child.wait().expect("it is our child");
        assert!(status.success(), "tmux {words:?}: {status}: {}", err.text());
        out.text()
    }
}
