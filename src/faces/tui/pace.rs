//! When the next frame is due: at once for a key, soon for logs, by the clock for what moves by itself.
//!
//! Pure: times come in as spans since some fixed moment. A terminal that takes its time to read a frame is given fewer
//! of them. Not here: drawing (`draw.rs`), what moves (`motion.rs`).

use std::time::Duration;

/// What a frame costs of the time that passes, and how much of that time is saved up at most: six frames may follow each other
/// at once, so that a key need not wait for the next beat, and there are never more than sixty in any second.
const COST: Duration = Duration::from_micros(18_600);
const SAVED: Duration = Duration::from_micros(18_600 * 6);

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
#[derive(Clone, Debug)]
pub struct Pace {
    last: Option<Duration>,
    due: Option<Duration>,
    /// Added to the time between frames for a slow terminal.
    spacing: Duration,
    /// What was saved up at a moment.
    saved: (Duration, Duration),
}

impl Default for Pace {
    fn default() -> Self {
        Self { last: None, due: None, spacing: Duration::ZERO, saved: (SAVED, Duration::ZERO) }
    }
}

impl Pace {
    /// Takes a wish for a frame.
    pub fn wish(&mut self, wish: Wish, now: Duration) {
        let gap = match wish {
            Wish::Now => Duration::ZERO,
            Wish::Log => LOG_FRAME,
        };
        self.wish_at(self.last.map_or(now, |last| now.max(last + gap)));
    }

    /// Wishes for a frame at that time, such as the next second of a clock.
    pub fn wish_at(&mut self, at: Duration) {
        let at = self.last.map_or(at, |last| at.max(last + self.spacing));
        let (saved, since) = self.saved;
        let affordable = since + COST.saturating_sub(saved);
        let at = at.max(affordable);
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
        let (saved, since) = self.saved;
        let saved = (saved + now.saturating_sub(since)).min(SAVED);
        self.saved = (saved.saturating_sub(COST), now);
        self.spacing = if took > SLOW {
            (took * 2).min(LONGEST)
        } else {
            // Recovers slowly, or it would swing.
            self.spacing * 3 / 4
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, Wish};

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Draws whenever it is due while wishes come at those moments; returns when.
    fn frames(wishes: impl IntoIterator<Item = (u64, Wish)>, write: Duration, end: u64) -> Vec<u64> {
        let mut pace = Pace::default();
        let mut wishes: Vec<(u64, Wish)> = wishes.into_iter().collect();
        wishes.reverse();
        let mut drawn = Vec::new();
        for now in 0..end {
            while let Some((_, wish)) = wishes.pop_if(|(at, _)| *at <= now) {
                pace.wish(wish, ms(now));
            }
            if pace.is_due(ms(now)) {
                drawn.push(now);
                pace.drawn(ms(now), write);
            }
        }
        drawn
    }

    #[test]
    fn a_key_is_shown_at_once() {
        assert_eq!(
            frames([(100, Wish::Now), (105, Wish::Now), (140, Wish::Now)], ms(1), 300),
            [100, 105, 140]
        );
    }

    #[test]
    fn there_are_never_more_than_sixty_frames_in_a_second() {
        let drawn = frames((0..5000).map(|at| (at, Wish::Now)), ms(1), 5000);
        for from in 0..4000 {
            let count = drawn.iter().filter(|at| (from..from + 1000).contains(*at)).count();
            assert!(count <= 60, "{count} from {from} on");
        }
        assert!(drawn.len() > 4 * 50, "{}", drawn.len());
    }

    #[test]
    fn logs_alone_ask_for_twenty() {
        let drawn = frames((0..2000).map(|at| (at, Wish::Log)), ms(1), 2000);
        assert!((36..=41).contains(&drawn.len()), "{}", drawn.len());
    }

    #[test]
    fn a_slow_terminal_gets_fewer_and_recovers() {
        let slow = frames((0..2000).map(|at| (at, Wish::Now)), ms(100), 2000);
        assert!(slow.len() <= 11, "{}", slow.len());
        let mut pace = Pace::default();
        pace.drawn(ms(0), ms(200));
        for at in 1..40 {
            pace.drawn(ms(at * 250), ms(1));
        }
        pace.wish(Wish::Now, ms(10_000));
        assert!(pace.is_due(ms(10_000)));
    }
}
