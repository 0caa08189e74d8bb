//! Waits for a time on the wall, and hears when somebody changes that clock.
//!
//! The system's timer is told the time itself, not how long it is until then, so that suspended machines wake up right
//! and nothing has to be looked at in between.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::engine::clock;
use crate::logic::time::Timestamp;

/// Without a time to wait for, so far ahead it is looked again; changes of the clock are heard all the same.
const FAR: i64 = 7 * 86_400 * 1_000_000;

/// A timer on the wall's clock.
pub(super) struct Timer(OwnedFd);

impl Timer {
    /// Returns a timer that is not set.
    ///
    /// # Errors
    /// If this process may not open more files.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(timerfd_create(TimerfdClockId::Realtime, flags)?))
    }

    /// Rings at that time, or as soon as the clock is changed.
    ///
    /// # Errors
    /// If the system refuses, which it has no reason to.
    pub(super) fn set(&self, at: Option<Timestamp>) -> io::Result<()> {
        let now = clock::now();
        let at = at.map_or(now.0.saturating_add(FAR), |at| at.0);
        // The clock of the tests is only wrong by a distance.
        let real = (at - clock::wrong_by()).max(1);
        let value = Timespec { tv_sec: real / 1_000_000, tv_nsec: (real % 1_000_000) * 1000 };
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&self.0, flags, &Itimerspec { it_interval: once, it_value: value })?;
        Ok(())
    }

    /// Ends the ringing.
    pub(super) fn hush(&self) {
        // Says with an error that the clock was changed, which whoever looks at it sees anyway.
        let _read = rustix::io::read(&self.0, &mut [0_u8; 8]);
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
