//! When the next frame is due: at once for a key, soon for logs, by the clock for what moves by itself.
//!
//! Pure: times come in as spans since some fixed moment. A terminal that takes its time to read a frame is given fewer
//! of them. Not here: drawing (`draw.rs`), what moves (`motion.rs`).

use std::time::Duration;

/// Least time between two frames: 60 a second.
const FRAME: Duration = Duration::from_micros(16_700);

/// Least time between two frames that only logs ask for: 20 a second.
const LOG_FRAME: Duration = Duration::from_millis(50);

/// A write that took longer than this means a slow terminal.
const SLOW: Duration = Duration::from_millis(25);

/// However slow the terminal is, a frame comes this often.
const LONGEST: Duration = Duration::from_millis(250);

/// Who asks for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A key, a click, a change of the job, another size of the window.
    Now,
    /// A log has grown.
    Log,
}

/// Decides when frames are drawn.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    last: Option<Duration>,
    due: Option<Duration>,
    /// Added to the time between frames for a slow terminal.
    spacing: Duration,
}

impl Pace {
    /// Takes a wish for a frame.
    pub fn wish(&mut self, wish: Wish, now: Duration) {
        let gap = match wish {
            Wish::Now => FRAME,
            Wish::Log => LOG_FRAME,
        };
        let at = self.last.map_or(now, |last| now.max(last + gap.max(self.spacing)));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Wishes for a frame at that time, such as the next second of a clock.
    pub fn wish_at(&mut self, at: Duration) {
        let at = self.last.map_or(at, |last| at.max(last + FRAME.max(self.spacing)));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Returns how long until a frame is due, if one is wished for.
    #[must_use]
    pub fn left(&self, now: Duration) -> Option<Duration> {
        self.due.map(|due| due.saturating_sub(now))
    }

    /// Says whether a frame is due.
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Notes that a frame was drawn at `now` and took so long to write.
    pub fn drawn(&mut self, now: Duration, took: Duration) {
        self.last = Some(now);
        self.due = None;
        self.spacing = if took > SLOW {
            (took * 2).min(LONGEST)
        } else {
            // Recovers slowly, or it would swing.
            self.spacing * 3 / 4
        };
    }
}
