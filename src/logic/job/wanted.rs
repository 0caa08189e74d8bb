//! What the world should be doing at this moment: a function of the state, so recovery needs no list of pending work.

use super::effect::Rung;
use super::follow::is_recalled;
use super::report::AttemptKey;
use super::state::{JobPhase, JobState};
use crate::logic::time::Timestamp;

/// Everything that should be under way.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Tries that should run, or be on the way to their end.
    pub live: &'a std::collections::BTreeMap<AttemptKey, Option<Rung>>,
    /// Submitted tries that are not to begin after all.
    pub recalled: Vec<AttemptKey>,
    /// Cells whose leftover children should be ended.
    pub sweeping: &'a std::collections::BTreeSet<u32>,
    /// Cells that wait for the digest of files.
    pub hashing: &'a std::collections::BTreeSet<u32>,
    /// Whoever holds the children should end what is left and go.
    pub close: bool,
    /// When to look again, if nothing happens before.
    pub wake_at: Option<Timestamp>,
}

/// Returns what the world should be doing now.
#[must_use]
pub fn wanted(state: &JobState) -> Wanted<'_> {
    let running = state.phase == JobPhase::Running;
    let submitted = state.index.submitted.iter().filter(|&&cell| is_recalled(state, cell));
    Wanted {
        live: &state.index.live,
        recalled: submitted.filter_map(|&cell| state.cells[cell as usize].submitted).collect(),
        sweeping: &state.index.sweeping,
        hashing: &state.index.hashing,
        close: running && state.all_done(),
        wake_at: if running { state.index.deadlines.first().map(|(at, _)| *at) } else { None },
    }
}
