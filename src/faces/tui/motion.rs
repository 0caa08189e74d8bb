//! The one place where anything moves: spinners, clocks, and when the next picture is due.
//!
//! Not here: what is drawn otherwise. A test holds that no other file of the screens has the signs of a spinner.
//! Start with `Motion::spinner` and `Motion::next_frame`. Time comes in as an argument.

use std::time::Duration;

use crate::faces::signs::State;
pub use crate::faces::words::clock;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "motion_tests.rs"]
mod tests;

/// The signs of a spinner, in their order.
const SPINNER: [&str; 8] = ["⠹", "⢸", "⣰", "⣤", "⣆", "⡇", "⠏", "⠛"];
const SPINNER_ASCII: [&str; 4] = ["|", "/", "-", "\\"];

/// How long one sign of a spinner stays.
const SPINNER_STEP: Duration = Duration::from_millis(100);
/// How long a clock shows the same.
const CLOCK_STEP: Duration = Duration::from_secs(1);
const SLOW_CLOCK_STEP: Duration = Duration::from_secs(10);

/// How much moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    #[default]
    Full,
    /// Clocks, but nothing that turns.
    Reduced,
    /// Clocks every ten seconds.
    None,
}

impl Motion {
    /// Returns the motion of that name, as the setting `ui.motion` has it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "reduced" => Self::Reduced,
            "none" => Self::None,
            _ => Self::Full,
        }
    }

    /// Returns the sign for something that runs, one column wide, so long after the screen began.
    #[must_use]
    pub fn spinner(self, elapsed: Duration, ascii: bool) -> &'static str {
        let frames: &[&str] = match (self, ascii) {
            (Self::Full, false) => &SPINNER,
            (Self::Full, true) => &SPINNER_ASCII,
            // In place of a spinner, where nothing may turn.
            (Self::Reduced | Self::None, ascii) => return State::Running.sign(ascii),
        };
        let turn = elapsed.as_millis() / SPINNER_STEP.as_millis() % frames.len() as u128;
        frames[usize::try_from(turn).unwrap_or(0)]
    }

    /// Returns how long a spinner shows the same; nothing if it stands still.
    #[must_use]
    pub fn spinner_step(self) -> Option<Duration> {
        (self == Self::Full).then_some(SPINNER_STEP)
    }

    /// Returns how long a clock shows the same.
    #[must_use]
    pub fn clock_step(self) -> Duration {
        if self == Self::None { SLOW_CLOCK_STEP } else { CLOCK_STEP }
    }

    /// Returns the time that all clocks of one picture show. Since it moves in whole steps, they all change at once, and
    /// a hundred clocks cost as many pictures as one.
    #[must_use]
    pub fn shown(self, now: Timestamp) -> Timestamp {
        let step = i64::try_from(self.clock_step().as_micros()).unwrap_or(i64::MAX);
        Timestamp(now.0 - now.0.rem_euclid(step))
    }

    /// Returns what a clock shows that was started then and still runs: `0:04`, `1:02:03`. Without motion the seconds are
    /// rounded down to tens.
    #[must_use]
    pub fn running_clock(self, started: Timestamp, now: Timestamp) -> String {
        let elapsed = self.shown(now).since(started);
        let step = self.clock_step().as_secs();
        clock(Duration::from_secs(elapsed.as_secs() / step * step))
    }

    /// Returns how long the picture of this moment stays true, if it has clocks and spinners: the time until the next
    /// one is due. Nothing if it shows neither.
    #[must_use]
    pub fn next_frame(self, now: Timestamp, has_clock: bool, has_spinner: bool) -> Option<Duration> {
        let spinner = self.spinner_step().filter(|_| has_spinner);
        let clock = Some(self.clock_step()).filter(|_| has_clock);
        let step = spinner.or(clock)?;
        let micros = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
        let over = u64::try_from(now.0.rem_euclid(micros)).unwrap_or(0);
        Some(step.saturating_sub(Duration::from_micros(over)))
    }
}
