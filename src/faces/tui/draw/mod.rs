//! Draws the screen: a picture of the view, the state and the moment, nothing else.
//!
//! Not here: where regions stand (`layout.rs`), signs and colours (`glyphs.rs`, `theme.rs`), writing it out
//! (`terminal.rs`). Start with `picture`. Only rows that show are built, whatever there is of them.

mod details;
mod keys;
mod lines;
mod list;
mod log;
mod matrix;
mod overlay;
mod pen;
mod review;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::keymap::Action;
use super::layout::{self, Layout, Panes};
use super::motion;
use super::ui::{Facts, Focus, Mode, Overlay, Ui};
use crate::faces::{waits, words};
use crate::logic::text::plural;

pub(super) use overlay::{help, sheet};
pub use pen::{Pen, cut, grouped};

/// A picture.
pub struct Picture {
    pub buffer: Buffer,
    /// Where readers and magnifiers look.
    pub cursor: (u16, u16),
    pub title: String,
    /// Something in it turns or counts.
    pub has_spinner: bool,
    pub has_clock: bool,
}

/// Draws a screen of so many columns and rows.
#[must_use]
pub fn picture(ui: &mut Ui, facts: Facts<'_>, (columns, rows): (u16, u16)) -> Picture {
    let area = Rect::new(0, 0, columns, rows);
    ui.size = (columns, rows);
    ui.keep_up(facts);
    let mut buffer = Buffer::empty(area);
    buffer.set_style(area, ui.look.theme().base());
    let layout = layout::divide(columns, rows);
    let is_running = facts.view.phase.is_live() && facts.is_live;
    let mut picture = Picture {
        buffer,
        cursor: (0, rows.saturating_sub(1)),
        title: lines::title(facts),
        has_spinner: is_running && !facts.view.is_frozen() && facts.view.cell_counts.live > 0,
        has_clock: is_running && !facts.view.is_frozen(),
    };
    if layout.panes == Panes::TooSmall {
        too_small(&mut picture, ui, facts, (columns, rows));
        return picture;
    }
    let buffer = &mut picture.buffer;
    lines::header(&mut Pen::new(buffer, &ui.look), layout.header, ui, facts);
    lines::progress(&mut Pen::new(buffer, &ui.look), layout.progress, ui, facts);
    picture.cursor = body(buffer, ui, facts, &layout);
    let status = if layout.status.height > 0 { layout.status } else { layout.progress };
    lines::status(buffer, status, ui, facts, &mut picture.cursor, layout.status.height > 0);
    keys::draw(&mut Pen::new(buffer, &ui.look), layout.keys, ui, facts);
    overlay::draw(buffer, ui, facts, area, &mut picture.cursor);
    picture
}

fn body(buffer: &mut Buffer, ui: &mut Ui, facts: Facts<'_>, layout: &Layout) -> (u16, u16) {
    let has_titles = layout.status.height > 0;
    let whole = |area: Rect| {
        let title = Rect { height: u16::from(has_titles), ..area };
        let rest = Rect { y: area.y + title.height, height: area.height - title.height, ..area };
        (title, rest)
    };
    ui.list_at = (Rect::ZERO, Rect::ZERO);
    match ui.mode {
        Mode::Matrix => return matrix::draw(buffer, layout.body, ui, facts),
        Mode::Log => {
            let (title, rest) = whole(layout.body);
            return log::draw(buffer, title, rest, ui, facts);
        }
        Mode::Run => {}
    }
    if ui.is_zoomed || layout.panes == Panes::Single {
        let (title, rest) = whole(layout.body);
        return match ui.focus {
            Focus::List if layout.panes == Panes::Single && !ui.is_zoomed && rest.height > 5 => {
                let above = Rect { height: rest.height - 1, ..rest };
                let last = Rect { y: rest.bottom() - 1, height: 1, ..rest };
                let cursor = list::draw(buffer, title, above, ui, facts);
                log::draw(buffer, Rect::ZERO, last, ui, facts);
                ui.list_at.1 = Rect::ZERO;
                cursor
            }
            Focus::List => list::draw(buffer, title, rest, ui, facts),
            Focus::Log => log::draw(buffer, title, rest, ui, facts),
        };
    }
    let of_list = list::draw(buffer, layout.list_title, layout.list, ui, facts);
    let of_log = log::draw(buffer, layout.log_title, layout.log, ui, facts);
    let mut pen = Pen::new(buffer, &ui.look);
    if matches!(layout.panes, Panes::Beside | Panes::Three) {
        let x = layout.list.right();
        pen.upright(x, layout.body);
        if layout.problems.height > 0 {
            lines::problems(&mut pen, layout.problems_title, layout.problems, ui, facts);
        }
    }
    if layout.panes == Panes::Three {
        pen.upright(layout.details.x - 1, layout.body);
        details::pane(&mut pen, layout.details_title, layout.details, ui, facts);
    }
    match ui.focus {
        Focus::List => of_list,
        Focus::Log => of_log,
    }
}

fn too_small(picture: &mut Picture, ui: &Ui, facts: Facts<'_>, (columns, rows): (u16, u16)) {
    let (least_columns, least_rows) = layout::LEAST;
    let mut pen = Pen::new(&mut picture.buffer, &ui.look);
    let goes_on = if facts.view.phase.outcome().is_none() { "; the job goes on" } else { "" };
    if let Some(Overlay::Dialog(dialog)) = &ui.overlay
        && let Ok(question) = ui.question(dialog.ask, facts)
    {
        // Keys answer it, so it must be read.
        let choices: Vec<String> =
            question.choices.iter().map(|choice| format!("{} {}", choice.key_word(), choice.word)).collect();
        narrow(&mut pen, &[question.title, choices.join("  ")], (columns, rows));
        return;
    }
    let keys = if ui.overlay.is_some() {
        "Esc closes what is open".to_owned()
    } else {
        let hints = [Action::Pause, Action::Stream, Action::Quit].map(|it| ui.look.keys.of(ui.places(), it));
        let hints = hints.into_iter().flatten().filter_map(|it| Some(format!("{} {}", it.key?, it.word)));
        hints.collect::<Vec<_>>().join("  ")
    };
    let lines = [
        format!("{columns}x{rows} is too small, {least_columns}x{least_rows} needed{goes_on}"),
        format!(
            "{} {} {}",
            words::standing(facts.view, facts.view.phase, facts.view.cause.as_ref()),
            lines::stage_count(facts.view),
            motion::clock(facts.view.elapsed(facts.time))
        ),
        keys,
    ];
    narrow(&mut pen, &lines, (columns, rows));
}

/// Draws the words of a screen that nothing else fits on.
pub(super) fn narrow(pen: &mut Pen<'_>, lines: &[String], (columns, rows): (u16, u16)) {
    let style = pen.style(super::theme::Token::Text);
    let mut y = 0;
    for line in lines {
        // Wrapped, because half of it would be a riddle.
        for part in pen::wrapped(line, columns.max(1).into(), columns.max(1).into()) {
            if y < rows {
                pen.text(0, y, columns, &part, style);
            }
            y += 1;
        }
    }
}

/// Returns the key of an action where the screen stands now.
fn key_of(ui: &Ui, action: Action) -> &str {
    ui.look.keys.of(ui.places(), action).and_then(|hint| hint.key).unwrap_or_default()
}

/// Returns `3 running, 1 failed, 1 retrying`, or less of it to fit above so many columns of a list.
fn what_runs(facts: Facts<'_>, width: u16) -> String {
    let counts = &facts.view.cell_counts;
    let mut parts = Vec::new();
    let live = waits::at_work(facts.view);
    if live > 0 && facts.is_live {
        parts.push(format!("{live} {}", if facts.view.is_frozen() { "frozen" } else { "running" }));
    }
    let asked = facts.view.waiting_gates().count();
    if asked > 0 && facts.is_live {
        parts.push(format!("{asked} to review"));
    }
    if counts.failed > 0 {
        parts.push(format!("{} failed", counts.failed));
    }
    if counts.retrying > 0 {
        parts.push(format!("{} retrying", counts.retrying));
    }
    // With the name of the list and what is around both.
    while parts.len() > 1 && parts.join(", ").len() + 13 > usize::from(width) {
        parts.pop();
    }
    if parts.is_empty() { plural(facts.view.stages.len(), "stage") } else { parts.join(", ") }
}
