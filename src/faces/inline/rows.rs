//! The rows below the output: how far the job is, and what runs now.
//!
//! Pure: a view and a moment in, rows of text out, none of them wider or more than the terminal allows. Not here: the
//! words for keys (`keys.rs`), where the rows are drawn (`sheet.rs`).

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

use crate::faces::signs::State;
use crate::faces::words::{self, clock};
use crate::faces::{gates, waits, why};
use crate::logic::playbook::model::Action;
use crate::logic::time::Timestamp;
use crate::logic::view::forecast::Forecast;
use crate::logic::view::{CellView, JobView, Phase, StageView};

/// Most rows for single cells.
const CELLS_SHOWN: usize = 6;

/// Columns of the bar.
const BAR: u8 = 10;

/// A terminal with fewer columns or rows shows the bar only.
const SMALLEST: (u16, u16) = (20, 6);

/// Says whether there is room for more than the bar in a terminal of that many columns and rows.
#[must_use]
pub(super) fn is_roomy((columns, rows): (u16, u16)) -> bool {
    columns >= SMALLEST.0 && rows >= SMALLEST.1
}

/// Returns the rows for a terminal of that many columns and rows: the bar first, then what runs. With the one for keys
/// they leave two of the terminal's rows to the output, at least.
#[must_use]
pub fn lines(
    view: &JobView,
    forecast: &Forecast,
    now: Timestamp,
    size: (u16, u16),
    ascii: bool,
) -> Vec<String> {
    let percent = forecast.progress(view, now).percent;
    let columns = usize::from(size.0);
    let mut rows = vec![cut(&total(view, percent, ascii), columns, ascii)];
    if is_roomy(size) {
        let running = running(view, now, usize::from(size.1) - 4, ascii);
        rows.extend(running.iter().map(|row| row.fitted(columns, ascii)));
    }
    rows
}

/// Returns how long it takes until a clock of a cell that runs shows another second; nothing if none runs.
#[must_use]
pub(super) fn next_second(view: &JobView, now: Timestamp) -> Option<Duration> {
    const SECOND: u128 = 1_000_000;
    let up = |since: Timestamp| SECOND - now.since(since).as_micros() % SECOND;
    // Rounded up, it changes right after the full second.
    let down = |until: Timestamp| until.since(now).as_micros() % SECOND + 1;
    let cells = view.live.iter().filter_map(|&cell| view.cells.get(cell as usize)).take(CELLS_SHOWN);
    let clocks = cells.flat_map(|cell| {
        let step = cell.current.and_then(|step| cell.steps.get(step as usize));
        let waits = [Some(cell.phase), step.map(|step| step.phase)].into_iter().flatten();
        let until = waits.filter_map(|phase| match phase {
            Phase::Retrying(until) => Some(down(until)),
            _ => None,
        });
        let since = cell.started.into_iter().chain(step.and_then(|step| step.started)).map(up);
        since.chain(until).collect::<Vec<_>>()
    });
    clocks.min().and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros)
}

/// `[█████░░░░░] 45% - Stage 3/7: Running tests`
fn total(view: &JobView, percent: u8, ascii: bool) -> String {
    let filled = usize::from((percent + 100 / BAR / 2) / (100 / BAR));
    let (full, empty) = if ascii { ("#", ".") } else { ("█", "░") };
    let bar = full.repeat(filled) + &empty.repeat(usize::from(BAR) - filled);
    let live: Vec<usize> =
        view.stages.iter().enumerate().filter(|(_, stage)| stage.phase.is_live()).map(|(at, _)| at).collect();
    let stages = view.stages.len();
    let at = (view.stage_counts.done() + usize::from(!live.is_empty())).min(stages);
    format!("[{bar}] {percent}% - Stage {at}/{stages}: {}", doing(view, &live))
}

/// Says what the job is doing.
fn doing(view: &JobView, live: &[usize]) -> String {
    let state = if view.phase.outcome().is_some() {
        words::phase(view.phase, view.cause.as_ref())
    } else if view.cancelling.is_some() {
        "cancelling"
    } else if view.is_frozen() {
        "frozen"
    } else if view.paused.is_some() {
        "paused"
    } else if live.is_empty() {
        if view.stage_counts.done() == 0 { "starting" } else { "waiting" }
    } else {
        ""
    };
    let Some(&first) = live.first() else { return state.to_owned() };
    let mut names = title(view, first);
    if live.len() > 1 {
        names.push_str(&format!(" +{}", live.len() - 1));
    }
    if state.is_empty() { names } else { format!("{names} ({state})") }
}

/// Returns how a stage is called: by its name if that is fixed, else by its id.
fn title(view: &JobView, stage: usize) -> String {
    let Some(plan) = view.playbook.stages.get(stage) else { return String::new() };
    let name = plan.name.as_ref().and_then(|name| name.template.as_literal());
    plain(name.and_then(|name| name.lines().next()).unwrap_or(&plan.id))
}

/// A row of what runs.
struct Row {
    text: String,
    /// What stands behind the text, and stays when that is cut.
    state: String,
    /// How many running cells it stands for.
    cells: usize,
}

impl Row {
    fn fitted(&self, columns: usize, ascii: bool) -> String {
        let Self { text, state, .. } = self;
        if state.is_empty() {
            return cut(text, columns, ascii);
        }
        match columns.checked_sub(width(state) + 1) {
            // With less of the text nobody would know whose state it is.
            Some(room) if room >= 8 => format!("{} {state}", cut(text, room, ascii)),
            _ => cut(&format!("{text} {state}"), columns, ascii),
        }
    }
}

/// Returns the rows of what runs; `most` is how many there may be.
fn running(view: &JobView, now: Timestamp, most: usize, ascii: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let shows = |stage: &StageView| stage.phase.is_live() || stage.gates > 0;
    for (at, stage) in view.stages.iter().enumerate().filter(|(_, stage)| shows(stage)) {
        stage_rows(view, now, (at, stage), ascii, &mut rows);
    }
    let all: usize = rows.iter().map(|row| row.cells).sum();
    let mut shown = 0;
    let mut kept = 0;
    for row in &rows {
        if kept == most || shown + row.cells > CELLS_SHOWN {
            break;
        }
        shown += row.cells;
        kept += 1;
    }
    if kept == rows.len() {
        return rows;
    }
    if kept == most {
        kept = kept.saturating_sub(1);
    }
    // A stage without any of its cells says nothing.
    while kept > 0 && rows[kept - 1].cells == 0 {
        kept -= 1;
    }
    rows.truncate(kept);
    let hidden = all - rows.iter().map(|row| row.cells).sum::<usize>();
    if rows.len() < most && hidden > 0 {
        rows.push(Row { text: format!("... and {hidden} more"), state: String::new(), cells: 0 });
    }
    rows
}

fn stage_rows(
    view: &JobView,
    now: Timestamp,
    (at, stage): (usize, &StageView),
    ascii: bool,
    rows: &mut Vec<Row>,
) {
    let live: Vec<(u32, &CellView)> = stage
        .cells
        .iter()
        .filter(|cell| view.live.contains(cell))
        .filter_map(|&cell| Some((cell, view.cells.get(cell as usize)?)))
        .collect();
    let state = live.first().map_or(State::of_stage(stage), |(_, cell)| State::of_cell(cell));
    let symbol = state.within(view).sign(ascii);
    let name = title(view, at);
    if let Some(gate) = view.gate_of_stage(u32::try_from(at).unwrap_or(u32::MAX)) {
        let state = gates::waits(&view.gates[gate as usize], now);
        rows.push(Row { text: format!("{symbol} {name}"), state, cells: 1 });
        return;
    }
    if let [only] = stage.cells[..] {
        rows.push(Row { text: format!("{symbol} {name}"), state: String::new(), cells: 0 });
        if let Some((_, cell)) = live.first() {
            let (step, state) = step_words(view, only, cell, now);
            rows.push(Row { text: format!("  {} {step}", branch(true, ascii)), state, cells: 1 });
        }
        return;
    }
    let state = match stage.counts.done() {
        0 => String::new(),
        done => format!("{done}/{} done", stage.counts.total()),
    };
    rows.push(Row { text: format!("{symbol} {name} ({} cells)", stage.cells.len()), state, cells: 0 });
    for (index, (at, cell)) in live.iter().enumerate() {
        let text = format!("  {} [{}]", branch(index + 1 == live.len(), ascii), plain(&cell.label));
        rows.push(Row { text, state: cell_words(view, *at, cell, now), cells: 1 });
    }
}

fn branch(is_last: bool, ascii: bool) -> &'static str {
    match (is_last, ascii) {
        (true, false) => "└─",
        (false, false) => "├─",
        (true, true) => "`-",
        (false, true) => "|-",
    }
}

/// Says how long a cell has been running, and what keeps it if it does not run.
fn cell_words(view: &JobView, at: u32, cell: &CellView, now: Timestamp) -> String {
    let time = cell.started.map_or(Duration::ZERO, |started| now.since(started));
    if let Some(gate) = cell.gate.and_then(|gate| view.gates.get(gate as usize)) {
        return gates::waits(gate, now);
    }
    if let Some(next) = waits::next_try(view, at, true) {
        return after_failure(view, cell, next.told(now));
    }
    match cell.phase {
        _ if view.is_frozen() => format!("{} frozen", clock(time)),
        Phase::Stopping => format!("{} stopping", clock(time)),
        _ => clock(time),
    }
}

/// Puts before the words for a further try why there is one: `exit code 3, try 2 of 3 in 0:12`.
fn after_failure(view: &JobView, cell: &CellView, next: String) -> String {
    let waiting = cell.steps.iter().find(|step| matches!(step.phase, Phase::Retrying(_)));
    match waiting.map_or(cell.cause.as_ref(), |step| step.cause.as_ref()) {
        Some(cause) => format!("{}, {next}", words::brief_cause(cause, view)),
        None => next,
    }
}

/// Returns `[test] Run unit tests` and `0:15`.
fn step_words(view: &JobView, at: u32, cell: &CellView, now: Timestamp) -> (String, String) {
    let current = cell.current.and_then(|step| Some((step, cell.steps.get(step as usize)?)));
    let Some((step, state)) = current else {
        return ("waits".to_owned(), cell_words(view, at, cell, now));
    };
    let mut text = format!("[{}]", plain(&view.step_name(at, step)));
    if let Some(name) = step_title(view, at, step) {
        text.push(' ');
        text.push_str(&name);
    }
    let beside = view.beside(at);
    if beside > 0 {
        text.push_str(&format!(" +{beside}"));
    }
    if cell.gate.is_some() {
        return (text, cell_words(view, at, cell, now));
    }
    if let Some(next) = waits::next_try(view, at, true) {
        return (text, after_failure(view, cell, next.told(now)));
    }
    let tries = match state.attempt {
        0 | 1 => String::new(),
        attempt => format!("try {} ", waits::tries(view, at, step, attempt)),
    };
    let time = state.started.map_or(Duration::ZERO, |started| state.finished.unwrap_or(now).since(started));
    let rest = match (cell.phase, state.phase) {
        (_, phase) if view.is_frozen() && phase.is_live() => format!("{} frozen", clock(time)),
        (Phase::Stopping, _) | (_, Phase::Stopping) => format!("{} stopping", clock(time)),
        _ => clock(time),
    };
    (text, tries + &rest)
}

/// Returns how a step is called by its playbook: its name, or the first line that it runs.
fn step_title(view: &JobView, cell: u32, step: u32) -> Option<String> {
    let plan = view.plan_step(cell, step)?;
    let name = plan.name.as_ref().and_then(|name| name.template.as_literal());
    let text = match (name, &plan.action) {
        (Some(name), _) => name,
        // Its id says it already.
        (None, _) if plan.id.is_some() => return None,
        (None, Action::Run { text, .. }) => text.template.as_literal()?.trim(),
        (None, Action::Block { .. } | Action::Approve(_)) => return None,
        (None, action) => return Some(why::action_words(action, &|at| why::step_id(view, cell, at))),
    };
    Some(plain(text.lines().next().unwrap_or_default()))
}

/// Returns the text without anything that moves a cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns how many columns a text takes. Characters that some terminals join are counted apart.
#[must_use]
pub(super) fn width(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// Cuts a row to so many columns, and shows that it did.
#[must_use]
pub(super) fn cut(row: &str, columns: usize, ascii: bool) -> String {
    if width(row) <= columns {
        return row.to_owned();
    }
    let mark = if ascii { "..." } else { "…" };
    let Some(room) = columns.checked_sub(width(mark)) else { return ".".repeat(columns) };
    let mut kept = String::new();
    let mut used = 0;
    for c in row.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        kept.push(c);
    }
    kept + mark
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
