//! What a person does to a terminal: types, pastes, clicks, resizes, suspends, hangs up.
//!
//! Not here: looking at it (`mod.rs`), what keys are (`keys.rs`).

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pty_process::blocking::Pty;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use vt100::MouseProtocolMode;

use super::emulator::legible;
use super::keys::{self, Mouse};
use super::{Ended, LIMIT, Shot, Terminal};

impl Terminal {
    /// Types keys: `jj<enter>/warn<esc><c-c><s-tab><up><pgdn><space><f5>`; `<lt>` for `<`.
    pub(crate) fn keys(&mut self, text: &str) {
        let is_application = self.shot().is_cursor_application();
        let mut together = Vec::new();
        for key in keys::read(text, is_application) {
            let is_escape = key == b"\x1b";
            together.extend(key);
            if is_escape {
                self.send(&std::mem::take(&mut together));
                self.has_sent_escape = true;
            }
        }
        self.send(&together);
    }

    /// Types keys and returns how long it took until the screen was so, to the moment at which the bytes arrived.
    #[track_caller]
    pub(crate) fn press_until(
        &mut self,
        text: &str,
        is_so: impl Fn(&Shot) -> bool + Send + 'static,
    ) -> Duration {
        self.act_until(&format!("`{text}` is typed"), |terminal| terminal.keys(text), is_so)
    }

    /// Does something and returns how long it took from then until the screen was so, to the moment at which the bytes arrived.
    #[track_caller]
    pub(crate) fn act_until(
        &mut self,
        what: &str,
        act: impl FnOnce(&mut Self),
        is_so: impl Fn(&Shot) -> bool + Send + 'static,
    ) -> Duration {
        if is_so(&self.shot()) {
            self.fail(&format!("it is so before {what}"));
        }
        self.reader.watch(Box::new(is_so));
        let before = Instant::now();
        act(self);
        match self.reader.wait_for_seen(before + LIMIT) {
            Some(seen) => seen.saturating_duration_since(before),
            None => self.fail(&format!("{what}, and its effect does not come")),
        }
    }

    /// Types a key until a question, which is deaf for its first moment, has heard it and is gone.
    #[track_caller]
    pub(crate) fn answer(&mut self, question: &str, key: &str) {
        self.wait_for(question);
        while self.shot().has(question) {
            self.keys(key);
            let _bytes = self.bytes_during(Duration::from_millis(100));
        }
    }

    /// Types a line in reply to a question asked in lines, once its prompt waits at the cursor: what is typed before
    /// that is shown wherever the cursor then is, in the middle of the question.
    #[track_caller]
    pub(crate) fn reply(&mut self, question: &str, line: &str) {
        self.wait_until(&format!("`{question}` and the prompt behind it"), |shot| {
            shot.has(question) && shot.row(shot.cursor().1).trim_end().ends_with('>')
        });
        let before = self.bytes();
        self.keys(&format!("{line}<enter>"));
        let deadline = Instant::now() + LIMIT;
        let state = self.reader.wait(deadline, |state| state.has_ended || state.raw.len() > before);
        let is_shown = state.raw.len() > before;
        drop(state);
        if !is_shown {
            self.fail(&format!("`{line}` is typed in reply to `{question}`, and nothing of it is shown"));
        }
    }

    /// Pastes a text, in brackets if the program asked for them.
    pub(crate) fn paste(&mut self, text: &str) {
        let text =
            if self.shot().is_paste_bracketed() { format!("\x1b[200~{text}\x1b[201~") } else { text.into() };
        self.send(text.as_bytes());
    }

    /// Uses the mouse, which the program must have asked for.
    #[track_caller]
    pub(crate) fn mouse(&mut self, mouse: Mouse) {
        if self.shot().mouse() == MouseProtocolMode::None {
            self.fail("the program has not asked for the mouse");
        }
        self.send(mouse.bytes().as_bytes());
    }

    /// Goes to the window or leaves it, which the program must want to know.
    #[track_caller]
    pub(crate) fn focus(&mut self, is_here: bool) {
        if !self.shot().reports_focus() {
            self.fail("the program has not asked for focus");
        }
        self.send(if is_here { b"\x1b[I" } else { b"\x1b[O" });
    }

    /// Changes the size; the program gets SIGWINCH.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let mut state = self.reader.lock();
        state.emulator.resize((columns, rows));
        self.master().resize(pty_process::Size::new(rows, columns)).expect("a pseudo terminal has a size");
    }

    /// Stops reading what the program writes, as a terminal that hangs or is held.
    pub(crate) fn stop_reading(&self) {
        self.reader.hold();
    }

    /// Reads again.
    pub(crate) fn go_on_reading(&self) {
        self.reader.go_on();
    }

    /// Closes the terminal; the program gets SIGHUP, from the kernel or from the shell's stand-in.
    pub(crate) fn hang_up(&mut self) {
        self.reader.leave();
        self.master = None;
        if self.session.is_led() {
            self.session.tell("hang-up");
        }
    }

    /// Sends the program a signal, alone.
    pub(crate) fn signal(&self, signal: Signal) {
        let signal = rustix::process::Signal::from_named_raw(signal as i32).expect("it has a name");
        self.session.signal(signal);
    }

    /// Kills the program.
    pub(crate) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// Brings a stopped program back to the front, as `fg` does.
    pub(crate) fn bring_to_front(&mut self) {
        self.session.tell("front");
    }

    /// Its process number.
    pub(crate) fn id(&self) -> i32 {
        self.session.id()
    }

    /// Says whether it is stopped now.
    pub(crate) fn is_stopped(&self) -> bool {
        self.session.wait(Instant::now(), |_| true).is_stopped
    }

    /// Waits until it is stopped, by ctrl-Z or a signal; the terminal is the shell's again then.
    #[track_caller]
    pub(crate) fn wait_stopped(&self) {
        let progress = self.session.wait(Instant::now() + LIMIT, |p| p.is_stopped || p.status.is_some());
        let is_stopped = progress.is_stopped && progress.status.is_none();
        drop(progress);
        if !is_stopped {
            self.fail("it did not stop");
        }
    }

    /// Waits until it is not stopped.
    #[track_caller]
    pub(crate) fn wait_running(&self) {
        let progress = self.session.wait(Instant::now() + LIMIT, |p| !p.is_stopped || p.status.is_some());
        let is_running = !progress.is_stopped && progress.status.is_none();
        drop(progress);
        if !is_running {
            self.fail("it does not run");
        }
    }

    /// Waits until the screen is so, which it returns, or until the program has ended without.
    #[track_caller]
    pub(crate) fn wait_until_or_end(&self, what: &str, is_so: impl Fn(&Shot) -> bool) -> bool {
        let deadline = Instant::now() + LIMIT;
        let state = self.reader.wait(deadline, |state| state.has_ended || is_so(&state.emulator.shot()));
        let (has_ended, came) = (state.has_ended, is_so(&state.emulator.shot()));
        drop(state);
        if !came && !has_ended {
            self.fail(&format!("waited for {what} or its end"));
        }
        came && !has_ended
    }

    /// Waits for its end and for the end of its output.
    #[track_caller]
    pub(crate) fn wait_for_end(&self) -> Ended {
        let deadline = Instant::now() + LIMIT;
        let status = self.session.wait(deadline, |p| p.status.is_some()).status;
        let Some(status) = status else { self.fail("it did not end in time") };
        if self.master.is_some() {
            self.go_on_reading();
            let has_ended = self.reader.wait(deadline, |state| state.has_ended).has_ended;
            if !has_ended {
                self.fail("it ended, but something it started still holds its terminal");
            }
        }
        Ended { status, shot: self.shot(), raw: self.raw(), what: self.what.clone() }
    }

    pub(super) fn master(&self) -> &Arc<Pty> {
        self.master.as_ref().unwrap_or_else(|| panic!("{}: it has hung up", self.what))
    }

    fn send(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.has_sent_escape) {
            self.wait_until_read();
        }
        self.master().as_ref().write_all(bytes).expect("a terminal takes what is typed");
    }

    /// An escape that is still unread would make a sequence with what comes next, which no hand types that fast.
    fn wait_until_read(&self) {
        let options = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let slave = rustix::fs::open(&self.slave_path, options, rustix::fs::Mode::empty());
        // It cannot be opened when it is hung up, and then nobody reads.
        let Ok(slave) = slave else { return };
        let deadline = Instant::now() + LIMIT;
        let is_unread = || {
            let mut fds = [PollFd::new(&slave, PollFlags::IN)];
            // The kernel brings on what is on its way before it answers.
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut fds, Some(&now)).is_ok() && fds[0].revents() == PollFlags::IN
        };
        // It tells nobody that input was read, so it is asked again and again.
        while is_unread() {
            if Instant::now() > deadline {
                self.fail("it does not read its keys");
            }
            let moment = Timespec { tv_sec: 0, tv_nsec: 200_000 };
            poll(&mut [], Some(&moment)).unwrap_or_default();
        }
    }

    #[track_caller]
    pub(super) fn fail(&self, why: &str) -> ! {
        let state = self.reader.lock();
        let (shot, drawn, raw) = (state.emulator.shot(), state.emulator.drawn(), state.raw.clone());
        drop(state);
        let status = self.session.wait(Instant::now(), |_| true).status;
        let open = if shot.text() == drawn.text() {
            String::new()
        } else {
            format!("\n--- not shown yet\n{}", drawn.text())
        };
        let tail = legible(&raw[raw.len().saturating_sub(600)..]);
        let (text, cursor) = (shot.text(), shot.cursor());
        let what = &self.what;
        panic!(
            "{what}: {why}\n--- status {status:?}, cursor {cursor:?}\n{text}{open}\n--- last bytes\n{tail}"
        );
    }
}
