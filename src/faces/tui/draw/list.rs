//! The list of stages and cells.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::{Pen, cut, cut_name};
use crate::faces::gates;
use crate::faces::tui::clusters::columns;
use crate::faces::tui::glyphs::State;
use crate::faces::tui::keymap::{Action, Place};
use crate::faces::tui::motion;
use crate::faces::tui::theme::Token;
use crate::faces::tui::tree::{RowId, TreeRow, cell_failed};
use crate::faces::tui::ui::{Facts, Focus, Look, Ui};
use crate::faces::waits;
use crate::faces::why::{step_title, why_cell};
use crate::faces::words;
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::text::plural;
use crate::logic::view::{CellView, JobView, Phase};

/// Columns of a time, with the one before it.
const TIME: u16 = 8;

/// Draws the list; returns where its cursor is.
pub(super) fn draw(
    buffer: &mut Buffer,
    title: Rect,
    area: Rect,
    ui: &mut Ui,
    facts: Facts<'_>,
) -> (u16, u16) {
    let rows = ui.tree.rows(facts.view);
    let at = ui.tree.position(facts.view, &rows);
    let height = usize::from(area.height);
    ui.tree.scroll(at, rows.len(), height);
    ui.list_at.0 = area;
    let top = ui.tree.top;
    let mut pen = Pen::new(buffer, &ui.look);
    let what = if !ui.tree.filter.is_empty() {
        format!("Stages and cells with `{}`", ui.tree.filter)
    } else if ui.tree.failed_only {
        "Stages that failed".to_owned()
    } else {
        "Stages".to_owned()
    };
    let right = if rows.len() > height {
        format!("{}-{} of {}", top + 1, (top + height).min(rows.len()), rows.len())
    } else if ui.tree.failed_only {
        let cells =
            (0u32..).zip(&facts.view.cells).filter(|(cell, _)| cell_failed(facts.view, *cell)).count();
        plural(cells, "cell")
    } else {
        super::what_runs(facts, title.width)
    };
    // What is left out of the list must be read, whatever else is to be said; the lines at both ends take nine columns.
    let is_narrow = columns(&what) + columns(&right) + 9 > usize::from(title.width);
    let right = if is_narrow && !ui.tree.filter.is_empty() { String::new() } else { right };
    pen.title(title, &what, &right, ui.focus == Focus::List);
    if rows.is_empty() {
        let words = if ui.tree.failed_only {
            let key = pen.look.keys.said(Place::List.looked_up(), Action::FailedOnly);
            format!("nothing has failed; {key} shows all")
        } else {
            "no stage or cell fits".to_owned()
        };
        let style = pen.style(Token::Muted);
        pen.text(area.x + 3, area.y, area.width.saturating_sub(3), &words, style);
    }
    for (y, (index, row)) in (area.y..).zip(rows.iter().enumerate().skip(top).take(height)) {
        let line = Rect { y, height: 1, ..area };
        draw_row(&mut pen, line, *row, facts, index == at, ui.focus == Focus::List);
    }
    (area.x, area.y + u16::try_from(at.saturating_sub(top)).unwrap_or(0))
}

fn draw_row(pen: &mut Pen<'_>, line: Rect, row: TreeRow, facts: Facts<'_>, is_at: bool, has_focus: bool) {
    let (y, fold_width) = (line.y, pen.look.glyphs.fold_width());
    let indent = match row.id {
        RowId::Stage(_) => row.depth * 2,
        RowId::Cell(_) => row.depth * 2 + 2,
    };
    if is_at {
        if has_focus {
            pen.buffer.set_style(line, pen.look.theme().style(Token::Selection));
        }
        let style = pen.style(Token::Marker);
        pen.text(line.x, y, 1, pen.look.glyphs.marker(), style);
    }
    if let Some(is_open) = row.fold {
        let style = pen.style(Token::Muted);
        pen.text(line.x + 1 + indent, y, fold_width, pen.look.glyphs.fold(is_open), style);
    }
    let sign_x = line.x + 2 + fold_width + indent;
    let it = Told::of(row.id, pen.look, facts);
    pen.sign(sign_x, y, it.state, facts.now);
    let name_x = sign_x + 2;
    let end = line.right();
    let time_x = end.saturating_sub(TIME);
    let room = time_x.saturating_sub(name_x);
    let name_style = if it.state == State::Blocked || it.state == State::Skipped {
        pen.style(Token::Muted)
    } else {
        pen.style(Token::Text)
    };
    let detail = match row.id {
        RowId::Cell(_) => yielding(&it, room),
        RowId::Stage(_) => it.detail.clone(),
    };
    let name_room = room.saturating_sub(kept(&it.name, &detail, room));
    let after = pen.text(name_x, y, name_room, &cut_name(&it.name, usize::from(name_room)), name_style);
    let detail_room = time_x.saturating_sub(after + 2);
    let style = pen.style(it.token);
    pen.right(time_x, y, &brief(&detail, usize::from(detail_room)), style);
    if let Some(time) = it.took.map(motion::clock) {
        let style = pen.style(Token::Muted);
        pen.right(end.saturating_sub(1), y, &time, style);
    }
}

/// Divides a step from how it went: `Compile: exit 101`.
fn step_and_how(detail: &str) -> Option<(&str, &str)> {
    detail.rsplit_once(": ")
}

/// Returns what is said behind the name of a cell. Where there is no room for both, a name that tells it from others matters
/// more than what its sign tells as well: which step runs yields to it, but for its number, and that it waits.
fn yielding(told: &Told, room: u16) -> String {
    let left = usize::from(room).saturating_sub(columns(&told.name) + 2);
    if columns(&told.detail) <= left {
        return told.detail.clone();
    }
    let number = told.detail.split(' ').next().filter(|word| word.contains('/')).unwrap_or_default();
    match told.state {
        // A word of which less is left says nothing.
        State::Running if left > columns(number) + 5 => cut(&told.detail, left),
        State::Running => number.to_owned(),
        State::Queued => String::new(),
        _ => told.detail.clone(),
    }
}

/// Returns how many columns of a row its name leaves to what is said behind it, the gap included: all that it does not
/// need; at least what must be read of that, or a third.
pub(super) fn kept(name: &str, detail: &str, room: u16) -> u16 {
    let wide = |text: &str| u16::try_from(columns(text)).unwrap_or(u16::MAX);
    let must = step_and_how(detail).map_or(detail, |(_, how)| how);
    let least = match wide(must) {
        0 => 0,
        few @ ..=10 => few + 2,
        _ => (wide(detail) + 2).min(room / 3),
    };
    room.saturating_sub(wide(name)).max(least)
}

/// Cuts what is said of a row. Of a step and how it went the latter must be read.
pub(super) fn brief(detail: &str, room: usize) -> String {
    match step_and_how(detail) {
        Some((step, how)) if columns(detail) > room && columns(how) <= room => {
            let left = (room - columns(how)).saturating_sub(2);
            if left < 5 { how.to_owned() } else { format!("{}: {how}", cut(step, left)) }
        }
        _ => cut(detail, room),
    }
}

/// What a row says.
struct Told {
    state: State,
    name: String,
    detail: String,
    token: Token,
    took: Option<Duration>,
}

impl Told {
    fn of(id: RowId, look: &Look, facts: Facts<'_>) -> Self {
        match id {
            RowId::Stage(stage) => Self::of_stage(stage, facts, look),
            RowId::Cell(cell) => Self::of_cell(cell, facts, look),
        }
    }

    fn of_stage(stage: u32, facts: Facts<'_>, look: &Look) -> Self {
        let view = facts.view;
        let it = &view.stages[stage as usize];
        let name = view.own_name(stage);
        // All times that it ran, where a cell says how long this run takes.
        let took = it.elapsed(facts.time);
        if let [cell] = it.cells[..] {
            let of_cell = Self::of_cell(cell, facts, look);
            let state = if it.phase == Phase::Waiting { State::of_stage(it) } else { of_cell.state };
            let took = if matches!(it.phase, Phase::Retrying(_)) { of_cell.took } else { took };
            return Self { name: name.to_owned(), state, took, ..of_cell };
        }
        let counts = if it.cells.is_empty() {
            String::new()
        } else {
            format!("  {}/{}", it.counts.done(), it.counts.total())
        };
        let state = State::of_stage(it).within(view);
        let (detail, token) = match it.phase {
            Phase::Waiting => {
                match (waits::of_stage(view, stage, facts.is_live), view.gate_of_stage(stage)) {
                    (waits::Wait::Gate(_), Some(gate)) => (gate_words(view, gate, facts), Token::Attention),
                    (wait, _) => (wait.brief(), Token::Muted),
                }
            }
            Phase::Done(Outcome::Skipped) => (skipped(view, it.cause.as_ref()), Token::Muted),
            Phase::Done(Outcome::Success) => (String::new(), Token::Success),
            _ if it.counts.failed > 0 => (format!("{} failed", it.counts.failed), Token::Error),
            phase => (words::standing(view, phase, it.cause.as_ref()).to_owned(), token_of(phase)),
        };
        Self { state, name: format!("{name}{counts}"), detail, token, took }
    }

    fn of_cell(cell: u32, facts: Facts<'_>, look: &Look) -> Self {
        let view = facts.view;
        let it = &view.cells[cell as usize];
        let name = match it.label.is_empty() {
            true => view.stage_name(it.stage).to_owned(),
            false => values(it, look.glyphs.between()),
        };
        let mut state = State::of_cell(it).within(view);
        let next = waits::next_try(view, cell, facts.is_live);
        let (detail, token) = match it.phase {
            Phase::Waiting => (waits::of_cell(view, cell, facts.is_live).brief(), Token::Muted),
            phase if phase.is_live() && !facts.is_live => {
                state = State::Cancelled;
                ("interrupted".to_owned(), Token::Warning)
            }
            Phase::Running if waits::is_between_steps(view, cell) => {
                state = State::Paused;
                let next = it.steps.iter().take_while(|step| step.phase.outcome().is_some()).count() + 1;
                (format!("paused before {next}/{}", view.own_steps(cell)), Token::Muted)
            }
            Phase::Running | Phase::Stopping if view.is_frozen() => ("frozen".to_owned(), Token::Muted),
            Phase::Running if let Some(gate) = it.gate => (gate_words(view, gate, facts), Token::Attention),
            Phase::Running if let Some(calls) = calls(view, cell) => (calls, Token::Running),
            Phase::Running if let Some((step, wait)) = waits::of_step(view, cell) => {
                (format!("{}/{} {}", step + 1, view.own_steps(cell), wait.brief()), Token::Running)
            }
            Phase::Running => (running(view, cell), Token::Running),
            Phase::Retrying(_) => {
                (next.as_ref().map(|next| next.brief(facts.time)).unwrap_or_default(), Token::Running)
            }
            Phase::Done(Outcome::Success) => (tries(view, cell), Token::Success),
            Phase::Done(Outcome::Skipped) => (skipped(view, it.cause.as_ref()), Token::Muted),
            phase => {
                (briefly(view, cell).unwrap_or_else(|| words::phase(phase, None).to_owned()), token_of(phase))
            }
        };
        // Until the next try the time runs down.
        let took = match next {
            Some(next) if facts.is_live => next.left(facts.time),
            _ => it.started.map(|started| it.finished.unwrap_or(facts.time).since(started)),
        };
        Self { state, name, detail, token, took }
    }
}

fn token_of(phase: Phase) -> Token {
    match phase {
        Phase::Done(Outcome::Failure) => Token::Error,
        Phase::Stopping => Token::Warning,
        Phase::Running | Phase::Retrying(_) => Token::Running,
        Phase::Done(Outcome::Success) => Token::Success,
        Phase::Waiting | Phase::Done(_) => Token::Muted,
    }
}

/// Returns how many of the stages that a cell calls have ended: `2/5 stages`.
fn calls(view: &JobView, cell: u32) -> Option<String> {
    let all: Vec<u32> = view.called_by(cell).collect();
    let done = all.iter().filter(|&&stage| view.stages[stage as usize].phase.outcome().is_some()).count();
    (!all.is_empty()).then(|| format!("{done}/{}", plural(all.len(), "stage")))
}

/// Returns `2/3 Package`, and the try if it is not the first.
fn running(view: &JobView, cell: u32) -> String {
    let it = &view.cells[cell as usize];
    let mut live: Vec<_> = view.live_steps(cell).collect();
    // Of several that run, the one that stands for them comes last.
    live.sort_by_key(|(at, _)| (Some(*at) == it.current, *at));
    if live.is_empty() && it.is_rolling {
        return "waits to be undone".to_owned();
    }
    let Some((at, step)) = live.last().copied().or_else(|| {
        let at = it.current?;
        it.steps.get(at as usize).map(|step| (at, step))
    }) else {
        return "running".to_owned();
    };
    let of = view.own_steps(cell);
    let place = if of > 1 && !view.is_part(cell, at) { format!("{}/{of} ", at + 1) } else { String::new() };
    let again = match step.attempt {
        0 | 1 => String::new(),
        attempt => format!(", try {}", waits::tries(view, cell, at, attempt)),
    };
    let beside = match view.beside(cell) {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    format!("{place}{}{again}{beside}", step_title(view, cell, at))
}

/// Returns the values of a cell's matrix, without the names of its axes.
pub(super) fn values(cell: &CellView, between: &str) -> String {
    let Some(members) = cell.matrix.as_object() else { return cell.label.to_string() };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.values().map(text).collect::<Vec<_>>().join(&format!(" {between} "))
}

/// Says in a few words why a cell did not pass: `Compile: exit 101`.
pub(super) fn briefly(view: &JobView, cell: u32) -> Option<String> {
    let it = &view.cells[cell as usize];
    let failed = view.first_failed(cell).map(|at| (at, &it.steps[at as usize]));
    let Some((at, step)) = failed else {
        return match &it.cause {
            Some(Cause::FailFast { .. }) => Some("fail-fast".to_owned()),
            Some(Cause::Order { by }) => Some(format!("by {by}")),
            _ => why_cell(view, cell),
        };
    };
    let how = match &step.cause {
        Some(Cause::Exit { code }) => format!("exit {code}"),
        Some(Cause::Signal { signal }) => format!("signal {signal}"),
        Some(Cause::Timeout { .. }) => "timed out".to_owned(),
        _ => return why_cell(view, cell),
    };
    Some(if it.steps.len() > 1 { format!("{}: {how}", step_title(view, cell, at)) } else { how })
}

/// Says that a cell that passed needed more than one try.
fn tries(view: &JobView, cell: u32) -> String {
    let it = &view.cells[cell as usize];
    let most = it.steps.iter().map(|step| step.attempt).max().unwrap_or(0);
    if it.run > 1 {
        format!("run {}", it.run)
    } else if most > 1 {
        format!("{most} tries")
    } else {
        String::new()
    }
}

fn skipped(view: &JobView, cause: Option<&Cause>) -> String {
    match cause {
        Some(Cause::Order { by }) => format!("skipped by {by}"),
        Some(Cause::Condition { .. }) => "its condition is false".to_owned(),
        Some(cause) => words::cause(cause, view),
        None => "skipped".to_owned(),
    }
}

/// Says who is waited for, and how long that may take: `approval by ops (1 of 2), 3:12 left`.
fn gate_words(view: &JobView, gate: u32, facts: Facts<'_>) -> String {
    let Some(it) = view.gates.get(gate as usize) else { return String::new() };
    let left = gates::left(it, facts.time).map_or_else(String::new, |left| format!(", {left}"));
    format!("{}{left}", gates::wanted(it))
}
