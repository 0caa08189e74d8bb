//! A program on a pseudo terminal: keys in, pictures out, with everything a person at a terminal can do to it.
//!
//! Not here: the environment (`../sandbox.rs`). Start with `Call`, then `Terminal::wait_for` and `Terminal::keys`. Knows
//! nothing of the rest of the kit, so that the benchmarks can use it too.

mod emulator;
mod ended;
mod hands;
mod keys;
mod modes;
mod reader;
mod session;
mod shot;
mod svg;

use std::ffi::{OsStr, OsString};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pty_process::blocking::Pty;

pub(crate) use ended::Ended;
pub(crate) use keys::Mouse;
pub(crate) use modes::Modes;
use reader::{Reader, Watch};
use session::{Program, Session};
pub(crate) use shot::Shot;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A program on a terminal that has not started yet.
#[must_use]
pub(crate) struct Call {
    program: Program,
    size: (u16, u16),
    leads: bool,
}

impl Call {
    /// Takes a program, its folder, and all of its environment except `TERM`, which says xterm. Columns come first.
    pub(crate) fn new(
        words: impl IntoIterator<Item = OsString>,
        folder: &Path,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        size: (u16, u16),
    ) -> Self {
        let program = Program {
            words: words.into_iter().collect(),
            folder: folder.to_owned(),
            env: env.into_iter().collect(),
        };
        Self { program, size, leads: false }.env("TERM", "xterm-256color")
    }

    /// Adds an environment variable.
    pub(crate) fn env(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let mut call = self.env_remove(name);
        call.program.env.push((name.into(), value.as_ref().to_owned()));
        call
    }

    /// Leaves out an environment variable.
    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.program.env.retain(|(known, _)| known != name);
        self
    }

    /// Makes it the leader of its session, as a terminal's `-e` does, and not a shell's job.
    ///
    /// Then the kernel ignores ctrl-Z, sends it SIGHUP itself, and sets the line back when it ends.
    pub(crate) fn leading(mut self) -> Self {
        self.leads = true;
        self
    }

    /// Starts it.
    pub(crate) fn start(self) -> Terminal {
        self.start_with(None)
    }

    /// Starts it and returns how long it took from there until the screen was so.
    #[track_caller]
    pub(crate) fn start_until(
        self,
        is_so: impl FnMut(&Shot) -> bool + Send + 'static,
    ) -> (Terminal, Duration) {
        let terminal = self.start_with(Some(Box::new(is_so)));
        match terminal.reader.wait_for_seen(terminal.started + LIMIT) {
            Some(seen) => {
                let took = seen.saturating_duration_since(terminal.started);
                (terminal, took)
            }
            None => terminal.fail("it did not show what it was started for"),
        }
    }

    fn start_with(self, watch: Option<Watch>) -> Terminal {
        let what = self.program.words.iter().map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let (master, slave) = pty_process::blocking::open().expect("a pseudo terminal is free");
        let (columns, rows) = self.size;
        master.resize(pty_process::Size::new(rows, columns)).expect("a pseudo terminal has a size");
        let name = format!("/proc/self/fd/{}", slave.as_raw_fd());
        let slave_path = std::fs::read_link(name).expect("Linux has /proc");
        let master = Arc::new(master);
        let reader = Reader::start(Arc::clone(&master), self.size);
        if let Some(watch) = watch {
            reader.watch(watch);
        }
        let started = Instant::now();
        let start = if self.leads { Session::leading } else { Session::under_leader };
        let session = start(&self.program, slave);
        Terminal { what, master: Some(master), slave_path, reader, session, started, has_sent_escape: false }
    }
}

/// A program on a terminal.
#[must_use]
pub(crate) struct Terminal {
    what: String,
    /// Nothing once it has hung up.
    master: Option<Arc<Pty>>,
    slave_path: PathBuf,
    reader: Reader,
    session: Session,
    started: Instant,
    has_sent_escape: bool,
}

// ------------------------------------------------------------------------------------------------ looking

impl Terminal {
    /// What is on the glass now.
    pub(crate) fn shot(&self) -> Shot {
        self.reader.lock().emulator.shot()
    }

    /// Waits until some row holds the text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> Shot {
        self.wait_until(&format!("`{text}` on the screen"), |shot| shot.has(text))
    }

    /// Waits until no row holds the text.
    #[track_caller]
    pub(crate) fn wait_gone(&self, text: &str) -> Shot {
        self.wait_until(&format!("`{text}` gone from the screen"), |shot| !shot.has(text))
    }

    /// Waits until the screen is so.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&Shot) -> bool) -> Shot {
        let deadline = Instant::now() + LIMIT;
        let state = self.reader.wait(deadline, |state| state.has_ended || is_so(&state.emulator.shot()));
        let (shot, has_ended) = (state.emulator.shot(), state.has_ended);
        drop(state);
        if !is_so(&shot) {
            self.fail(&format!(
                "waited for {what}{}",
                if has_ended { ", but the program ended" } else { "" }
            ));
        }
        shot
    }

    /// Waits until these bytes were received, shown or not.
    #[track_caller]
    pub(crate) fn wait_for_bytes(&self, bytes: &str) {
        let has_come = |raw: &[u8]| memchr::memmem::find(raw, bytes.as_bytes()).is_some();
        let state = self.reader.wait(Instant::now() + LIMIT, |state| state.has_ended || has_come(&state.raw));
        let came = has_come(&state.raw);
        drop(state);
        if !came {
            self.fail(&format!("waited for the bytes {bytes:?}"));
        }
    }

    /// How many bytes were received.
    pub(crate) fn bytes(&self) -> usize {
        self.reader.lock().raw.len()
    }

    /// How many bytes come in that time: a measurement, not a way to wait.
    pub(crate) fn bytes_during(&self, time: Duration) -> usize {
        let before = self.bytes();
        self.reader.wait(Instant::now() + time, |_| false).raw.len() - before
    }

    /// All bytes received.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.reader.lock().raw.clone()
    }

    /// When each synchronized update ended, counted from the start.
    pub(crate) fn frames(&self) -> Vec<Duration> {
        self.reader
            .lock()
            .emulator
            .frames
            .iter()
            .map(|at| at.saturating_duration_since(self.started))
            .collect()
    }

    /// Rows that have left the normal screen at its top.
    pub(crate) fn history(&self) -> Vec<String> {
        self.reader.lock().emulator.heard().history.clone()
    }

    /// What the program has put into the clipboard by OSC 52, in base64 as it came.
    pub(crate) fn copied(&self) -> Vec<String> {
        self.reader.lock().emulator.heard().copied.clone()
    }

    /// How the line is set up. Not after the end of a program that led its session: the kernel has set it back then.
    pub(crate) fn modes(&self) -> Modes {
        let is_reset = !self.session.is_led() && self.session.has_ended();
        assert!(
            !is_reset,
            "{}: the line was set back with the end of its session; not with `leading`",
            self.what
        );
        Modes::of(self.master())
    }

    /// The process group that the terminal listens to.
    pub(crate) fn foreground(&self) -> i32 {
        rustix::termios::tcgetpgrp(self.master()).map_or(0, |group| group.as_raw_nonzero().get())
    }

    /// Holds the terminal to what it was before a program used it: screen, modes and line.
    #[track_caller]
    pub(crate) fn assert_restored(&self, before: &Modes) {
        let left = self.left_behind(before);
        if !left.is_empty() {
            self.fail(&format!("left behind: {}", left.join("; ")));
        }
    }

    /// What is not as it was before a program used the terminal, in words.
    pub(crate) fn left_behind(&self, before: &Modes) -> Vec<String> {
        let mut left = self.reader.lock().emulator.drawn().left_behind();
        let modes = self.modes();
        if modes != *before {
            left.push(format!("the line was {before:?} and is {modes:?}"));
        }
        left
    }
}
