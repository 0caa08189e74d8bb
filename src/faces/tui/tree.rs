//! The list of stages with their cells: which rows there are, what is folded, where the cursor is.
//!
//! Pure. Not here: how a row looks (`draw/list.rs`).

use std::collections::HashMap;

use super::glyphs::State;
use crate::logic::job::event::Outcome;
use crate::logic::view::{JobView, Phase, StageView};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowId {
    /// Position in the plan.
    Stage(u32),
    /// Position in the job.
    Cell(u32),
}

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeRow {
    pub id: RowId,
    /// Whether its cells show, for a stage that has several.
    pub fold: Option<bool>,
    /// How far it is moved to the right, below a caller.
    pub depth: u16,
}

/// What the person at this terminal did to the list.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Folds that were set by hand; they win over the rule.
    folds: HashMap<u32, bool>,
    pub failed_only: bool,
    /// Parts of names of stages and cells, in lower case, with spaces between.
    pub filter: String,
    pub cursor: Option<RowId>,
    /// The cursor was moved by hand, and no longer moves by itself.
    pub is_held: bool,
    /// First row that shows.
    pub top: usize,
}

/// What of a stage fits a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    /// The stage itself, and so all of its cells.
    Whole,
    Cells,
    Nothing,
}

/// Says whether something went wrong with a row.
fn is_bad(phase: Phase, result: Option<Outcome>) -> bool {
    matches!(phase, Phase::Done(Outcome::Failure | Outcome::Cancelled)) && result != Some(Outcome::Success)
}

/// Says whether a cell failed itself, or ran out of time; one that was cut off by another's failure did not.
#[must_use]
pub fn cell_failed(view: &JobView, cell: u32) -> bool {
    let cell = view.cells.get(cell as usize);
    cell.is_some_and(|it| matches!(State::of_cell(it), State::Failed | State::TimedOut))
}

/// Says the same of a stage, which fails with its cells.
fn has_failed(view: &JobView, stage: u32) -> bool {
    let Some(it) = view.stages.get(stage as usize) else { return false };
    matches!(State::of_stage(it), State::Failed | State::TimedOut)
        || it.cells.iter().any(|&cell| cell_failed(view, cell))
}

/// Says the same of a stage and of all that it calls.
fn has_failed_within(view: &JobView, stage: u32) -> bool {
    has_failed(view, stage) || view.called(stage).iter().any(|&it| has_failed_within(view, it))
}

impl Tree {
    /// Returns the rows that there are now, in the order of the playbook.
    #[must_use]
    pub fn rows(&self, view: &JobView) -> Vec<TreeRow> {
        let mut rows = Vec::new();
        for at in (0u32..).take(view.stages.len()).filter(|&at| view.caller(at).is_none()) {
            self.stage_rows(view, at, 0, &mut rows);
        }
        rows
    }

    /// Adds the rows of a stage: its own, its cells, and below them what they call.
    fn stage_rows(&self, view: &JobView, at: u32, depth: u16, rows: &mut Vec<TreeRow>) {
        let (cells, called) = (&view.stages[at as usize].cells, view.called(at));
        let is_many = cells.len() > 1;
        let fits = self.fitting(view, at);
        if fits == Fits::Nothing || (self.failed_only && !has_failed_within(view, at)) {
            return;
        }
        let can_open = is_many || !called.is_empty();
        // A stage that is here for its cells shows which.
        let is_open = can_open
            && (fits == Fits::Cells
                || self.folds.get(&at).copied().unwrap_or_else(|| opens_itself(view, at)));
        rows.push(TreeRow { id: RowId::Stage(at), fold: can_open.then_some(is_open), depth });
        if !is_open {
            return;
        }
        if !is_many {
            called.iter().for_each(|&stage| self.stage_rows(view, stage, depth + 1, rows));
            return;
        }
        for &cell in cells {
            let calls: Vec<u32> = view.called_by(cell).collect();
            let fits_call = || calls.iter().any(|&stage| self.fitting(view, stage) != Fits::Nothing);
            let has_failed =
                || cell_failed(view, cell) || calls.iter().any(|&it| has_failed_within(view, it));
            let is_shown = (!self.failed_only || has_failed())
                && (fits == Fits::Whole || self.fits_cell(view, cell) || fits_call());
            if is_shown {
                rows.push(TreeRow { id: RowId::Cell(cell), fold: None, depth });
                calls.iter().for_each(|&stage| self.stage_rows(view, stage, depth + 2, rows));
            }
        }
    }

    /// Says what of a stage the filter leaves. Each of its words must be somewhere in the name.
    fn fitting(&self, view: &JobView, stage: u32) -> Fits {
        let name = view.stage_name(stage).to_lowercase();
        if self.filter.split_whitespace().all(|word| name.contains(word)) {
            return Fits::Whole;
        }
        let mut cells = view.stages[stage as usize].cells.iter();
        let is_any = cells.any(|&cell| self.fits_cell(view, cell))
            || view.called(stage).iter().any(|&it| self.fitting(view, it) != Fits::Nothing);
        if is_any { Fits::Cells } else { Fits::Nothing }
    }

    /// A cell is called by its stage, and by the names and values of its matrix.
    fn fits_cell(&self, view: &JobView, cell: u32) -> bool {
        let name = view.cell_name(cell).to_lowercase();
        self.filter.split_whitespace().all(|word| name.contains(word))
    }

    /// Returns the position of the cursor among the rows; a row that went away leaves it at its stage or near it.
    #[must_use]
    pub fn position(&self, view: &JobView, rows: &[TreeRow]) -> usize {
        let at = |id: RowId| rows.iter().position(|row| row.id == id);
        let Some(cursor) = self.cursor else { return 0 };
        let of_stage = || match cursor {
            RowId::Cell(cell) => at(RowId::Stage(view.cells.get(cell as usize)?.stage)),
            RowId::Stage(stage) => {
                rows.iter().rposition(|row| matches!(row.id, RowId::Stage(s) if s <= stage))
            }
        };
        at(cursor).or_else(of_stage).unwrap_or(0)
    }

    /// Moves the cursor by rows.
    pub fn step(&mut self, view: &JobView, by: isize) {
        let rows = self.rows(view);
        let to = self.position(view, &rows).saturating_add_signed(by).min(rows.len().saturating_sub(1));
        self.cursor = rows.get(to).map(|row| row.id);
        self.is_held = true;
    }

    /// Puts the cursor on a row and keeps it there.
    pub fn select(&mut self, id: RowId) {
        self.cursor = Some(id);
        self.is_held = true;
    }

    /// Returns what was selected, whether or not it is in the list now.
    #[must_use]
    pub fn chosen(&self) -> Option<RowId> {
        self.cursor
    }

    /// Opens or closes the stage under the cursor. Closing from a cell puts the cursor on its stage.
    pub fn fold(&mut self, view: &JobView, open: bool) {
        let stage = match self.cursor {
            Some(RowId::Stage(stage)) => stage,
            Some(RowId::Cell(cell)) => match view.cells.get(cell as usize) {
                Some(cell) => cell.stage,
                None => return,
            },
            None => 0,
        };
        // What has nothing to close is closed with its caller.
        let has_own =
            view.called(stage).len() + view.stages.get(stage as usize).map_or(0, |it| it.cells.len()) > 1;
        let caller = view.caller(stage).filter(|_| !open && !has_own);
        let stage = caller.map_or(stage, |(caller, _)| caller);
        self.folds.insert(stage, open);
        self.is_held = true;
        if !open {
            self.cursor = Some(RowId::Stage(stage));
        }
    }

    /// Lets the cursor go along with the job until somebody moves it: to the first failure, else to what runs.
    pub fn go_along(&mut self, view: &JobView) {
        if self.is_held {
            return;
        }
        let first = |test: &dyn Fn(&StageView) -> bool| {
            let found = (0u32..).zip(&view.stages).find(|(_, stage)| test(stage)).map(|(at, _)| at);
            // Of a caller it is a stage that it calls.
            let inner =
                |at: &u32| view.called(*at).iter().copied().find(|&it| test(&view.stages[it as usize]));
            std::iter::successors(found, inner).last()
        };
        let failed = first(&|stage| is_bad(stage.phase, stage.result));
        let next = failed.or_else(|| first(&|stage| stage.phase.is_live()));
        if let Some(at) = next {
            let stage = &view.stages[at as usize];
            let cell = |&c: &u32| &view.cells[c as usize];
            let worst = stage
                .cells
                .iter()
                .filter(|c| is_bad(cell(c).phase, cell(c).result))
                .min_by_key(|c| cell(c).phase != Phase::Done(Outcome::Failure));
            self.cursor = Some(match worst {
                Some(&cell) if stage.cells.len() > 1 => RowId::Cell(cell),
                _ => RowId::Stage(at),
            });
        } else if self.cursor.is_none() {
            self.cursor = Some(RowId::Stage(0));
        }
    }

    /// Keeps the cursor in sight, two rows from the edge where there are that many.
    pub fn scroll(&mut self, at: usize, rows: usize, height: usize) {
        let margin = if height > 6 { 2 } else { 0 };
        let lowest = at.saturating_sub(margin);
        let highest = (at + margin + 1).saturating_sub(height);
        self.top = self.top.min(lowest).max(highest).min(rows.saturating_sub(height));
    }

    /// Moves the cursor to the next thing that went wrong; says whether there is one.
    pub fn next_problem(&mut self, view: &JobView) -> bool {
        let bad = problems(view);
        let at = bad.iter().position(|id| Some(*id) == self.cursor);
        let next = match at {
            Some(at) => bad.get((at + 1) % bad.len().max(1)),
            None => bad.first(),
        };
        let Some(&next) = next else { return false };
        if let RowId::Cell(cell) = next {
            self.folds.insert(view.cells[cell as usize].stage, true);
        }
        self.select(next);
        true
    }
}

/// A stage with several cells shows them while it runs and after it went wrong.
fn opens_itself(view: &JobView, stage: u32) -> bool {
    let it = &view.stages[stage as usize];
    it.phase.is_live() || is_bad(it.phase, it.result) || it.counts.failed > 0 || it.counts.live > 0
}

/// Returns what went wrong, cells for stages that have several.
#[must_use]
pub fn problems(view: &JobView) -> Vec<RowId> {
    let mut found = Vec::new();
    for (at, stage) in (0u32..).zip(&view.stages) {
        let bad = |&&cell: &&u32| {
            let it = &view.cells[cell as usize];
            matches!(it.phase, Phase::Done(Outcome::Failure)) && it.result != Some(Outcome::Success)
        };
        if stage.cells.len() > 1 {
            found.extend(stage.cells.iter().filter(bad).map(|&cell| RowId::Cell(cell)));
        } else if matches!(stage.phase, Phase::Done(Outcome::Failure))
            && stage.result != Some(Outcome::Success)
        {
            found.push(RowId::Stage(at));
        }
    }
    found
}

/// Returns the cell whose log stands for a row: itself; of a stage the one that failed, else one that runs, else the
/// one that began last.
#[must_use]
pub fn cell_of(view: &JobView, id: RowId) -> Option<u32> {
    let stage = match id {
        RowId::Cell(cell) => return Some(cell).filter(|&c| (c as usize) < view.cells.len()),
        RowId::Stage(stage) => view.stages.get(stage as usize)?,
    };
    let cell = |&c: &u32| &view.cells[c as usize];
    let find = |test: &dyn Fn(&u32) -> bool| stage.cells.iter().find(|c| test(c)).copied();
    find(&|c| cell(c).phase == Phase::Done(Outcome::Failure) && cell(c).result != Some(Outcome::Success))
        .or_else(|| find(&|c| is_bad(cell(c).phase, cell(c).result)))
        .or_else(|| find(&|c| cell(c).phase.is_live()))
        .or_else(|| {
            stage.cells.iter().filter(|c| cell(c).started.is_some()).max_by_key(|c| cell(c).started).copied()
        })
        .or_else(|| stage.cells.first().copied())
}
