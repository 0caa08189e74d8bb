//! Who gets what, over all claims of a project at one moment.
//!
//! Not here: where claims are kept, and who still lives. Start with [`arbitrate`].
//!
//! All that somebody wants is had at once or not at all, and whoever waits holds nothing that others wait for, but for
//! cells that gave their resources up for a while and go first when they want them back. So no ring of waiting can close
//! within jobs. It can where a step starts another job and waits for it: such a job goes before others, borrows the
//! resources of the step, and where a ring is left it is found and refused.
//! Groups and locks are given in the order of asking, also past somebody who could be served now: nobody starves. Whoever
//! waits for one of those keeps no resource from others.

use std::collections::BTreeSet;

use super::{Blocker, Claim, Kind, Verdict};
use crate::logic::playbook::share::Reach;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "arbiter_tests.rs"]
mod tests;

/// Most who are named as the reason of a wait.
const MOST_BLOCKERS: usize = 4;

/// A job, or a cell of one, with what it holds and what it waits for.
#[derive(Clone, Debug)]
pub struct Party {
    pub job: u64,
    /// Nothing if it is the job as a whole.
    pub cell: Option<u32>,
    /// The jobs in whose steps it was started, the nearest first.
    pub ancestors: Vec<u64>,
    pub name: String,
    pub place: String,
    /// Wants back what it gave up: goes before all others.
    pub is_first: bool,
    /// Of the job and of the stage; higher ones go first.
    pub priority: (i64, i64),
    /// Order of asking.
    pub ticket: i64,
    pub since: Timestamp,
    pub held: Vec<Claim>,
    pub wanted: Vec<Claim>,
    /// No engine works on it.
    pub is_left: bool,
}

impl Party {
    fn is_kin(&self, other: &Self) -> bool {
        self.ancestors.contains(&other.job)
    }

    fn blocker(&self, claim: &Claim, waits: bool) -> Blocker {
        Blocker {
            claim: claim.clone(),
            job: self.job,
            name: self.name.clone(),
            place: self.place.clone(),
            since: self.since,
            waits,
            is_left: self.is_left,
            project: String::new(),
        }
    }
}

/// Returns what becomes of each party that waits, by position. Those after it in the list count with what this gives to
/// those before, so of one's own a few may be taken and the rest asked for again.
#[must_use]
pub fn arbitrate(parties: &[Party]) -> Vec<(usize, Verdict)> {
    let mut waiting: Vec<usize> = (0..parties.len()).filter(|&at| !parties[at].wanted.is_empty()).collect();
    waiting.sort_by_key(|&at| {
        let it = &parties[at];
        // A step waits for what it has started, and others may wait for that step.
        let depth = std::cmp::Reverse(it.ancestors.len());
        (!it.is_first, depth, -it.priority.0, -it.priority.1, it.ticket, at)
    });
    // What counts as taken, by whom, and whether that is only in line.
    let mut taken: Vec<(usize, &Claim, bool)> = Vec::new();
    for (at, party) in parties.iter().enumerate() {
        taken.extend(party.held.iter().map(|claim| (at, claim, false)));
    }
    let mut verdicts = Vec::with_capacity(waiting.len());
    for at in waiting {
        let party = &parties[at];
        if let Some(message) = impossible(parties, at, &taken) {
            verdicts.push((at, Verdict::Refused { message }));
            continue;
        }
        let whole = party.wanted.iter().filter(|claim| claim.kind != Kind::Resource);
        let mut by: Vec<Blocker> = whole.flat_map(|claim| against(parties, at, claim, &taken)).collect();
        let is_shut_out = !by.is_empty();
        if !is_shut_out {
            let parts = party.wanted.iter().filter(|claim| claim.kind == Kind::Resource);
            by.extend(parts.flat_map(|claim| short_of(parties, at, claim, &taken)));
        }
        let is_in_line = !by.is_empty();
        let keeps = party.wanted.iter().filter(|claim| !is_shut_out || claim.kind != Kind::Resource);
        taken.extend(keeps.map(|claim| (at, claim, is_in_line)));
        verdicts.push((at, if by.is_empty() { Verdict::Held } else { Verdict::Blocked { by: few(by) } }));
    }
    close_rings(parties, &mut verdicts);
    verdicts
}

fn few(mut by: Vec<Blocker>) -> Vec<Blocker> {
    // Who holds it says more than who waits, too.
    by.sort_by_key(|it| it.waits);
    by.truncate(MOST_BLOCKERS);
    by
}

/// Says whether a name means the same for two parties.
fn is_common(one: &Party, other: &Party, claim: &Claim) -> bool {
    claim.reach != Reach::Run || one.job == other.job
}

fn against(parties: &[Party], at: usize, claim: &Claim, taken: &[(usize, &Claim, bool)]) -> Vec<Blocker> {
    let party = &parties[at];
    let others = taken.iter().filter(|(other, it, _)| {
        *other != at
            && it.is_about(claim)
            && is_common(party, &parties[*other], claim)
            && !(it.is_shared && claim.is_shared)
    });
    others.map(|&(other, _, waits)| parties[other].blocker(claim, waits)).collect()
}

fn short_of(parties: &[Party], at: usize, claim: &Claim, taken: &[(usize, &Claim, bool)]) -> Vec<Blocker> {
    let party = &parties[at];
    // What the step has that waits for this very job is lent to it.
    let others: Vec<&(usize, &Claim, bool)> = taken
        .iter()
        .filter(|(other, it, _)| *other != at && it.is_about(claim) && !party.is_kin(&parties[*other]))
        .collect();
    let used = others.iter().fold(0u64, |sum, (_, it, _)| sum.saturating_add(it.amount));
    if used.saturating_add(claim.amount) <= claim.total {
        return Vec::new();
    }
    others.into_iter().map(|&(other, _, waits)| parties[other].blocker(claim, waits)).collect()
}

/// Says why a party can never have what it wants, if that is plain: the job that waits for it holds it, or its own does.
fn impossible(parties: &[Party], at: usize, taken: &[(usize, &Claim, bool)]) -> Option<String> {
    let party = &parties[at];
    let whole = || party.wanted.iter().filter(|claim| claim.kind != Kind::Resource);
    if let Some(claim) = party.wanted.iter().find(|it| it.kind == Kind::Resource && it.amount > it.total) {
        return Some(format!("{} is more than there is in all", claim.words()));
    }
    for claim in whole().filter(|claim| claim.reach != Reach::Run) {
        for &(other, it, waits) in taken {
            if waits || other == at || !it.is_about(claim) || (it.is_shared && claim.is_shared) {
                continue;
            }
            let holder = &parties[other];
            if party.is_kin(holder) {
                return Some(format!(
                    "{} is held by {}, in whose step this job was started: the two would wait for each other for ever",
                    claim.words(),
                    holder.blocker(claim, false).who()
                ));
            }
            if holder.job == party.job && holder.cell.is_none() && party.cell.is_some() {
                return Some(format!(
                    "{} is held by the job itself, of which this is a part: it would wait for its own end",
                    claim.words()
                ));
            }
        }
    }
    None
}

/// Finds those who wait for somebody who waits for them, through steps that have started jobs; the one who asked last is
/// refused.
fn close_rings(parties: &[Party], verdicts: &mut [(usize, Verdict)]) {
    let nested = parties.iter().any(|party| !party.ancestors.is_empty());
    if !nested {
        return;
    }
    let mut order: Vec<usize> = (0..verdicts.len()).collect();
    order.sort_by_key(|&nth| std::cmp::Reverse(parties[verdicts[nth].0].ticket));
    for nth in order {
        let at = verdicts[nth].0;
        let Some(words) = ring(parties, verdicts, at) else { continue };
        verdicts[nth].1 = Verdict::Refused { message: words };
    }
}

fn ring(parties: &[Party], verdicts: &[(usize, Verdict)], at: usize) -> Option<String> {
    let jobs_of = |at: usize| -> Vec<(u64, bool)> {
        let verdict = verdicts.iter().find(|(other, _)| *other == at);
        match verdict.map(|(_, verdict)| verdict) {
            Some(Verdict::Blocked { by }) => by.iter().map(|it| (it.job, it.waits)).collect(),
            _ => Vec::new(),
        }
    };
    let party = &parties[at];
    let first = jobs_of(at);
    let mut seen: BTreeSet<(u64, bool)> = BTreeSet::new();
    let mut todo = first.clone();
    while let Some((job, waits)) = todo.pop() {
        if party.ancestors.contains(&job) {
            let held = first.iter().map(|(job, _)| format!("job #{job}")).collect::<Vec<_>>().join(", ");
            return Some(format!(
                "it would wait for {held}, which in turn waits for job #{job}, in whose step this job was started: \
                 none of them could ever go on"
            ));
        }
        if !seen.insert((job, waits)) {
            continue;
        }
        // Who holds something goes on unless a job in its step waits; who waits, waits.
        let holds_up = |it: &Party| it.ancestors.contains(&job) || (waits && it.job == job);
        for other in (0..parties.len()).filter(|&other| other != at && holds_up(&parties[other])) {
            todo.extend(jobs_of(other));
        }
    }
    None
}
