//! What lies over the panes: help, details, dialogs, the list of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::details;
use super::pen::{Pen, cut, wrapped};
use crate::faces::tui::keymap::{Action, Keymap, Place};
use crate::faces::tui::palette;
use crate::faces::tui::theme::Token;
use crate::faces::tui::ui::{Facts, Overlay, Question, Ui};
use crate::logic::keymap::Bound;
use crate::logic::keymap::key::spoken;

/// Columns of the keys in the help.
const HELP: u16 = 16;

/// Draws what lies on top, if anything does.
pub(super) fn draw(buffer: &mut Buffer, ui: &mut Ui, facts: Facts<'_>, area: Rect, cursor: &mut (u16, u16)) {
    let Some(mut overlay) = ui.overlay.take() else { return };
    match &mut overlay {
        Overlay::Dialog(dialog) => {
            if let Ok(question) = ui.question(dialog.ask, facts) {
                draw_question(&mut Pen::new(buffer, &ui.look), &question, area);
            }
        }
        Overlay::Help { top } => help(&mut Pen::new(buffer, &ui.look), &ui.look.keys, ui.places(), top, area),
        Overlay::Details { top } => {
            let lines = details::lines(ui, facts);
            let mut pen = Pen::new(buffer, &ui.look);
            let rows = details::rows(&lines, sheet_width(area));
            let inner = sheet(
                &mut pen,
                area,
                "Details",
                &closes(&ui.look.keys, ui.places(), Action::Details),
                rows.len(),
            );
            scrolled(top, rows.len(), inner.height);
            details::draw_rows(&mut pen, inner, &rows, *top);
            more(&mut pen, inner, *top, rows.len());
        }
        Overlay::Review(review) => super::review::draw(buffer, &ui.look, review, facts, area, cursor),
        Overlay::Sheet { title, lines, top } => {
            let mut pen = Pen::new(buffer, &ui.look);
            // As wide as the sheet is inside.
            let room = usize::from(sheet_width(area));
            let rows: Vec<String> = lines.iter().flat_map(|line| wrapped(line, room, room)).collect();
            let inner = sheet(&mut pen, area, title, "Esc closes", rows.len());
            scrolled(top, rows.len(), inner.height);
            let style = pen.style(Token::Text);
            for (y, row) in (inner.y..inner.bottom()).zip(rows.iter().skip(*top)) {
                pen.text(inner.x, y, inner.width, row, style);
            }
        }
        Overlay::Palette { field, cursor: at } => {
            let entries = palette::entries(ui, field.text());
            let mut pen = Pen::new(buffer, &ui.look);
            let inner =
                sheet(&mut pen, area, "Command", &format!("{} fit", entries.len()), entries.len() + 2);
            let style = pen.style(Token::Field);
            pen.text(inner.x, inner.y, inner.width, &format!("> {}", field.text()), style);
            *cursor = (inner.x + 2 + u16::try_from(field.column()).unwrap_or(0), inner.y);
            if let Some(cell) = pen.buffer.cell_mut(*cursor) {
                cell.set_style(pen.look.theme().style(Token::Selection));
            }
            let height = usize::from(inner.height.saturating_sub(1));
            let first = (*at + 1).saturating_sub(height);
            for (y, (index, entry)) in
                (inner.y + 1..).zip(entries.iter().enumerate().skip(first).take(height))
            {
                let line = Rect { y, height: 1, ..inner };
                if index == *at {
                    pen.buffer.set_style(line, pen.look.theme().style(Token::Selection));
                }
                let style = pen.style(Token::Text);
                let mark = if index == *at { ">" } else { " " };
                let room = inner.width.saturating_sub(10);
                pen.text(
                    inner.x,
                    y,
                    inner.width,
                    &format!("{mark} {}", cut(&entry.words, usize::from(room))),
                    style,
                );
                let style = pen.style(Token::Key);
                pen.right(inner.right(), y, &entry.key, style);
            }
        }
    }
    ui.overlay = Some(overlay);
}

fn scrolled(top: &mut usize, count: usize, height: u16) {
    *top = (*top).min(count.saturating_sub(usize::from(height)));
}

/// Marks at the right frame which part of all rows is in sight, where not all are.
fn more(pen: &mut Pen<'_>, inner: Rect, top: usize, count: usize) {
    let height = usize::from(inner.height);
    if count <= height || height == 0 {
        return;
    }
    let long = (height * height / count).max(1);
    let first = (top * (height - long)).div_ceil((count - height).max(1)).min(height - long);
    let style = pen.style(Token::Dialog);
    for at in first..first + long {
        let y = inner.y + u16::try_from(at).unwrap_or(0);
        pen.text(inner.right() + 1, y, 1, pen.look.glyphs.thumb(), style);
    }
}

/// A screen with fewer rows gives all of itself to a sheet.
const SMALL: u16 = 14;

/// Returns the columns and rows that are left free around a sheet, both sides together.
fn margins(area: Rect) -> (u16, u16) {
    if area.height < SMALL { (0, 0) } else { (4, 2) }
}

/// Returns the columns inside a sheet's frame.
pub(super) fn sheet_width(area: Rect) -> u16 {
    area.width.saturating_sub(margins(area).0).min(90).saturating_sub(4)
}

/// Returns how many rows there can be inside a sheet's frame.
pub(super) fn sheet_height(area: Rect) -> u16 {
    area.height.saturating_sub(margins(area).1).max(5).saturating_sub(2)
}

/// Draws an empty sheet in the middle; returns what is inside its frame.
pub(in crate::faces::tui) fn sheet(
    pen: &mut Pen<'_>,
    area: Rect,
    title: &str,
    right: &str,
    lines: usize,
) -> Rect {
    let width = sheet_width(area) + 4;
    let height = u16::try_from(lines + 2).unwrap_or(u16::MAX).min(sheet_height(area) + 2).max(5);
    let frame = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    pen.frame(frame, title, right);
    Rect::new(frame.x + 2, frame.y + 1, width - 4, height - 2)
}

fn draw_question(pen: &mut Pen<'_>, question: &Question, area: Rect) {
    let width = area.width.saturating_sub(2).min(76);
    let room = usize::from(width.saturating_sub(4)).max(10);
    let mut lines: Vec<String> = question.text.iter().flat_map(|text| wrapped(text, room, room)).collect();
    let height = u16::try_from(lines.len() + question.choices.len() + 3).unwrap_or(u16::MAX).min(area.height);
    let most = usize::from(height).saturating_sub(question.choices.len() + 3);
    if lines.len() > most {
        // The beginning of each says more than all of the first.
        lines = question.text.iter().map(|text| cut(text, room)).collect();
        lines.truncate(most);
    }
    let frame = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    pen.frame(frame, &question.title, "");
    let text = pen.style(Token::Text);
    let mut y = frame.y + 1;
    for line in &lines {
        pen.text(frame.x + 2, y, width - 4, line, text);
        y += 1;
    }
    y += 1;
    for choice in &question.choices {
        let style = pen.style(Token::Key);
        pen.text(frame.x + 2, y, 4, choice.key_word(), style);
        let hint = pen.style(Token::Hint);
        let room = width.saturating_sub(8);
        pen.text(frame.x + 6, y, room, &cut(&choice.word, usize::from(room)), hint);
        y += 1;
    }
}

/// Says which keys a page takes, with the one that opened it.
fn closes(keymap: &Keymap, places: &[Place], action: Action) -> String {
    let key = keymap.keys(places, action).find(|key| super::super::update::paged(key, 1, true).is_none());
    match key.filter(|key| *key != "q" && *key != "enter") {
        Some(key) => format!("j k scroll, {} or Esc closes", spoken(key)),
        None => "j k scroll, Esc closes".to_owned(),
    }
}

/// Draws the keys of some places, scrolled to a line.
pub(in crate::faces::tui) fn help(
    pen: &mut Pen<'_>,
    keymap: &Keymap,
    places: &[Place],
    top: &mut usize,
    area: Rect,
) {
    let lines = help_lines(keymap, places);
    let room = usize::from(sheet_width(area).saturating_sub(HELP)).max(8);
    // What does not fit beside its key goes on below.
    let lines: Vec<(bool, String, String)> = lines
        .into_iter()
        .flat_map(|(is_heading, key, words)| {
            let parts = wrapped(&words, room, room);
            parts.into_iter().enumerate().map(move |(at, words)| {
                (is_heading, if at == 0 { key.clone() } else { String::new() }, words)
            })
        })
        .collect();
    let inner = sheet(pen, area, "Help", &closes(keymap, places, Action::Help), lines.len());
    scrolled(top, lines.len(), inner.height);
    more(pen, inner, *top, lines.len());
    for (y, (is_heading, key, words)) in (inner.y..inner.bottom()).zip(lines.iter().skip(*top)) {
        if *is_heading {
            let style = pen.style(Token::Heading);
            pen.text(inner.x, y, inner.width, key, style);
            continue;
        }
        let style = pen.style(Token::Key);
        pen.text(inner.x + 1, y, HELP - 2, key, style);
        let style = pen.style(Token::Text);
        pen.text(inner.x + HELP, y, inner.width.saturating_sub(HELP), words, style);
    }
}

/// Returns whether a line is a heading, its keys, and its words. What has no key stands at the end.
fn help_lines(keymap: &Keymap, places: &[Place]) -> Vec<(bool, String, String)> {
    let words = |it: &Bound| match it.about {
        "" => it.word.to_owned(),
        about => format!("{}  {about}", it.word),
    };
    let mut lines: Vec<(bool, String, String)> = Vec::new();
    let begin = |lines: &mut Vec<(bool, String, String)>, heading: String| {
        if !lines.is_empty() {
            lines.push((false, String::new(), String::new()));
        }
        lines.push((true, heading, String::new()));
    };
    for place in places {
        begin(&mut lines, place.heading().to_owned());
        for bound in keymap.at(*place) {
            // A nearer place may have a key for something else.
            let does = |key: &&String| keymap.find(places, key) == Some(bound.action);
            let keys: Vec<&str> = bound.keys.iter().filter(does).map(String::as_str).collect();
            if !keys.is_empty() {
                lines.push((false, keys.join(" "), words(bound)));
            }
        }
    }
    let keyless = keymap.keyless(places);
    if !keyless.is_empty() {
        let by_name = match keymap.of(places, Action::Palette).and_then(|it| it.key) {
            Some(key) => format!("Without a key; {} finds them by name", spoken(key)),
            None => "Without a key".to_owned(),
        };
        begin(&mut lines, by_name);
        lines.extend(keyless.into_iter().map(|it| (false, String::new(), words(it))));
    }
    lines
}
