//! What a job and its cells share with other jobs: asking for groups, locks and resources, holding them, giving them up.
//!
//! Not here: who gets what (`logic/claims`), the table of all claims (`engine/store/claims.rs`).
//! A cell that waits for a claim is not in the queue for slots, so it holds none and is never begun ahead. Claims are
//! held from the beginning of a run of the cell to its end; resources are given up while it waits to be tried again,
//! locks as well while it waits for people, and both are taken back before anything else. A group is kept: whoever is in
//! it waits for its end, not for a pause in it. Cells that claim nothing never come by here.
//!
//! A rollback of what has ended claims again: the job as a whole what it claims to begin, and each cell what its stage
//! claims, when its turn comes. A cell whose turn it is not has none of it, as the cells of a rollback wait for each other.
//! It puts nobody aside: what it undoes is older than whoever is there now.

use super::apply::join_queue;
use super::decide;
use super::event::{Cause, Event, Outcome};
use super::order::Target;
use super::scope::{JobScope, Standing};
use super::state::{CellPhase, Deadline, JobPhase, JobState};
use crate::logic::claims::{Blocker, Claim, Kind, Verdict};
use crate::logic::expr::ExprError;
use crate::logic::playbook::model::Stage;
use crate::logic::playbook::share::{Concurrency, Reach};
use crate::logic::text::duration;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;

/// The claims of a job or of a run of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    pub claims: Vec<Claim>,
    pub phase: SharePhase,
    /// Since then it waits, or holds them.
    pub since: Timestamp,
    /// Had them before, and goes first now.
    pub is_first: bool,
    /// Who is in the way, as far as is known.
    pub by: Vec<Blocker>,
    /// The end of the wait.
    pub until: Option<Timestamp>,
}

/// Where claims stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharePhase {
    Asked,
    Held,
    /// Held, but for resources, which are not needed at the moment, and locks where it waits for people.
    Yielded {
        with_locks: bool,
    },
}

impl SharePhase {
    /// Says whether what is of that kind is held.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        match self {
            Self::Asked => false,
            Self::Held => true,
            Self::Yielded { with_locks } => match kind {
                Kind::Group => true,
                Kind::Lock => !with_locks,
                Kind::Resource => false,
            },
        }
    }
}

/// What is to be asked for: of the job as a whole, or of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish<'a> {
    pub cell: Option<u32>,
    /// Run of the cell, or attempt of the job.
    pub run: u32,
    pub claims: &'a [Claim],
    /// Of the job and of the stage.
    pub priority: (i64, i64),
    pub is_first: bool,
    pub since: Timestamp,
    /// So many slots of the job it takes; none if it has one.
    pub width: u32,
}

/// Says whether jobs of this plan ask for anything before they start.
pub(super) fn job_asks(state: &JobState) -> bool {
    let plan = &state.setting.plan;
    plan.playbook.concurrency.is_some() || plan.totals.jobs.is_some()
}

/// Says whether the cells of a stage ask for anything before they start.
pub(super) fn stage_asks(state: &JobState, stage: u32) -> bool {
    let plan = &state.setting.plan;
    let model = &plan.playbook.stages[stage as usize];
    let counts = |name: &str| plan.totals.others.contains_key(name);
    plan.totals.slots.is_some()
        || model.concurrency.is_some()
        || !model.locks.is_empty()
        || model.resources.others.iter().any(|(name, ..)| counts(name))
}

/// Says whether a cell may be given a slot: it has all that it asks for.
pub(super) fn has_all(state: &JobState, cell: u32) -> bool {
    let it = &state.cells[cell as usize];
    match &it.shares {
        Some(shares) => shares.phase == SharePhase::Held,
        None => !stage_asks(state, it.stage),
    }
}

/// Says whether the job as a whole has what it asks for.
pub(super) fn job_has_all(state: &JobState) -> bool {
    state.shares.as_ref().is_none_or(|shares| shares.phase == SharePhase::Held)
}

/// Names the attempt of the job whose claims they are: before its start, the one that is to start.
#[must_use]
pub fn job_run(state: &JobState) -> u32 {
    state.attempt.max(1)
}

/// Slots of its job that a cell of a stage takes.
pub(super) fn width(state: &JobState, stage: u32) -> u32 {
    state.setting.plan.playbook.stages[stage as usize].resources.slots.unwrap_or(1)
}

fn group(it: &Concurrency, scope: &JobScope<'_>) -> Result<Claim, ExprError> {
    let name = it.group.template.eval_text(scope)?;
    let name = name.trim().to_lowercase();
    if name.is_empty() {
        return Err(ExprError::evaluation("empty-name", "the name of its concurrency group is empty"));
    }
    Ok(Claim {
        is_single: it.is_single,
        cancels: it.cancel_in_progress,
        ..Claim::whole(Kind::Group, &name, it.reach)
    })
}

fn job_claims(state: &JobState) -> Result<Vec<Claim>, ExprError> {
    let plan = &state.setting.plan;
    let mut claims = Vec::new();
    if let Some(it) = &plan.playbook.concurrency {
        claims.push(group(it, &JobScope::new(state, Standing::Job))?);
    }
    claims.extend(plan.totals.jobs.map(|all| Claim::part("jobs", 1, u64::from(all))));
    Ok(claims)
}

fn cell_claims(state: &JobState, cell: u32, model: &Stage) -> Result<Vec<Claim>, ExprError> {
    let standing = Standing::Cell { cell, step: None, status: super::scope::ListStatus::default() };
    let scope = JobScope::new(state, standing);
    let totals = &state.setting.plan.totals;
    let mut claims = Vec::new();
    if let Some(it) = &model.concurrency {
        claims.push(group(it, &scope)?);
    }
    for lock in &model.locks {
        let name = lock.name.template.eval_text(&scope)?;
        let name = name.trim();
        if name.is_empty() {
            return Err(ExprError::evaluation("empty-name", "the name of one of its locks is empty"));
        }
        let wait_us = lock.wait.map_or(0, |wait| u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        let claim =
            Claim { is_shared: lock.is_shared, wait_us, ..Claim::whole(Kind::Lock, name, lock.reach) };
        match claims.iter_mut().find(|it| it.is_about(&claim)) {
            // Two expressions came to the same name: the stronger wish counts.
            Some(twin) => twin.is_shared &= claim.is_shared,
            None => claims.push(claim),
        }
    }
    if let Some(all) = totals.slots {
        claims.push(Claim::part("slots", u64::from(model.resources.slots.unwrap_or(1)), u64::from(all)));
    }
    for (name, amount, _) in &model.resources.others {
        claims.extend(totals.others.get(&**name).map(|all| Claim::part(name, *amount, *all)));
    }
    Ok(claims)
}

/// Returns what a job records that is to begin, or to begin again: that it asks, or why it cannot.
pub(super) fn queue(state: &JobState) -> Event {
    match job_claims(state) {
        Ok(claims) => Event::JobQueued { claims, priority: state.setting.plan.priority },
        Err(error) => never_began(Outcome::Failure, Cause::Expression { message: error.message }),
    }
}

fn never_began(outcome: Outcome, cause: Cause) -> Event {
    Event::JobFinished {
        outcome,
        cause: Some(cause),
        rescued: false,
        outputs: Vec::new(),
        survivors: Vec::new(),
    }
}

/// Returns what follows while the job waits for its turn.
pub(super) fn while_queued(state: &JobState) -> Option<Event> {
    if let Some(cancel) = &state.cancel {
        return Some(never_began(Outcome::Cancelled, cancel.cause.clone()));
    }
    state.shares.is_none().then(|| queue(state))
}

/// Returns what follows for a cell that has not begun and that nothing stops.
pub(super) fn before_cell(state: &JobState, cell: u32, now: Timestamp) -> Option<Event> {
    let it = &state.cells[cell as usize];
    let run = it.run;
    let failed = |cause| Event::CellFinished {
        cell,
        run,
        outcome: Outcome::Failure,
        result: Outcome::Failure,
        cause: Some(cause),
        outputs: Vec::new(),
    };
    let CellPhase::Queued { until } = it.phase else { return None };
    match &it.shares {
        Some(shares) if shares.phase == SharePhase::Asked => {
            let is_over = shares.until.is_some_and(|until| until <= now) && state.paused.is_none();
            is_over.then(|| failed(Cause::NoClaim { message: too_long(shares) }))
        }
        Some(_) => None,
        None if !stage_asks(state, it.stage) || state.paused.is_some() => None,
        None if until.is_some_and(|until| until > now) => None,
        None => {
            let model = &state.setting.plan.playbook.stages[it.stage as usize];
            Some(match cell_claims(state, cell, model) {
                Ok(claims) => Event::CellQueued { cell, run, claims },
                Err(error) => failed(Cause::Expression { message: error.message }),
            })
        }
    }
}

fn too_long(shares: &Shares) -> String {
    let waited = shares.until.unwrap_or(shares.since).since(shares.since);
    let what = match shares.by.first() {
        Some(by) if by.waits => format!("{}, behind {}", by.claim.words(), by.who()),
        Some(by) => format!("{}, held by {}", by.claim.words(), by.who()),
        None => shares.claims.iter().map(Claim::words).collect::<Vec<_>>().join(" and "),
    };
    format!("waited {} in vain for {what}", duration(waited))
}

/// Returns that a cell asks for what it gave up, if it could go on; where it had ended, for all of it.
pub(super) fn wants_back(state: &JobState, cell: u32) -> Option<Event> {
    let it = &state.cells[cell as usize];
    let claims = match it.shares.as_deref() {
        Some(shares) if matches!(shares.phase, SharePhase::Yielded { .. }) => Vec::new(),
        None if stage_asks(state, it.stage) => {
            // They could be evaluated when the run began, from what has not changed since.
            let claims = cell_claims(state, cell, model(state, cell)).unwrap_or_default();
            claims.into_iter().map(patient).collect()
        }
        _ => return None,
    };
    Some(Event::CellQueued { cell, run: it.run, claims })
}

/// The claim of a rollback: it waits for its turn, for as long as that takes, and nobody gives way to it.
fn patient(claim: Claim) -> Claim {
    Claim { is_single: false, cancels: false, wait_us: 0, ..claim }
}

/// Returns that a job asks again for what it needs to begin: all that it had has ended, and is rolled back.
pub(super) fn before_rollback(state: &JobState) -> Option<Event> {
    let asks = state.shares.is_none() && !state.index.rolling.is_empty() && job_asks(state);
    if !asks || state.paused.is_some() {
        return None;
    }
    let claims = job_claims(state).unwrap_or_default().into_iter().map(patient).collect();
    Some(Event::JobQueued { claims, priority: state.setting.plan.priority })
}

/// Returns what is to be asked for now, and how many slots of the job are there for those who get it.
#[must_use]
pub(super) fn wishes(state: &JobState) -> (Vec<Wish<'_>>, u32) {
    let job_waits = state.shares.as_ref().filter(|shares| shares.phase == SharePhase::Asked);
    let runs = state.phase == JobPhase::Running;
    if state.frozen.is_some() {
        return (Vec::new(), 0);
    }
    if (job_waits.is_none() && state.index.asking.is_empty()) || !(runs || state.phase == JobPhase::Queued) {
        return (Vec::new(), 0);
    }
    let priority = i64::from(state.setting.plan.priority);
    if let Some(shares) = job_waits {
        let wish = Wish {
            cell: None,
            run: job_run(state),
            claims: &shares.claims,
            priority: (priority, 0),
            is_first: shares.is_first,
            since: shares.since,
            width: 0,
        };
        return if state.paused.is_some() { (Vec::new(), 0) } else { (vec![wish], 0) };
    }
    let waiting = state.index.queue.iter().map(|&(_, cell)| &state.cells[cell as usize]);
    let promised: u32 = waiting.filter(|it| it.shares.is_some()).map(|it| width(state, it.stage)).sum();
    let room = state.setting.plan.slots.saturating_sub(state.index.slots_taken).saturating_sub(promised);
    let mut asking: Vec<(i64, u32)> =
        state.index.asking.iter().map(|&cell| (-i64::from(model(state, cell).priority), cell)).collect();
    asking.sort_unstable();
    let mut wishes = Vec::new();
    let mut of_stage: Vec<(u32, u32)> = Vec::new();
    for (rank, cell) in asking {
        let it = &state.cells[cell as usize];
        let Some(shares) = &it.shares else { continue };
        let width = if it.holds_slot { 0 } else { width(state, it.stage) };
        if state.paused.is_some() && it.stop.is_none() {
            continue;
        }
        // One that takes several slots is not passed by others, so that its turn comes.
        if width > room {
            break;
        }
        if it.phase != CellPhase::Active && is_full(state, it.stage, &mut of_stage) {
            continue;
        }
        wishes.push(Wish {
            cell: Some(cell),
            run: it.run,
            claims: &shares.claims,
            priority: (priority, -rank),
            is_first: shares.is_first,
            since: shares.since,
            width,
        });
    }
    (wishes, room)
}

fn model(state: &JobState, cell: u32) -> &Stage {
    &state.setting.plan.playbook.stages[state.cells[cell as usize].stage as usize]
}

/// Says whether `max-parallel` leaves no room for one more cell of a stage, and counts it if there is.
fn is_full(state: &JobState, stage: u32, counted: &mut Vec<(u32, u32)>) -> bool {
    let strategy = state.setting.plan.playbook.stages[stage as usize].strategy.as_ref();
    let Some(limit) = strategy.and_then(|it| it.max_parallel) else { return false };
    let at = counted.iter().position(|(of, _)| *of == stage).unwrap_or_else(|| {
        let queue = state.index.queue.iter().map(|&(_, cell)| &state.cells[cell as usize]);
        let promised = queue.filter(|it| it.stage == stage && it.shares.is_some()).count();
        let busy = state.stages[stage as usize].busy_cells;
        counted.push((stage, busy.saturating_add(u32::try_from(promised).unwrap_or(u32::MAX))));
        counted.len() - 1
    });
    let is_full = counted[at].1 >= limit;
    counted[at].1 = counted[at].1.saturating_add(1);
    is_full
}

/// Returns what the answer to a wish records.
pub(super) fn answered(state: &JobState, cell: Option<u32>, run: u32, verdict: &Verdict) -> Vec<Event> {
    let shares = match cell {
        None => state.shares.as_ref().filter(|_| job_run(state) == run),
        Some(cell) => {
            state.cells.get(cell as usize).filter(|it| it.run == run).and_then(|it| it.shares.as_deref())
        }
    };
    let Some(shares) = shares else { return Vec::new() };
    let is_asked = shares.phase == SharePhase::Asked;
    match verdict {
        Verdict::Held if is_asked => {
            let mut events = vec![Event::ClaimsHeld { cell, run }];
            if cell.is_none() && state.phase == JobPhase::Queued && state.attempt == 0 {
                events.extend(decide::started(state));
            }
            events
        }
        Verdict::Blocked { by } if is_asked && *by != shares.by => {
            vec![Event::ClaimsBlocked { cell, run, blockers: by.clone() }]
        }
        Verdict::Lost if !is_asked => vec![Event::ClaimsLost { cell, run }],
        Verdict::Superseded { by } => stopped(state, cell, Cause::Superseded { by: by.clone() }),
        Verdict::Refused { message } if is_asked => {
            let cause = Cause::NoClaim { message: message.clone() };
            match cell {
                None if state.phase == JobPhase::Queued => vec![never_began(Outcome::Failure, cause)],
                Some(cell) if matches!(state.cells[cell as usize].phase, CellPhase::Queued { .. }) => {
                    vec![Event::CellFinished {
                        cell,
                        run,
                        outcome: Outcome::Failure,
                        result: Outcome::Failure,
                        cause: Some(cause),
                        outputs: Vec::new(),
                    }]
                }
                _ => stopped(state, cell, cause),
            }
        }
        _ => Vec::new(),
    }
}

fn stopped(state: &JobState, cell: Option<u32>, cause: Cause) -> Vec<Event> {
    let (target, is_stopping) = match cell {
        None => (Target::Job, state.cancel.is_some()),
        Some(cell) => (Target::Cell(cell), state.cells[cell as usize].stop.is_some()),
    };
    if is_stopping {
        return Vec::new();
    }
    let by = "sortie".to_owned();
    vec![Event::CancelAsked { by, order: String::new(), target, force: false, cause: Some(cause) }]
}

/// Folds an event about claims into the state.
pub(super) fn apply(state: &mut JobState, event: &Event, at: Timestamp) {
    match event {
        Event::JobQueued { claims, .. } => {
            // A rollback is under way already, and can be cancelled like all that runs.
            if state.index.rolling.is_empty() {
                state.phase = JobPhase::Queued;
            }
            state.shares = Some(asked(claims.clone(), at));
        }
        Event::CellQueued { cell, run, claims } => {
            let Some(it) = state.cells.get_mut(*cell as usize).filter(|it| it.run == *run) else { return };
            match &mut it.shares {
                Some(shares) => {
                    shares.phase = SharePhase::Asked;
                    shares.since = at;
                    shares.until = None;
                }
                None => it.shares = Some(Box::new(asked(claims.clone(), at))),
            }
            if let Some(until) = it.shares.as_ref().and_then(|shares| shares.until) {
                state.index.deadlines.insert((until, Deadline::Cell(*cell)));
            }
            state.index.asking.insert(*cell);
        }
        Event::ClaimsBlocked { cell, run, blockers } => {
            if let Some(shares) = of(state, *cell, *run) {
                shares.by.clone_from(blockers);
            }
        }
        Event::ClaimsHeld { cell, run } => held(state, *cell, *run, at),
        Event::ClaimsLost { cell, run } => {
            let Some(shares) = of(state, *cell, *run) else { return };
            if let (Some(cell), SharePhase::Yielded { .. }) = (cell, shares.phase) {
                // It does not need them now, and asks for all of them once it does.
                return forget(state, *cell);
            }
            shares.phase = SharePhase::Asked;
            shares.is_first = true;
            shares.since = at;
            shares.until = None;
            if let Some(cell) = cell {
                super::apply::leave_queue(state, *cell);
                state.index.asking.insert(*cell);
            }
        }
        _ => {}
    }
}

fn asked(claims: Vec<Claim>, at: Timestamp) -> Shares {
    let until = claims.iter().filter_map(Claim::wait).min().map(|wait| at.after(wait));
    Shares { claims, phase: SharePhase::Asked, since: at, is_first: false, by: Vec::new(), until }
}

fn of(state: &mut JobState, cell: Option<u32>, run: u32) -> Option<&mut Shares> {
    match cell {
        None => state.shares.as_mut(),
        Some(cell) => state
            .cells
            .get_mut(cell as usize)
            .filter(|it| it.run == run)
            .and_then(|it| it.shares.as_deref_mut()),
    }
}

fn held(state: &mut JobState, cell: Option<u32>, run: u32, at: Timestamp) {
    let Some(shares) = of(state, cell, run) else { return };
    shares.phase = SharePhase::Held;
    shares.since = at;
    shares.until = None;
    shares.by.clear();
    match cell {
        Some(cell) => {
            state.index.asking.remove(&cell);
            let it = &state.cells[cell as usize];
            let is_open = !matches!(it.phase, CellPhase::Finished { .. });
            let is_concurrent = state.setting.plan.playbook.stages[it.stage as usize].steps.is_concurrent;
            // At a gate there is nothing to begin, unless something stands beside it.
            if is_open && !it.holds_slot && (is_concurrent || it.asking_since.is_none()) {
                join_queue(state, cell);
            }
            state.index.attention.insert(cell);
        }
        None => {
            // A job that runs again goes on; a new one is started by an event of its own.
            if state.phase == JobPhase::Queued && state.attempt > 0 {
                state.phase = JobPhase::Running;
                super::apply::clock_starts(state, at);
            }
            // Results are not looked for by a job that has not all it needs.
            super::apply::touch_all(state);
            super::apply::touch_all(state);
        }
    }
}

/// A cell in which nothing runs gives up what it does not need for a while; part of `apply`.
pub(super) fn give_up(state: &mut JobState, cell: u32) {
    let it = &mut state.cells[cell as usize];
    let with_locks = it.asking_since.is_some();
    let Some(shares) = &mut it.shares else { return };
    let has_some = shares
        .claims
        .iter()
        .any(|claim| claim.kind == Kind::Resource || (with_locks && claim.kind == Kind::Lock));
    if has_some {
        // Whether somebody who asks has locks is not known here.
        shares.phase = SharePhase::Yielded { with_locks: with_locks || !shares.phase.has(Kind::Lock) };
        shares.is_first = true;
        shares.by.clear();
        state.index.asking.remove(&cell);
        super::apply::leave_queue(state, cell);
    }
}

/// Takes from cells that are rolled back what they hold while it is not their turn; part of `apply`.
pub(super) fn settle_rollback(state: &mut JobState) {
    let rolling: Vec<u32> = state.index.rolling.iter().copied().collect();
    for cell in rolling {
        if state.cells[cell as usize].shares.is_some() && !super::undo::has_turn(state, cell) {
            forget(state, cell);
            super::apply::leave_queue(state, cell);
        }
    }
}

/// A cell has ended, or begins anew.
pub(super) fn forget(state: &mut JobState, cell: u32) {
    state.cells[cell as usize].shares = None;
    state.index.asking.remove(&cell);
}

/// Says whether a claim reaches beyond the store of the project.
#[must_use]
pub fn is_of_machine(claim: &Claim) -> bool {
    claim.reach == Reach::Machine
}
