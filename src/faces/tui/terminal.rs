//! The terminal while a full screen has it: entering, leaving once, one write per frame.
//!
//! Everything that changes the terminal is here and in [`ENTER`] and [`LEAVE`]. It is put right by `leave_now` in
//! `faces/held.rs`. Not here: what is drawn (`draw.rs`), when (`pace.rs`).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::screen::Keys;
use crate::faces::context::StartGuard;
use crate::faces::held::{self, Hold, Holder};

/// Saves the title.
const SAVE_TITLE: &str = "\x1b[22;0t";

/// Enters the other screen without a cursor, and asks for pastes.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[0m\x1b[2J\x1b[H";

/// Asks for clicks, drags and the wheel, or leaves them to the terminal.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Takes all of that back, whatever was half written. The first byte ends a sequence that was cut off.
const LEAVE: &str = "\x18\x1b[?2026l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?7h\x1b[r\
    \x1b[?1049l\x1b[?25h\x1b[23;0t";

/// Empties the other screen. tmux, made smaller while that was on, would leave rows of it above what it shows then.
const EMPTY: &str = "\x18\x1b[?2026l\x1b[0m\x1b[r\x1b[2J";

/// Terminals that know it show what is between the two at once.
const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";
const END_FRAME: &[u8] = b"\x1b[?2026l";

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;

/// The terminal, and what it shows.
pub struct Terminal {
    start_guard: StartGuard,
    output: OwnedFd,
    shown: Buffer,
    title: String,
    frame: Vec<u8>,
    /// Everything is to be written again, after a clear.
    is_stale: bool,
    /// The other screen is on, unless it was left in the middle of something.
    has_entered: bool,
    /// The mouse is ours and not the terminal's, while a screen is on.
    mouse: bool,
    /// Nobody wants the frame that is being written any more.
    abandoned: Arc<AtomicBool>,
    /// Kept from one loop to the next.
    pub(super) keys: Option<Keys>,
    /// Frames that were written.
    pub frames: u64,
}

impl Terminal {
    /// Opens the terminal behind standard output, without changing anything yet.
    ///
    /// # Errors
    /// If standard output is none, or it cannot be opened anew.
    pub fn open(start_guard: StartGuard) -> io::Result<Self> {
        // Themes decide about colours. Left to the library, NO_COLOR would take bold and reverse along.
        crossterm::style::force_color_output(true);
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        // Opened anew, so that not blocking is ours alone and not that of every program at this terminal.
        Self::on(rustix::fs::open("/proc/self/fd/1", flags, Mode::empty())?, start_guard)
    }

    fn on(output: OwnedFd, start_guard: StartGuard) -> io::Result<Self> {
        rustix::termios::tcgetattr(&output)?;
        Ok(Self {
            start_guard,
            output,
            shown: Buffer::empty(Rect::ZERO),
            title: String::new(),
            frame: Vec::new(),
            is_stale: true,
            has_entered: false,
            mouse: true,
            abandoned: Arc::default(),
            keys: None,
            frames: 0,
        })
    }

    /// Returns the switch that makes a write to a terminal that reads nothing give up. It stays on until it is put back.
    #[must_use]
    pub fn abandon_switch(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.abandoned)
    }

    /// Returns columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        rustix::termios::tcgetwinsize(&self.output).map_or((80, 24), |size| (size.ws_col, size.ws_row))
    }

    /// Says whether this process may use the terminal now; in the background it may not.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let group = rustix::process::getpgrp();
        rustix::termios::tcgetpgrp(&self.output).is_ok_and(|it| it == group)
    }

    /// Takes the terminal, if it has not been taken yet; what is shown is to be drawn anew.
    ///
    /// # Errors
    /// If its modes cannot be changed, or no guard can be started.
    pub fn enter(&mut self) -> io::Result<()> {
        self.is_stale = true;
        self.title.clear();
        let take = || {
            let before = rustix::termios::tcgetattr(&self.output)?;
            let mut during = before.clone();
            during.make_raw();
            let (modes, output) = (self.output.try_clone()?, self.output.try_clone()?);
            Ok(Hold { holder: Holder::Screen, modes, output, before, during, leave: LEAVE })
        };
        if held::hold(self.start_guard, take, Holder::Screen)? {
            self.write(SAVE_TITLE.as_bytes())?;
            self.write(ENTER.as_bytes())?;
            self.has_entered = true;
            self.write_mouse()?;
        }
        Ok(())
    }

    /// Sets the modes again, for somebody else may have changed them while this process was stopped.
    ///
    /// # Errors
    /// If they cannot be set.
    pub fn enter_again(&mut self) -> io::Result<()> {
        if !held::is_held(Holder::Screen) {
            return self.enter();
        }
        self.is_stale = true;
        self.title.clear();
        held::hold_again()?;
        self.write(ENTER.as_bytes())?;
        self.write_mouse()
    }

    /// Says whether the mouse is ours while a screen is on; otherwise it is the terminal's.
    #[must_use]
    pub fn has_mouse(&self) -> bool {
        self.mouse
    }

    /// Takes the mouse or leaves it to the terminal, now and whenever the terminal is taken.
    ///
    /// # Errors
    /// If the terminal is gone, or the write was abandoned.
    pub fn set_mouse(&mut self, is_ours: bool) -> io::Result<()> {
        self.mouse = is_ours;
        self.write_mouse()
    }

    fn write_mouse(&mut self) -> io::Result<()> {
        self.write(if self.mouse { MOUSE_ON } else { MOUSE_OFF }.as_bytes())
    }

    /// Gives the terminal back.
    pub fn leave(&mut self) {
        // Only where the other screen is on for sure: this one is not ours.
        held::leave_after(if std::mem::take(&mut self.has_entered) { EMPTY } else { "" });
        if self.keys.take().is_some() {
            // The stream is gone, but the call that wakes its thread may still be waiting to be seen. Seen together with a
            // key it would hide that key from the next stream.
            let _seen = crossterm::event::poll(Duration::ZERO);
        }
        self.is_stale = true;
    }

    /// Shows the normal screen and lets prompts have the terminal, in the modes that it has: no key is lost on the way.
    ///
    /// # Errors
    /// If it is not taken, or the terminal is gone.
    pub fn hand_over(&mut self) -> io::Result<()> {
        // The stream of keys stays. Nobody asks it meanwhile, and what it wakes for waits in the queue that prompts read,
        // too. Ending it would leave a call to its thread behind, and a key that is seen together with that is not heard of.
        self.write(EMPTY.as_bytes())?;
        self.write(LEAVE.as_bytes())?;
        self.has_entered = false;
        held::pass_on(self.start_guard, Holder::Prompts, held::LEAVE_PROMPTS)
    }

    /// Shows the normal screen and lets another program have the terminal, as it was before. It is taken back as from prompts.
    ///
    /// # Errors
    /// If it is not taken, or the terminal is gone.
    pub fn lend(&mut self) -> io::Result<()> {
        // Nobody reads keys meanwhile: the thread of the stream waits for one only while somebody asks the stream.
        // The modes come first: whoever sees the screen gone presses keys.
        held::lend()?;
        self.hand_over()
    }

    /// Takes the terminal back from prompts; everything is to be drawn anew.
    ///
    /// # Errors
    /// If they have not got it any more, or the terminal is gone.
    pub fn take_back(&mut self) -> io::Result<()> {
        held::pass_on(self.start_guard, Holder::Screen, LEAVE)?;
        // Another program may have left it in any.
        held::hold_again()?;
        self.is_stale = true;
        self.title.clear();
        self.write(SAVE_TITLE.as_bytes())?;
        self.write(ENTER.as_bytes())?;
        self.has_entered = true;
        self.write_mouse()
    }

    /// Draws everything anew with the next frame.
    pub fn redraw(&mut self) {
        self.is_stale = true;
    }

    /// Writes what differs from what is shown, in one piece; nothing if nothing differs. Returns whether something did.
    ///
    /// # Errors
    /// If the terminal is gone, or the write was abandoned.
    pub fn show(&mut self, next: Buffer, cursor: (u16, u16), title: &str) -> io::Result<bool> {
        self.frame.clear();
        let is_new = self.is_stale || self.shown.area != next.area;
        if is_new {
            // Outside of the frame's marks: some terminals lose what is between them otherwise.
            self.frame.extend_from_slice(b"\x1b[0m\x1b[2J");
            self.shown = Buffer::empty(next.area);
        }
        self.frame.extend_from_slice(BEGIN_FRAME);
        let has_changed = super::frame::write(&mut self.frame, &self.shown, &next)?;
        if !has_changed && title == self.title && !is_new {
            return Ok(false);
        }
        // Nobody sees it, but readers and magnifiers follow it.
        let (column, row) = cursor;
        self.frame.extend_from_slice(format!("\x1b[{};{}H", row + 1, column + 1).as_bytes());
        if title != self.title {
            self.frame.extend_from_slice(format!("\x1b]2;{title}\x07").as_bytes());
            title.clone_into(&mut self.title);
        }
        self.frame.extend_from_slice(END_FRAME);
        self.shown = next;
        self.is_stale = false;
        self.frames += 1;
        let frame = std::mem::take(&mut self.frame);
        let written = self.write(&frame);
        self.frame = frame;
        written.map(|()| true)
    }

    /// Writes bytes as they are, such as a text for the clipboard.
    ///
    /// # Errors
    /// If the terminal is gone, or the write was abandoned.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.output, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if self.abandoned.load(Ordering::Relaxed) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    held::is_writable(&self.output, Duration::from_millis(50));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.output.as_fd()
    }
}
