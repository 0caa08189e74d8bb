//! Draws the form for the inputs of a playbook: two lines for each, so that nothing moves when something is wrong.
//!
//! Not here: what is right and wrong (`form.rs`).

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::draw::typed;
use super::form::{Entry, Form, FormRow};
use super::lines::wrapped;
use crate::faces::tui::draw::{Pen, cut};
use crate::faces::tui::theme::Token;
use crate::logic::playbook::model::InputKind;

/// Draws the form; returns where its cursor is, and where its rows are.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, form: &mut Form) -> ((u16, u16), Rect) {
    let title = Rect { height: 1, ..area };
    let count = form.rows.len() + 1;
    // Below them come two lines for what does not fit below its field.
    let needed = u16::try_from(count * 2).unwrap_or(u16::MAX);
    let rows = Rect { y: area.y + 1, height: needed.min((area.height - 1).saturating_sub(2)), ..area };
    let inner = Rect { x: rows.x + 1, width: rows.width.saturating_sub(2), ..rows };
    let shown = usize::from(rows.height / 2).max(1);
    form.top = form.top.clamp((form.at + 1).saturating_sub(shown), form.at).min(count.saturating_sub(shown));
    let right = if count > shown {
        format!("{}-{} of {}", form.top + 1, (form.top + shown).min(form.rows.len()), form.rows.len())
    } else {
        String::new()
    };
    pen.title(title, &format!("Inputs of {}", form.name), &right, true);
    let widest = form.rows.iter().map(|row| row.input.name.width()).max().unwrap_or(0);
    let names = u16::try_from(widest).unwrap_or(u16::MAX).clamp(6, 24).min(inner.width / 3);
    let mut cursor = (inner.x, inner.y);
    for (slot, index) in (0u16..).zip(form.top..count).take(shown) {
        let line = Rect { y: rows.y + slot * 2, height: 1, ..inner };
        let has_focus = index == form.at;
        if has_focus {
            pen.text(line.x - 1, line.y, 1, pen.look.glyphs.marker(), pen.style(Token::Marker));
            cursor = (line.x, line.y);
        }
        match form.rows.get(index) {
            Some(row) => {
                let at = draw_row(pen, line, row, names, has_focus);
                if has_focus {
                    cursor = at;
                }
            }
            None => button(pen, line, has_focus),
        }
    }
    if let Some(row) = form.rows.get(form.at) {
        more(pen, Rect { y: rows.bottom(), height: 2, ..inner }, row);
    }
    (cursor, rows)
}

fn button(pen: &mut Pen<'_>, line: Rect, has_focus: bool) {
    let style = pen.style(if has_focus { Token::Selection } else { Token::Key });
    pen.text(line.x + 1, line.y, line.width, "[ Run ]", style);
}

/// Draws an input, and below it what is wrong with its value, or what it is for.
fn draw_row(pen: &mut Pen<'_>, line: Rect, row: &FormRow, names: u16, has_focus: bool) -> (u16, u16) {
    let style = pen.style(if has_focus { Token::Title } else { Token::Heading });
    pen.text(line.x + 1, line.y, names, &cut(&row.input.name, usize::from(names)), style);
    let x = line.x + 1 + names + 2;
    let room = line.right().saturating_sub(x);
    let at = value(pen, Rect::new(x, line.y, room, 1), row, has_focus);
    let (token, words) = match &row.problem {
        Some((problem, _)) => (Token::Error, problem.clone()),
        None => (Token::Muted, about(row)),
    };
    pen.text(x, line.y + 1, room, &cut(&words, usize::from(room)), pen.style(token));
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

/// Draws what does not fit below the field: the rest of a problem, its way out.
fn more(pen: &mut Pen<'_>, area: Rect, row: &FormRow) {
    let Some((problem, help)) = &row.problem else { return };
    let words = match help {
        Some(help) => format!("{problem}; {help}"),
        None => problem.clone(),
    };
    let style = pen.style(Token::Error);
    for (y, text) in (area.y..area.bottom()).zip(wrapped(&words, usize::from(area.width))) {
        pen.text(area.x, y, area.width, &text, style);
    }
}
