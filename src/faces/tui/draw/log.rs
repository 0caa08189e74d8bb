//! The log pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::pen::{Pen, cut, grouped};
use crate::faces::caching;
use crate::faces::tui::clusters::Part;
use crate::faces::tui::log_pane::{PaneRow, TimeShown};
use crate::faces::tui::motion;
use crate::faces::tui::theme::Token;
use crate::faces::tui::tree::{self, RowId};
use crate::faces::tui::ui::{Facts, Focus, Mode, Ui};
use crate::faces::waits;
use crate::faces::why::{step_title, why_cell, why_stage};
use crate::faces::words;
use crate::logic::job::report::AttemptKey;
use crate::logic::time::Timestamp;
use crate::logic::view::{CacheView, JobView, Phase};

/// Draws the log of the selection; returns where its cursor is.
pub(super) fn draw(
    buffer: &mut Buffer,
    title: Rect,
    area: Rect,
    ui: &mut Ui,
    facts: Facts<'_>,
) -> (u16, u16) {
    ui.list_at.1 = area;
    let gutter = gutter(ui);
    let left = gutter + 1;
    let width = area.width.saturating_sub(left);
    let rows = ui.log.picture(usize::from(width), usize::from(area.height));
    let has_focus = ui.focus == Focus::Log || ui.mode == Mode::Log;
    let (shown, count, lines) = (ui.log.shown_lines(), ui.log.count(), ui.log.lines());
    let mut pen = Pen::new(buffer, &ui.look);
    let right = match () {
        () if lines == 0 => String::new(),
        // Only a heading is in sight.
        () if shown.is_empty() => format!("line {} of {}", grouped(shown.end), grouped(lines)),
        () => format!("lines {}-{} of {}", grouped(shown.start + 1), grouped(shown.end), grouped(lines)),
    };
    pen.title(title, &heading(facts.view, ui.log.cell), &right, has_focus);
    if rows.is_empty() || count == 0 {
        let words = empty(ui, facts);
        let style = pen.style(Token::Muted);
        pen.text(area.x + 1, area.y, area.width.saturating_sub(1), &words, style);
        return (area.x, area.y);
    }
    let at = ui.log.find.as_ref().and_then(|find| find.at);
    for (y, row) in (area.y..area.bottom()).zip(&rows) {
        let line = Rect { y, height: 1, ..area };
        match row {
            PaneRow::Heading(key) => draw_heading(&mut pen, line, facts, *key),
            PaneRow::Text { row, is_first, is_error, time_us, part } => {
                let marker = if *is_first { time(ui.log.time, facts.view, *time_us) } else { String::new() };
                let style = pen.style(Token::LogTime);
                pen.text(area.x + 1, y, gutter, &marker, style);
                if !is_first {
                    let style = pen.style(Token::LogGutter);
                    pen.text(area.x, y, 1, pen.look.glyphs.wrapped(), style);
                }
                let base = if *is_error { pen.style(Token::LogStderr) } else { Style::default() };
                let is_now = at == Some(*row);
                draw_part(&mut pen, line, left, part, base, is_now);
            }
        }
    }
    (area.x, area.y)
}

fn draw_part(pen: &mut Pen<'_>, line: Rect, left: u16, part: &Part, base: Style, is_now: bool) {
    let hit = pen.style(if is_now { Token::MatchNow } else { Token::Match });
    let mark = pen.style(Token::LogGutter);
    let mut x = line.x + left;
    if part.is_left {
        x = pen.text(x, line.y, 1, pen.look.glyphs.goes_on(false), mark);
    }
    let end = line.right() - u16::from(part.is_right);
    let mut cluster = String::new();
    for glyph in &part.glyphs {
        if x + glyph.wide > end {
            break;
        }
        cluster.clear();
        glyph.put(&mut cluster);
        let mut style = base.patch(glyph.style);
        if glyph.is_hit {
            style = style.patch(hit);
        }
        pen.text(x, line.y, glyph.wide, &cluster, style);
        x += glyph.wide;
    }
    if part.is_right {
        pen.text(end, line.y, 1, pen.look.glyphs.goes_on(true), mark);
    }
}

fn heading(view: &JobView, cell: Option<u32>) -> String {
    let Some(cell) = cell.filter(|&cell| (cell as usize) < view.cells.len()) else { return "Log".to_owned() };
    let name = view.cell_name(cell);
    match view.cells[cell as usize].cache.as_ref() {
        Some(CacheView::Hit { made_by, took, .. }) => {
            format!("Log  {name}  from job #{made_by}, took {}", words::elapsed(*took))
        }
        _ => caching::missed(view, cell)
            .map_or_else(|| format!("Log  {name}"), |why| format!("Log  {name}  {why}")),
    }
}

fn draw_heading(pen: &mut Pen<'_>, line: Rect, facts: Facts<'_>, key: AttemptKey) {
    let view = facts.view;
    let style = pen.style(Token::LogHeading);
    let rule = pen.look.glyphs.rule();
    let mut words = String::new();
    let cell = &view.cells[key.cell as usize];
    if key.run > 1 {
        words += &format!(", run {}", key.run);
    }
    if key.attempt > 1 {
        words += &format!(", try {}", key.attempt);
    }
    let end =
        cell.steps.get(key.step as usize).filter(|step| cell.run == key.run && step.attempt == key.attempt);
    if let Some(step) = end {
        let next = waits::next_try(view, key.cell, facts.is_live)
            .filter(|_| matches!(step.phase, Phase::Retrying(_)))
            .map(|next| format!("{}, {}", before(view, key, ""), next.told(facts.time)));
        let word = match step.phase {
            Phase::Done(outcome) => words::outcome(outcome, step.cause.as_ref()).to_owned(),
            phase => words::standing(view, phase, None).to_owned(),
        };
        let took = match (step.try_started, step.finished) {
            (Some(started), Some(finished)) => format!(" {}", motion::clock(finished.since(started))),
            _ => String::new(),
        };
        let cause = match (&step.cause, step.phase) {
            (Some(cause), Phase::Done(_) | Phase::Retrying(_)) => format!(", {}", words::cause(cause, view)),
            _ => String::new(),
        };
        words += &next.unwrap_or_else(|| format!(": {word}{took}{cause}"));
    } else {
        let again = if cell.run == key.run { ", tried again" } else { ", run again" };
        words += &before(view, key, again);
    }
    words.push(' ');
    let number = format!("{rule}{rule} {} ", key.step + 1);
    // How it went matters more than the rest of a long name.
    let room = usize::from(line.width).saturating_sub(number.width() + words.width()).max(16);
    let words = format!("{number}{}{words}", cut(&step_title(view, key.cell, key.step), room));
    let end = pen.text(line.x, line.y, line.width, &cut(&words, usize::from(line.width)), style);
    let rule_style = pen.style(Token::Rule);
    for x in end..line.right() {
        pen.text(x, line.y, 1, rule, rule_style);
    }
}

/// Says how a try ended that is not the last: `: failed 0:12, exited with code 3, tried again`.
fn before(view: &JobView, key: AttemptKey, again: &str) -> String {
    let Some(tried) = view.tried.get(&key) else {
        return format!(": ended{again}");
    };
    let word = words::outcome(tried.outcome, tried.cause.as_ref());
    let took = tried.took.map_or_else(String::new, |took| format!(" {}", motion::clock(took)));
    let cause = tried.cause.as_ref().map_or_else(String::new, |it| format!(", {}", words::cause(it, view)));
    format!(": {word}{took}{cause}{again}")
}

fn gutter(ui: &Ui) -> u16 {
    match ui.log.time {
        TimeShown::Off => 0,
        TimeShown::Clock => 13,
        TimeShown::Since => 10,
    }
}

fn time(shown: TimeShown, view: &JobView, time_us: Option<u64>) -> String {
    let Some(time) = time_us.and_then(|us| i64::try_from(us).ok()).map(Timestamp) else {
        return String::new();
    };
    match shown {
        TimeShown::Off => String::new(),
        TimeShown::Clock => crate::faces::clock::time_of_day(time),
        TimeShown::Since => {
            let span = view.begun.map_or_else(Default::default, |started| time.since(started));
            format!("{}.{:03}", motion::clock(span), span.subsec_millis())
        }
    }
}

/// Says why there is nothing to read.
fn empty(ui: &Ui, facts: Facts<'_>) -> String {
    let view = facts.view;
    if let Some(problem) = &ui.log.problem {
        return format!("the log cannot be read: {problem}");
    }
    let Some(id) = ui.selected(view) else { return String::new() };
    let Some(cell) = tree::cell_of(view, id) else {
        let RowId::Stage(stage) = id else { return String::new() };
        let it = &view.stages[stage as usize];
        return match (why_stage(view, stage), it.phase) {
            (Some(why), Phase::Done(_)) => format!("{}: {why}", words::phase(it.phase, it.cause.as_ref())),
            _ => format!("has not begun: {}", waits::of_stage(view, stage, facts.is_live).told()),
        };
    };
    let it = &view.cells[cell as usize];
    match it.phase {
        Phase::Waiting => format!("has not begun: {}", waits::of_cell(view, cell, facts.is_live).told()),
        Phase::Done(_) => match why_cell(view, cell) {
            Some(why) => format!("{}: {why}", words::phase(it.phase, it.cause.as_ref())),
            None if !view.called(it.stage).is_empty() => {
                "its output is that of the stages that it calls".to_owned()
            }
            None => "it printed nothing".to_owned(),
        },
        _ if !view.called(it.stage).is_empty() => "its output is that of the stages that it calls".to_owned(),
        _ if view.is_frozen() => "frozen; nothing printed so far".to_owned(),
        _ => "nothing printed so far".to_owned(),
    }
}
