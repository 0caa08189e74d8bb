//! The terminal while questions are asked: without echo and line editing of its own from the first to the last, so that keys
//! that are pressed between two prompts reach the next one as they are.
//!
//! Not here: putting it right (`faces/held.rs`).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::termios::{LocalModes, SpecialCodeIndex, Termios};

use crate::faces::context::StartGuard;
use crate::faces::held::{self, Hold, Holder, LEAVE_PROMPTS};

/// The terminal, for questions; given back when this is dropped, unless somebody else has it by then.
#[derive(Debug)]
pub struct Held {
    start_guard: StartGuard,
    /// Nobody had it before, so nobody wants it back.
    is_own: bool,
}

impl Held {
    /// Takes the terminal behind standard input, unless it was passed on to prompts already.
    ///
    /// # Errors
    /// If its modes cannot be changed, or another face has it.
    pub fn take(start_guard: StartGuard) -> io::Result<Self> {
        Self::take_as(start_guard, Termios::make_raw)
    }

    /// Takes it for a line that is not shown while it is typed.
    ///
    /// # Errors
    /// As of [`Held::take`].
    pub(super) fn without_echo(start_guard: StartGuard) -> io::Result<Self> {
        Self::take_as(start_guard, |modes| modes.local_modes -= LocalModes::ECHO)
    }

    fn take_as(start_guard: StartGuard, change: impl FnOnce(&mut Termios)) -> io::Result<Self> {
        let take = || {
            let (input, output) = (io::stdin(), io::stderr());
            let before = rustix::termios::tcgetattr(&input)?;
            let mut during = before.clone();
            change(&mut during);
            let own = |fd: BorrowedFd<'_>| fd.try_clone_to_owned();
            let (modes, output) = (own(input.as_fd())?, own(output.as_fd())?);
            Ok(Hold { holder: Holder::Prompts, modes, output, before, during, leave: LEAVE_PROMPTS })
        };
        let is_own = held::hold(start_guard, take, Holder::Prompts)?;
        Ok(Self { start_guard, is_own })
    }

    /// Lets what is printed look right and signals come, while keys still wait unseen for the face that comes next. That one
    /// takes the terminal over; if none does, it is given back when this is dropped.
    ///
    /// # Errors
    /// If the modes cannot be changed; they stay as they were then.
    pub fn waits(&self) -> io::Result<()> {
        if !self.is_own {
            return Ok(());
        }
        held::wait_for_next(self.start_guard, |modes| {
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_own && (held::is_held(Holder::Prompts) || held::is_held(Holder::Next)) {
            held::give_back();
        }
    }
}
