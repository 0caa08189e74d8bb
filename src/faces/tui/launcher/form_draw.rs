//! Draws the form for the profile and the inputs of a playbook: for each its value and what it is for, and below that what is wrong, once.
//!
//! Not here: what is right and wrong (`form.rs`).

use std::time::Duration;

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::draw::typed;
use super::form::{Entry, Form, FormRow};
use crate::faces::tui::draw::{Pen, cut};
use crate::faces::tui::glyphs::State;
use crate::faces::tui::theme::Token;
use crate::logic::playbook::model::InputKind;
use crate::logic::text::wrap::wrapped;

/// Draws the form; returns where its cursor is, and where its rows are.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, form: &mut Form) -> ((u16, u16), Rect) {
    let title = Rect { height: 1, ..area };
    let rows = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let inner = Rect { x: rows.x + 1, width: rows.width.saturating_sub(2), ..rows };
    let widest = form.rows.iter().map(|row| row.input.name.width()).max().unwrap_or(0);
    let names = u16::try_from(widest).unwrap_or(u16::MAX).clamp(6, 24).min(inner.width / 3);
    let count = form.rows.len() + 1;
    // What is wrong can be read in full, wherever it stands.
    let told: Vec<Vec<String>> =
        form.rows.iter().map(|row| told(row, inner.width.saturating_sub(names + 5))).collect();
    let height = |at: usize| told.get(at).map_or(1, |told| 2 + u16::try_from(told.len()).unwrap_or(0));
    let span = |from: usize, to: usize| (from..to).map(height).fold(0, u16::saturating_add);
    form.top = form.top.min(form.at);
    while form.top < form.at && span(form.top, form.at + 1) > rows.height {
        form.top += 1;
    }
    while form.top > 0 && span(form.top - 1, count) <= rows.height {
        form.top -= 1;
    }
    let mut cursor = (inner.x, inner.y);
    form.starts.clear();
    for index in form.top..count {
        let start = span(form.top, index);
        // The first one is there, however much there is to be told.
        if index > form.top && start + height(index) > rows.height {
            break;
        }
        form.starts.push(start);
        let line = Rect { y: rows.y + start, height: height(index).min(rows.height - start), ..inner };
        let has_focus = index == form.at;
        if has_focus {
            pen.text(line.x - 1, line.y, 1, pen.look.glyphs.marker(), pen.style(Token::Marker));
            cursor = (line.x, line.y);
        }
        match form.rows.get(index).zip(told.get(index)) {
            Some((row, told)) => {
                let at = draw_row(pen, line, (row, told), names, has_focus);
                if has_focus {
                    cursor = at;
                }
            }
            None => button(pen, line, has_focus),
        }
    }
    let shown = form.top + form.starts.len();
    let right = if form.starts.len() < count {
        format!("{}-{} of {}", form.top + 1, shown.min(form.rows.len()), form.rows.len())
    } else {
        String::new()
    };
    pen.title(title, &form.title(), &right, true);
    (cursor, rows)
}

/// Returns what is told to be wrong with a value, and the way out, in rows of so many columns.
pub(in crate::faces::tui) fn told(row: &FormRow, width: u16) -> Vec<String> {
    let Some((problem, help)) = row.told() else { return Vec::new() };
    let words = match help {
        Some(help) => format!("{problem}; {help}"),
        None => problem.clone(),
    };
    wrapped(&words, width.into())
}

fn button(pen: &mut Pen<'_>, line: Rect, has_focus: bool) {
    let style = pen.style(if has_focus { Token::Selection } else { Token::Key });
    pen.text(line.x + 1, line.y, line.width, "[ Run ]", style);
}

/// Draws an input, below it what it is for, and below that what is wrong with its value.
pub(in crate::faces::tui) fn draw_row(
    pen: &mut Pen<'_>,
    area: Rect,
    (row, told): (&FormRow, &[String]),
    names: u16,
    has_focus: bool,
) -> (u16, u16) {
    let style = pen.style(if has_focus { Token::Title } else { Token::Heading });
    pen.text(area.x + 1, area.y, names, &cut(&row.input.name, usize::from(names)), style);
    let x = area.x + 1 + names + 2;
    let room = area.right().saturating_sub(x);
    let at = value(pen, Rect::new(x, area.y, room, 1), row, has_focus);
    let mut lines = area.y + 1..area.bottom();
    if let Some(y) = lines.next() {
        pen.text(x, y, room, &cut(&about(row), usize::from(room)), pen.style(Token::Muted));
    }
    for (y, (index, text)) in lines.zip(told.iter().enumerate()) {
        if index == 0 {
            pen.sign(x, y, State::Failed, Duration::ZERO);
        }
        pen.text(x + 2, y, room.saturating_sub(2), text, pen.style(Token::Error));
    }
    at
}

/// Returns what an input is for, and what it takes.
fn about(row: &FormRow) -> String {
    let kind = match &row.input.kind {
        InputKind::String { .. } => "text",
        InputKind::Number => "number",
        InputKind::Boolean | InputKind::Choice { .. } => "",
        InputKind::Json => "JSON",
    };
    let need = if row.input.required { "required" } else { "" };
    let what: Vec<&str> = [kind, need].into_iter().filter(|word| !word.is_empty()).collect();
    match row.input.description.as_deref().map(|text| text.trim().lines().next().unwrap_or_default()) {
        Some(text) if !text.is_empty() && what.is_empty() => text.to_owned(),
        Some(text) if !text.is_empty() => format!("{text} ({})", what.join(", ")),
        _ => what.join(", "),
    }
}

fn value(pen: &mut Pen<'_>, area: Rect, row: &FormRow, has_focus: bool) -> (u16, u16) {
    let style = pen.style(if has_focus { Token::Field } else { Token::Text });
    let muted = pen.style(Token::Muted);
    match (&row.entry, &row.input.kind) {
        (Entry::Text(field), _) => return typed(pen, area, field, has_focus),
        (Entry::Truth(truth), _) => {
            let words = match truth {
                Some(true) => "[x] yes",
                Some(false) => "[ ] no",
                None => "[?] not set",
            };
            let x = pen.text(area.x, area.y, area.width, words, style);
            if has_focus {
                pen.text(x + 3, area.y, area.right().saturating_sub(x + 3), "space changes it", muted);
            }
        }
        (Entry::Choice(at), InputKind::Choice { options }) => choice(pen, area, (options, *at), has_focus),
        (Entry::Choice(_), _) => {}
    }
    (area.x, area.y)
}

/// Draws all options beside each other if they fit, with the chosen one marked, else the chosen one and its number.
fn choice(pen: &mut Pen<'_>, area: Rect, (options, at): (&[String], Option<usize>), has_focus: bool) {
    let muted = pen.style(Token::Muted);
    let chosen = pen.style(match (has_focus, at) {
        (true, Some(_)) => Token::Selection,
        _ => Token::Text,
    });
    let wide: usize = options.iter().map(|option| option.width() + 3).sum();
    if wide <= usize::from(area.width) {
        let mut x = area.x;
        for (index, option) in options.iter().enumerate() {
            let is_chosen = Some(index) == at;
            let (words, style) =
                if is_chosen { (format!("<{option}>"), chosen) } else { (format!(" {option} "), muted) };
            x = pen.text(x, area.y, area.right().saturating_sub(x), &words, style) + 1;
        }
        return;
    }
    let (words, place) = match at {
        Some(at) => {
            (format!("<{}>", options.get(at).map_or("", |it| &**it)), format!("{}/{}", at + 1, options.len()))
        }
        None => ("< >".to_owned(), format!("-/{}", options.len())),
    };
    let room = area.width.saturating_sub(10);
    let x = pen.text(area.x, area.y, room, &cut(&words, usize::from(room)), chosen);
    pen.text(x + 2, area.y, 8, &place, muted);
}
