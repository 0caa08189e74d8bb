//! A bell: wakes whoever waits for several things at once, from any thread.
//!
//! It is a descriptor, so that it can be waited for beside sockets and terminals. Rung often before it is heard, it is
//! heard once. Not here: what there is to hear (`bus.rs`).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

#[cfg(test)]
#[path = "bell_tests.rs"]
mod tests;

/// A bell. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Bell(Arc<OwnedFd>);

impl Bell {
    /// Returns a silent bell.
    ///
    /// # Errors
    /// If this process may not open more files.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// Wakes whoever waits for it now, or will.
    pub fn ring(&self) {
        // Full of earlier rings, it is heard all the same.
        let _rung = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Ends the ringing.
    pub fn hush(&self) {
        // Silent already.
        let _read = rustix::io::read(&self.0, &mut [0_u8; 8]);
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until something can be read from one of them, for so long at most; says whether it can. Early, with no, if a
/// signal interrupts.
pub(super) fn any_of(fds: &[BorrowedFd<'_>], limit: Duration) -> bool {
    let mut all: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let limit = Timespec::try_from(limit).ok();
    poll(&mut all, limit.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Waits until something can be read from one of them, for so long at most. Returns whether it is the first one; early,
/// with no, if a signal interrupts.
pub(super) fn first_of(fds: &[BorrowedFd<'_>], limit: Duration) -> bool {
    let mut all: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let limit = Timespec::try_from(limit).ok();
    let is_any = poll(&mut all, limit.as_ref()).is_ok_and(|ready| ready > 0);
    is_any && all.first().is_some_and(|first| !first.revents().is_empty())
}
