//! The terminal while questions are asked: without echo and line editing of its own from the first to the last, so that keys
//! that are pressed between two prompts reach the next one as they are.
//!
//! Not here: putting it right (`faces/held.rs`).

use std::io;

use crate::faces::context::StartGuard;
use crate::faces::held::{self, Hold, Holder, LEAVE_PROMPTS};

/// The terminal, for questions; given back when this is dropped.
#[derive(Debug)]
pub struct Held {
    /// Nobody had it before, so nobody wants it back.
    is_own: bool,
}

impl Held {
    /// Takes the terminal behind standard input, unless it was passed on to prompts already.
    ///
    /// # Errors
    /// If its modes cannot be changed, or another face has it.
    pub fn take(start_guard: StartGuard) -> io::Result<Self> {
        let take = || {
            let (input, output) = (io::stdin(), io::stderr());
            let before = rustix::termios::tcgetattr(&input)?;
            let mut during = before.clone();
            during.make_raw();
            let own = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned();
            let (modes, output) =
                (own(std::os::fd::AsFd::as_fd(&input))?, own(std::os::fd::AsFd::as_fd(&output))?);
            Ok(Hold { holder: Holder::Prompts, modes, output, before, during, leave: LEAVE_PROMPTS })
        };
        let is_own = held::hold(start_guard, take, Holder::Prompts)?;
        Ok(Self { is_own })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_own {
            held::give_back();
        }
    }
}
