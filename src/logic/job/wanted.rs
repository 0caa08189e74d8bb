//! What the world should be doing at this moment: a function of the state, so recovery needs no list of pending work.

use super::effect::Rung;
use super::follow::is_recalled;
use super::report::AttemptKey;
use super::share::{self, Wish};
use super::state::{JobPhase, JobState};
use crate::logic::cache::Unit;
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
    /// Units for which a result that fits is to be looked for.
    pub looking: &'a std::collections::BTreeSet<Unit>,
    /// Units whose result is to be kept.
    pub keeping: &'a std::collections::BTreeSet<Unit>,
    /// Cells for which artifacts are to be put in place.
    pub taking: &'a std::collections::BTreeSet<u32>,
    /// Cells whose artifacts are to be published.
    pub giving: &'a std::collections::BTreeSet<u32>,
    /// Whoever holds the children should end what is left and go.
    pub close: bool,
    /// What runs should be stopped where it stands.
    pub frozen: bool,
    /// Nothing of the job should outlive its engine, even if it is kept: it was cancelled by force.
    pub doomed: bool,
    /// What the job and its cells wait for that is shared with others.
    pub wishes: Vec<Wish<'a>>,
    /// So many slots there are for cells that get what they wish for.
    pub room: u32,
    /// When to look again, if nothing happens before.
    pub wake_at: Option<Timestamp>,
}

/// Says whether what is left of a cell is to be killed at once: somebody cancelled it by force.
#[must_use]
pub fn is_forced(state: &JobState, cell: u32) -> bool {
    super::follow::is_forced(state, &state.cells[cell as usize])
}

/// Returns what the world should be doing now.
#[must_use]
pub fn wanted(state: &JobState) -> Wanted<'_> {
    let running = state.phase == JobPhase::Running;
    let (wishes, room) = share::wishes(state);
    let submitted = state.index.submitted.iter().filter(|&&cell| is_recalled(state, cell));
    Wanted {
        live: &state.index.live,
        recalled: submitted.filter_map(|&cell| state.cells[cell as usize].submitted).collect(),
        sweeping: &state.index.sweeping,
        hashing: &state.index.hashing,
        looking: &state.index.looking,
        keeping: &state.index.keeping,
        taking: &state.index.taking,
        giving: &state.index.giving,
        wishes,
        room,
        close: running && state.all_done(),
        frozen: state.frozen.is_some(),
        doomed: running && state.cancel.as_ref().is_some_and(|cancel| cancel.force),
        wake_at: if running && state.frozen.is_none() {
            state.index.deadlines.first().map(|(at, _)| *at)
        } else {
            None
        },
    }
}
