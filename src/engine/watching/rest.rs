//! When files have come to rest: some time after the last change, but not for ever where changes never end.
//!
//! Pure: the time is an argument.

use std::time::Duration;

/// Why changes are seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The files have come to rest.
    Quiet,
    /// They do not, and it has been long enough.
    Impatient,
}

/// Waits for quiet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    quiet: Duration,
    longest: Duration,
    /// The first and the last change that nobody has seen to.
    since: Option<(Duration, Duration)>,
}

impl Rest {
    pub(super) fn new(quiet: Duration, longest: Duration) -> Self {
        Self { quiet, longest, since: None }
    }

    /// Takes note of a change.
    pub(super) fn stir(&mut self, now: Duration) {
        let first = self.since.map_or(now, |(first, _)| first);
        self.since = Some((first, now));
    }

    /// Says when changes will have come to rest, if there are any.
    pub(super) fn due(&self) -> Option<Duration> {
        self.since.map(|(first, last)| (last + self.quiet).min(first + self.longest))
    }

    /// Says whether there were changes that are to be seen to now, and how it came to that.
    pub(super) fn over(&mut self, now: Duration) -> Option<Over> {
        let (_, last) =
            self.since.take_if(|(first, last)| (*last + self.quiet).min(*first + self.longest) <= now)?;
        Some(if last + self.quiet <= now { Over::Quiet } else { Over::Impatient })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn a_burst_is_one_change() {
        let mut rest = Rest::new(ms(150), ms(1000));
        assert_eq!(rest.due(), None);
        for at in (0..100).step_by(10) {
            rest.stir(ms(at));
            assert_eq!(rest.over(ms(at)), None);
        }
        assert_eq!([239, 240, 9000].map(|at| rest.over(ms(at))), [None, Some(Over::Quiet), None]);
    }

    #[test]
    fn what_never_rests_is_seen_to_all_the_same() {
        let mut rest = Rest::new(ms(150), ms(1000));
        let mut seen = Vec::new();
        for at in (0..=5000).step_by(50) {
            rest.stir(ms(at));
            seen.extend(rest.over(ms(at)));
        }
        assert_eq!(seen, [Over::Impatient; 4]);
    }
}
