//! Says why something waits: the reason that counts, the most important first.
//!
//! Whatever else is missing, a job that is paused starts nothing; and what needs another stage has no use for a slot. Not
//! here: why something did not pass (`why.rs`).

use std::time::Duration;

use super::{gates, shares, words};
use crate::logic::job::gate::GateState;
use crate::logic::text::{listed, plural};
use crate::logic::time::Timestamp;
use crate::logic::view::{CellView, JobView, Phase, ShareWait};

#[cfg(test)]
#[path = "waits_tests.rs"]
mod tests;

/// Why something waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait<'v> {
    /// No engine works on the job.
    Abandoned,
    /// Somebody asked to leave it out, and it will be.
    Skipped(&'v str),
    /// Somebody paused the job; what it would wait for otherwise, if that is not a slot.
    Paused(&'v str, Option<Box<Wait<'v>>>),
    /// The same where what runs is stopped as well.
    Frozen(&'v str, Option<Box<Wait<'v>>>),
    /// Stages that have not ended.
    Needs(Vec<&'v str>),
    /// It comes after all ordinary stages.
    Last,
    /// So many cells of its stage may run at once, and do.
    Limit(u32),
    Slot,
    /// Nothing is in its way.
    Nothing,
    /// An earlier result is looked for first; those tools are asked for it.
    Looks(Vec<&'v str>),
    /// The look itself waits for that.
    LookWaits(&'v str),
    /// People have to approve: who, and how many have; what is left of the wait is told beside it.
    Gate(&'v GateState),
    /// What other jobs have, or other cells of this one.
    Shares(&'v ShareWait),
}

/// Returns why a stage waits that has not begun.
#[must_use]
pub fn of_stage(view: &JobView, stage: u32, is_live: bool) -> Wait<'_> {
    let Some(model) = view.playbook.stages.get(stage as usize) else { return Wait::Nothing };
    let it = &view.stages[stage as usize];
    let is_open = |need: &&usize| view.stages[**need].phase.outcome().is_none();
    let open: Vec<&str> = model
        .needs
        .iter()
        .filter(is_open)
        .filter_map(|&need| Some(view.own_name(u32::try_from(need).ok()?)))
        .collect();
    let own = if let Some(waits) = &view.waits {
        Wait::Shares(waits)
    } else if !open.is_empty() {
        Wait::Needs(open)
    } else if model.is_final && !ordinary_are_done(view) {
        Wait::Last
    } else if let Some(gate) = view.gate_of_stage(stage) {
        Wait::Gate(&view.gates[gate as usize])
    } else if let Some(&cell) = it.cells.first() {
        return of_cell(view, cell, is_live);
    } else {
        Wait::Nothing
    };
    held(view, it.skipping.as_deref(), is_live, own)
}

/// Returns why a cell waits that has not begun, or whose next try is due.
#[must_use]
pub fn of_cell(view: &JobView, cell: u32, is_live: bool) -> Wait<'_> {
    let Some(it) = view.cells.get(cell as usize) else { return Wait::Nothing };
    let strategy = view.playbook.stages.get(it.stage as usize).and_then(|stage| stage.strategy.as_ref());
    let stage = &view.stages[it.stage as usize];
    let is_full = |limit: &u32| stage.counts.live >= *limit as usize;
    if let Some(gate) = it.gate.and_then(|gate| view.gates.get(gate as usize)) {
        return held(view, it.skipping.as_deref(), is_live, Wait::Gate(gate));
    }
    let shares = view.waits.as_ref().or(it.waits.as_ref());
    let looks = view.looks(cell).filter(|_| shares.is_none());
    if let Some(what) = looks {
        let own = what.map_or_else(|| Wait::Looks(tools(view, it.stage)), Wait::LookWaits);
        return held(view, it.skipping.as_deref().or(stage.skipping.as_deref()), is_live, own);
    }
    let own = match (strategy.and_then(|strategy| strategy.max_parallel).filter(is_full), shares) {
        // It asks for the rest only once there is room for it.
        (Some(limit), None) => Wait::Limit(limit),
        (_, Some(waits)) => Wait::Shares(waits),
        (None, None) => Wait::Slot,
    };
    held(view, it.skipping.as_deref().or(stage.skipping.as_deref()), is_live, own)
}

/// Returns the step of a running cell that is looked for in the cache before it begins, and what that takes.
#[must_use]
pub fn of_step(view: &JobView, cell: u32) -> Option<(u32, Wait<'_>)> {
    let (step, what) = view.step_looks(cell)?;
    let stage = view.cells.get(cell as usize)?.stage;
    let rule = view.playbook.stages.get(stage as usize)?.steps.steps.get(step as usize)?.cache.as_deref()?;
    let tools = || rule.tools.iter().map(|tool| tool.template.source()).collect();
    Some((step, what.map_or_else(|| Wait::Looks(tools()), Wait::LookWaits)))
}

/// Says whether a pause holds a cell between two of its steps.
#[must_use]
pub fn is_between_steps(view: &JobView, cell: u32) -> bool {
    view.cells.get(cell as usize).is_some_and(|it| {
        view.paused.is_some()
            && view.cancelling.is_none()
            && it.phase == Phase::Running
            && !it.steps.is_empty()
            && !it.steps.iter().any(|step| step.phase.is_live())
    })
}

/// Returns how many cells are at work: those that a pause holds between two steps are not.
#[must_use]
pub fn at_work(view: &JobView) -> usize {
    let is_held = |cell: u32| is_between_steps(view, cell) || view.gate_of_cell(cell).is_some();
    let held = view.live.iter().filter(|&&cell| is_held(cell)).count();
    view.cell_counts.live.saturating_sub(held)
}

/// Returns the tools that are asked before a stage is looked for in the cache, as they are written.
fn tools(view: &JobView, stage: u32) -> Vec<&str> {
    let rule = view.playbook.stages.get(stage as usize).and_then(|stage| stage.cache.as_deref());
    rule.into_iter().flat_map(|rule| &rule.tools).map(|tool| tool.template.source()).collect()
}

fn ordinary_are_done(view: &JobView) -> bool {
    let mut stages = view.stages.iter().zip(&view.playbook.stages);
    stages.all(|(it, model)| model.is_final || it.phase.outcome().is_some())
}

/// Puts what holds back the whole job before what else there is.
fn held<'v>(view: &'v JobView, skipping: Option<&'v str>, is_live: bool, own: Wait<'v>) -> Wait<'v> {
    match (skipping, view.paused.as_deref()) {
        _ if !is_live => Wait::Abandoned,
        (Some(by), _) => Wait::Skipped(by),
        // A cancel goes on through a pause.
        (None, Some(by)) if view.cancelling.is_none() => {
            let is_worth = matches!(own, Wait::Needs(_) | Wait::Last | Wait::Gate(_) | Wait::Shares(_));
            let own = is_worth.then(|| Box::new(own));
            if view.is_frozen() { Wait::Frozen(by, own) } else { Wait::Paused(by, own) }
        }
        _ => own,
    }
}

impl Wait<'_> {
    /// Says it in a few words, for a list: `paused`, `needs build`, `waits slot`.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Abandoned => "not started".to_owned(),
            Self::Skipped(_) => "will be skipped".to_owned(),
            Self::Paused(..) => "paused".to_owned(),
            Self::Frozen(..) => "frozen".to_owned(),
            Self::Needs(open) => match open[..] {
                [one, two] => format!("needs {one}, {two}"),
                [one, _, ..] => format!("needs {one} and {} more", open.len() - 1),
                _ => format!("needs {}", open.join("")),
            },
            Self::Last => "at the end".to_owned(),
            Self::Limit(limit) => format!("max-parallel {limit}"),
            Self::Slot => "waits slot".to_owned(),
            Self::Nothing => "waiting".to_owned(),
            Self::Looks(tools) if tools.is_empty() => "looks in cache".to_owned(),
            Self::Looks(_) => "asks its tools".to_owned(),
            Self::LookWaits(_) => "waits outputs".to_owned(),
            Self::Gate(it) => gates::wanted(it),
            Self::Shares(it) => shares::brief(it),
        }
    }

    /// Says it as the end of a sentence: `paused by ada; needs build, too`.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Abandoned => "nobody works on this job any more".to_owned(),
            Self::Skipped(by) => format!("will be skipped (asked for by {by})"),
            Self::Paused(by, own) => format!("paused by {by}{}", then(own.as_deref())),
            Self::Frozen(by, own) => format!("frozen by {by}{}", then(own.as_deref())),
            Self::Needs(_) => self.brief(),
            Self::Last => "comes after all other stages".to_owned(),
            Self::Limit(limit) => {
                format!("max-parallel: {} of its stage at once", plural(*limit as usize, "cell"))
            }
            Self::Slot => "waits for a slot".to_owned(),
            Self::Nothing => "begins at once".to_owned(),
            Self::Looks(tools) => {
                let asked: Vec<String> = tools.iter().map(|tool| format!("`{tool}`")).collect();
                let asked = if asked.is_empty() {
                    String::new()
                } else {
                    format!(", asks {}", listed(&asked, "and"))
                };
                format!("looks for an earlier result{asked}")
            }
            Self::LookWaits(what) => format!("waits for {what}"),
            Self::Gate(it) => format!("waits for {}", gates::wanted(it)),
            Self::Shares(it) => format!("waits for {}", shares::told(it)),
        }
    }
}

fn then(own: Option<&Wait<'_>>) -> String {
    own.map_or_else(String::new, |own| format!("; then {}", own.told()))
}

/// Returns which try of a step this is and how many there are: `3 of 5`, or the first alone where that is all there is.
#[must_use]
pub fn tries(view: &JobView, cell: u32, step: u32, attempt: u32) -> String {
    match view.most_tries(cell, step) {
        Some(most) if most >= attempt => format!("{attempt} of {most}"),
        _ => attempt.to_string(),
    }
}

/// A further try of a step, or run of a cell, that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextTry<'v> {
    /// `try` or `run`.
    what: &'static str,
    number: u32,
    most: Option<u32>,
    until: Timestamp,
    /// What keeps it from beginning when it is due.
    wait: Wait<'v>,
}

/// Returns what a cell waits for that failed and is tried again; nothing if it does not.
#[must_use]
pub fn next_try(view: &JobView, cell: u32, is_live: bool) -> Option<NextTry<'_>> {
    let it = view.cells.get(cell as usize)?;
    let Phase::Retrying(until) = it.phase else { return None };
    let (what, number, most) = match waiting_step(it) {
        Some((step, attempt)) => ("try", attempt + 1, view.most_tries(cell, step)),
        None => {
            let retry = view.playbook.stages.get(it.stage as usize).and_then(|stage| stage.retry.as_ref());
            ("run", it.run + 1, retry.map(|retry| retry.attempts))
        }
    };
    let most = most.filter(|most| *most >= number);
    Some(NextTry { what, number, most, until, wait: of_cell(view, cell, is_live) })
}

impl NextTry<'_> {
    /// Returns how long it is until then, rounded up to seconds: at none it would be running. Nothing if time is not what
    /// it waits for.
    #[must_use]
    pub fn left(&self, now: Timestamp) -> Option<Duration> {
        // Between the moment and the start there is a blink.
        let is_blink = self.wait == Wait::Slot && now.since(self.until) < Duration::from_secs(1);
        let is_free = matches!(self.wait, Wait::Slot | Wait::Limit(_));
        let left = self.until.since(now) + Duration::from_millis(999);
        (is_free && (now < self.until || is_blink)).then(|| Duration::from_secs(left.as_secs()))
    }

    /// Says it where there is little room and the time stands elsewhere: `try 3/5 in`, `paused`.
    #[must_use]
    pub fn brief(&self, now: Timestamp) -> String {
        match (self.left(now), self.most) {
            (None, _) => self.wait.brief(),
            (Some(_), Some(most)) => format!("{} {}/{most} in", self.what, self.number),
            (Some(_), None) => format!("{} {} in", self.what, self.number),
        }
    }

    /// Says it in words: `try 3 of 5 in 0:12`, `try 3 of 5, paused`.
    #[must_use]
    pub fn told(&self, now: Timestamp) -> String {
        let most = self.most.map_or_else(String::new, |most| format!(" of {most}"));
        let name = format!("{} {}{most}", self.what, self.number);
        match self.left(now) {
            Some(left) => format!("{name} in {}", words::clock(left)),
            None => format!("{name}, {}", self.wait.brief()),
        }
    }
}

/// Returns the step of a cell that waits for its next try, with the number of the last one.
fn waiting_step(cell: &CellView) -> Option<(u32, u32)> {
    let mut steps = (0u32..).zip(&cell.steps);
    steps.find(|(_, it)| matches!(it.phase, Phase::Retrying(_))).map(|(at, it)| (at, it.attempt))
}
