//! The terminal's modes while keys are read one by one. They are taken and put right by `faces/held.rs`.
//!
//! Only line buffering and echo are switched off. Signals stay, so Ctrl-C and Ctrl-Z are what they always are, and so
//! does the handling of line breaks. If this process is killed, the guard puts the modes right and removes the rows.
//! Not here: what keys mean (`keys.rs`), rows (`sheet.rs`).

use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, SpecialCodeIndex, Termios};

use crate::faces::context::StartGuard;
use crate::faces::held::{self, Hold, Holder};

/// Ends what was half written, removes the rows from the cursor on, and takes back colours and a hidden cursor. What
/// stands before the cursor may be the prompt of a shell that was quicker than the guard.
const LEAVE: &str = "\x18\x1b[?2026l\x1b[0m\x1b[J\x1b[?25h";

/// Says whether keys are read one by one now.
#[must_use]
pub(super) fn is_taken() -> bool {
    held::is_held(Holder::Rows)
}

/// Lets keys come one by one and unseen, until the modes are given back.
///
/// # Errors
/// If standard input is no terminal, its modes cannot be changed, or no guard can be started.
pub(super) fn take(start_guard: StartGuard) -> io::Result<()> {
    let take = || {
        let modes = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
        let before = rustix::termios::tcgetattr(&modes)?;
        let during = unbuffered(&before);
        // Rows are written to standard output, which may be the same terminal opened otherwise.
        let output = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
        Ok(Hold { holder: Holder::Rows, modes, output, before, during, leave: LEAVE })
    };
    held::hold(start_guard, take, Holder::Rows).map(|_| ())
}

/// Puts everything right when it goes, however that comes about.
pub(super) struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        held::leave_now();
    }
}

fn unbuffered(before: &Termios) -> Termios {
    let mut during = before.clone();
    during.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO);
    during.special_codes[SpecialCodeIndex::VMIN] = 1;
    during.special_codes[SpecialCodeIndex::VTIME] = 0;
    during
}

/// Returns the columns and rows of the terminal behind standard output.
#[must_use]
pub fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        // A terminal that nobody told its size.
        Ok(size) if size.ws_col == 0 || size.ws_row == 0 => (80, 24),
        Ok(size) => (size.ws_col, size.ws_row),
        Err(_) => (80, 24),
    }
}

/// Says whether this process may use the terminal now; in the background it may not.
#[must_use]
pub(super) fn is_ours() -> bool {
    // Without a group in front nobody is in the background.
    rustix::termios::tcgetpgrp(io::stdout()).is_ok_and(|group| group == rustix::process::getpgrp())
        || rustix::termios::tcgetpgrp(io::stdout()).is_err()
}

/// Returns what was typed, without waiting; nothing if the terminal is gone.
#[must_use]
pub(super) fn typed() -> Option<Vec<u8>> {
    if !is_ready(&io::stdin(), PollFlags::IN) {
        return Some(Vec::new());
    }
    let mut bytes = vec![0; 256];
    match rustix::io::read(io::stdin(), &mut bytes) {
        Ok(0) => None,
        Ok(read) => {
            bytes.truncate(read);
            Some(bytes)
        }
        Err(Errno::INTR | Errno::AGAIN) => Some(Vec::new()),
        Err(_) => None,
    }
}

fn is_ready(fd: &impl AsFd, what: PollFlags) -> bool {
    let mut fds = [PollFd::new(fd, what)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Standard output, unbuffered. A terminal that somebody told not to block is waited for all the same.
pub(super) struct Screen;

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(io::stdout(), bytes) {
                Err(Errno::AGAIN) => {
                    let stdout = io::stdout();
                    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
                    // Interrupted or over: the write tells.
                    let _outcome = poll(&mut fds, None);
                }
                Err(Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
