//! All that is known of the selection: what it runs, needs, tried, came to.

use ratatui::layout::Rect;

use super::pen::{Pen, wrapped};
use crate::faces::caching;
use crate::faces::tui::glyphs::State;
use crate::faces::tui::motion;
use crate::faces::tui::theme::Token;
use crate::faces::tui::tree::{self, RowId};
use crate::faces::tui::ui::{Facts, Ui};
use crate::faces::waits;
use crate::faces::why::{runs, step_title, why_cell, why_stage};
use crate::faces::words;
use crate::logic::job::event::Cause;
use crate::logic::playbook::model::Action;
use crate::logic::text::clean::written_out;
use crate::logic::text::{bytes_text, plural};
use crate::logic::view::{JobView, Phase, StepView};

/// A line: a word in front, its text, and the state whose sign stands before it.
pub(super) struct Line {
    head: String,
    text: String,
    state: Option<State>,
}

fn line(head: &str, text: impl Into<String>) -> Line {
    Line { head: head.to_owned(), text: text.into(), state: None }
}

/// Draws the pane on the right of wide screens.
pub(super) fn pane(pen: &mut Pen<'_>, title: Rect, area: Rect, ui: &Ui, facts: Facts<'_>) {
    pen.title(title, "Details", "", false);
    draw_rows(pen, area, &rows(&lines(ui, facts), area.width), 0);
}

/// A row of the screen.
pub(super) struct Row<'a> {
    head: &'a str,
    state: Option<State>,
    /// Columns between the first of all texts and this one.
    indent: u16,
    text: String,
}

/// Where texts begin, in an area of that width.
fn text_column(width: u16) -> u16 {
    if width < 40 { 9 } else { 11 }
}

/// Lays lines out for a width: texts are broken between words, and what goes on is indented.
pub(super) fn rows(lines: &[Line], width: u16) -> Vec<Row<'_>> {
    let room = width.saturating_sub(text_column(width)).max(8);
    let mut rows = Vec::new();
    for line in lines {
        let sign = if line.state.is_some() { 2 } else { 0 };
        let own = line.text.chars().take_while(|c| *c == ' ').count();
        let own = u16::try_from(own).unwrap_or(0).min(room / 3);
        let indent = sign + own;
        let more = indent + 2;
        let parts = wrapped(line.text.trim_start(), (room - indent).into(), (room - more).into());
        for (at, text) in parts.into_iter().enumerate() {
            let is_first = at == 0;
            rows.push(Row {
                head: if is_first { &line.head } else { "" },
                state: line.state.filter(|_| is_first),
                indent: if is_first { indent } else { more },
                text,
            });
        }
    }
    rows
}

/// Draws rows from one on.
pub(super) fn draw_rows(pen: &mut Pen<'_>, area: Rect, rows: &[Row<'_>], top: usize) {
    let column = text_column(area.width);
    for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(top)) {
        let style = pen.style(Token::Heading);
        pen.text(area.x + 1, y, column - 2, row.head, style);
        if let Some(state) = row.state {
            // Its time is not known here, and a list that turns would only distract.
            pen.sign(area.x + column, y, state, std::time::Duration::ZERO);
        }
        let style = pen.style(Token::Text);
        let x = area.x + column + row.indent;
        pen.text(x, y, area.right().saturating_sub(x), &row.text, style);
    }
}

/// Returns what is known of the selection.
pub(super) fn lines(ui: &Ui, facts: Facts<'_>) -> Vec<Line> {
    let view = facts.view;
    let Some(id) = ui.selected(view) else { return Vec::new() };
    let stage = match id {
        RowId::Stage(stage) => stage,
        RowId::Cell(cell) => view.cells[cell as usize].stage,
    };
    let cell = tree::cell_of(view, id);
    let mut lines = Vec::new();
    if let Some(last) = view.since_retry(facts.time) {
        let (whole, last) = (motion::clock(view.elapsed(facts.time)), motion::clock(last));
        lines.push(line("job", format!("attempt {}, {whole}, since retry {last}", view.attempt)));
    }
    of_stage(&mut lines, facts, stage);
    match (id, cell) {
        (RowId::Stage(stage), _) if view.stages[stage as usize].cells.len() > 1 => {
            let counts = &view.stages[stage as usize].counts;
            lines.push(line("cells", crate::faces::summary::counts(view, counts, "cell")));
        }
        _ => {}
    }
    if let Some(cell) = cell {
        of_cell(&mut lines, view, cell, facts);
    }
    artifacts(&mut lines, facts, stage, cell);
    lines
}

fn of_stage(lines: &mut Vec<Line>, facts: Facts<'_>, stage: u32) {
    let view = facts.view;
    let Some(model) = view.playbook.stages.get(stage as usize) else { return };
    let it = &view.stages[stage as usize];
    lines.push(line("stage", view.stage_name(stage)));
    if let Some(name) = model.name.as_ref() {
        lines.push(line("", name.template.source()));
    }
    let (state, word) = match never(it.phase, false, facts.is_live) {
        Some((state, word)) => (state, word),
        None => (State::of_stage(it).within(view), words::standing(view, it.phase, it.cause.as_ref())),
    };
    lines.push(Line { state: Some(state), ..line("state", word) });
    // What its cells came to is told with them.
    let is_told =
        it.cells.len() == 1 && matches!(it.cause.as_ref().and_then(Cause::root), Some(Cause::Member { .. }));
    match it.phase {
        Phase::Done(_) if !is_told => lines.extend(why_stage(view, stage).map(|why| line("", why))),
        Phase::Waiting => {
            lines.push(line("", waits::of_stage(view, stage, facts.is_live).told()));
        }
        _ => {}
    }
    if let (Some(whole), false, Some(started)) = (it.elapsed(facts.time), it.earlier.is_zero(), it.started) {
        let last = it.finished.unwrap_or(facts.time).since(started);
        lines.push(line("time", format!("{}, since retry {}", motion::clock(whole), motion::clock(last))));
    }
    if let Some((caller, cell)) = view.caller(stage) {
        let name = cell.map_or_else(|| view.stage_name(caller).to_owned(), |cell| view.cell_name(cell));
        let standing = words::standing(view, view.stages[caller as usize].phase, None);
        lines.push(line("caller", format!("{name}, {standing}")));
    }
    let needs: Vec<&str> = model.needs.iter().map(|&need| &*view.playbook.stages[need].id).collect();
    if !needs.is_empty() {
        lines.push(line("needs", needs.join(", ")));
    }
    let after: Vec<&str> = view.dependents(stage).iter().map(|&it| view.stage_name(it)).collect();
    if !after.is_empty() {
        lines.push(line("before", after.join(", ")));
    }
    if let Some(condition) = &model.condition {
        lines.push(line("if", &*condition.source));
    }
}

/// Returns how something stands that nothing will happen to any more although it has not ended.
fn never(phase: Phase, is_over: bool, is_live: bool) -> Option<(State, &'static str)> {
    match phase {
        Phase::Waiting if is_over || !is_live => Some((State::Skipped, "not run")),
        phase if phase.is_live() && !is_live => Some((State::Cancelled, "interrupted")),
        _ => None,
    }
}

fn of_cell(lines: &mut Vec<Line>, view: &JobView, cell: u32, facts: Facts<'_>) {
    let it = &view.cells[cell as usize];
    if !it.label.is_empty() {
        lines.push(line("", ""));
        let state = never(it.phase, false, facts.is_live)
            .map_or_else(|| State::of_cell(it).within(view), |(state, _)| state);
        lines.push(Line { state: Some(state), ..line("cell", &*it.label) });
    }
    if it.run > 1 {
        lines.push(line("run", runs(view, cell).trim_start_matches("run ")));
    }
    if let Some(why) = why_cell(view, cell).filter(|_| matches!(it.phase, Phase::Done(_))) {
        lines.push(line("why", why));
    }
    if let Some(cache) = &it.cache {
        lines.push(line("cache", caching::told(cache)));
    }
    let is_over = matches!(it.phase, Phase::Done(_));
    let used = view.steps_in_order(cell).into_iter().filter(|at| !view.is_unused_undo(cell, *at));
    let used = used.map(|at| (at, &it.steps[at as usize]));
    for (index, (at, step)) in used.enumerate() {
        let head = if index == 0 { "steps" } else { "" };
        let took = match (step.started, step.finished) {
            (Some(started), Some(finished)) => format!("  {}", motion::clock(finished.since(started))),
            (Some(started), None) => format!("  {}", motion::clock(facts.time.since(started))),
            _ => String::new(),
        };
        let tries = if step.attempt > 1 { format!(", {} tries", step.attempt) } else { String::new() };
        let never = never(step.phase, is_over, facts.is_live);
        let how = never.map_or_else(String::new, |(_, word)| format!("  {word}"));
        let number = if view.is_part(cell, at) { String::new() } else { format!("{} ", at + 1) };
        let text = format!("{number}{}{tries}{took}{how}", step_title(view, cell, at));
        let state = never.map_or_else(|| State::of_step(step).within(view), |(state, _)| state);
        lines.push(Line { state: Some(state), ..line(head, text) });
        if let Some((_, wait)) =
            waits::of_step(view, cell).filter(|(looked, _)| *looked == at && facts.is_live)
        {
            lines.push(line("", format!("  {}", wait.told())));
        } else if let Some(cache) = &step.cache {
            lines.push(line("", format!("  cache {}", caching::told(cache))));
        }
        for (attempt, tried) in view.earlier_tries(cell, at) {
            let took = tried.took.map_or_else(String::new, |took| format!("  {}", motion::clock(took)));
            lines.push(line("", format!("  try {attempt}: {}{took}", words::tried(tried, view))));
        }
        if let Some(next) = waits::next_try(view, cell, facts.is_live).filter(|_| is_waiting(step)) {
            lines.push(line("", format!("  {}", next.told(facts.time))));
        }
        if step.phase.is_live()
            || matches!(step.phase, Phase::Done(crate::logic::job::event::Outcome::Failure))
        {
            command(lines, view, cell, at);
        }
    }
    for (index, (name, value)) in it.outputs.iter().enumerate() {
        lines.push(line(if index == 0 { "outputs" } else { "" }, format!("{name} = {value}")));
    }
    if !it.survivors.is_empty() {
        lines.push(line("left", it.survivors.join(", ")));
    }
}

/// Adds what a stage, or one of its cells, keeps for others: a line for each.
fn artifacts(lines: &mut Vec<Line>, facts: Facts<'_>, stage: u32, cell: Option<u32>) {
    let view = facts.view;
    let cells = cell.as_ref().map_or(&view.stages[stage as usize].cells[..], std::slice::from_ref);
    let own = cells.iter().flat_map(|&cell| view.artifacts.of(cell));
    for (index, it) in own.enumerate() {
        let artifact = &it.artifact;
        let (name, files) = (written_out(&artifact.name, false), plural(artifact.files as usize, "file"));
        let expired = if artifact.until <= facts.time { ", expired" } else { "" };
        let text = format!("{name}: {files}, {}{expired}", bytes_text(artifact.bytes));
        lines.push(line(if index == 0 { "keeps" } else { "" }, text));
    }
}

fn is_waiting(step: &StepView) -> bool {
    matches!(step.phase, Phase::Retrying(_))
}

/// Adds the text of a command, its first lines.
fn command(lines: &mut Vec<Line>, view: &JobView, cell: u32, step: u32) {
    const MOST: usize = 6;
    let Some(Action::Run { text, .. }) = view.plan_step(cell, step).map(|it| &it.action) else { return };
    let source = text.template.source();
    let all: Vec<&str> = source.trim_end().lines().collect();
    for (at, text) in all.iter().take(MOST).enumerate() {
        lines.push(line(if at == 0 { "  runs" } else { "" }, format!("  {text}")));
    }
    if all.len() > MOST {
        lines.push(line("", format!("  and {} lines more", all.len() - MOST)));
    }
}
