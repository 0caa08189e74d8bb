//! Draws the launcher: a picture of the state and the moment, nothing else.
//!
//! Not here: what the preview says (`preview.rs`), the form (`form_draw.rs`), writing it out (`terminal.rs`). Start with
//! `picture`. Only rows that show are built.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::book::{Book, live_state, state};
use super::form_draw;
use super::lines::{HEAD, Row};
use super::preview;
use super::shelf::Waiting;
use super::state::{Focus, Launcher, Overlay, Places};
use super::turn::SILENT;
use super::update::PLACES;
use super::when::when;
use crate::engine::JobRow;
use crate::faces::tui::draw::{Pen, Picture, cut, help, narrow, sheet};
use crate::faces::tui::field::Field;
use crate::faces::tui::glyphs::State;
use crate::faces::tui::keymap::Action;
use crate::faces::tui::layout::LEAST;
use crate::faces::tui::theme::Token;
use crate::faces::words;
use crate::logic::text::clean::written_out;
use crate::logic::text::plural;
use crate::logic::text::wrap::wrapped;
use crate::logic::time::Timestamp;

/// The moment of a picture: since some fixed one, and by the clock on the wall.
pub(super) type Moment = (Duration, Timestamp);

/// From so many columns on the preview stands beside the list.
const WIDE: u16 = 100;

/// Least rows of a body that list and preview share.
const SHARED: u16 = 12;

/// Where things stand.
struct Layout {
    header: Rect,
    /// What runs, what is typed.
    info: Rect,
    body: Rect,
    /// Empty if it is not shown.
    list: Rect,
    preview: Rect,
    is_beside: bool,
    status: Rect,
    keys: Rect,
}

fn divide((columns, rows): (u16, u16), is_zoomed: bool, focus: Focus, books: usize) -> Layout {
    let row = |y: u16| Rect::new(0, y, columns, 1);
    let has_status = rows >= 16;
    let body = Rect::new(0, 2, columns, rows - 3 - u16::from(has_status));
    let is_beside = columns >= WIDE;
    let (mut list, mut preview) = (body, body);
    if is_zoomed || (!is_beside && body.height < SHARED) {
        match focus {
            Focus::Preview => list = Rect::ZERO,
            Focus::List => preview = Rect::ZERO,
        }
    } else if is_beside {
        list.width = (columns / 2 + 2).clamp(56, 84);
        preview.x = list.width + 1;
        preview.width = columns - preview.x;
    } else {
        // By all of them and not by those that fit, so that it stays while a filter is typed.
        let needed = u16::try_from(books).unwrap_or(u16::MAX).saturating_add(2);
        list.height = (body.height * 9 / 20).min(needed).max(6);
        preview.y += list.height;
        preview.height -= list.height;
    }
    let status = if has_status { row(rows - 2) } else { Rect::ZERO };
    Layout { header: row(0), info: row(1), body, list, preview, is_beside, status, keys: row(rows - 1) }
}

/// Draws a screen of so many columns and rows.
#[must_use]
pub(super) fn picture(launcher: &mut Launcher, moment: Moment, (columns, rows): (u16, u16)) -> Picture {
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    buffer.set_style(area, launcher.look.theme().base());
    let mut picture = Picture {
        buffer,
        cursor: (0, rows.saturating_sub(1)),
        title: format!("sortie {}", launcher.project.replace(char::is_control, "")),
        has_spinner: launcher.live().next().is_some(),
        has_clock: false,
    };
    launcher.places = Places::default();
    launcher.is_tiny = columns < LEAST.0 || rows < LEAST.1;
    if launcher.is_tiny {
        let (least_columns, least_rows) = LEAST;
        let first = format!("{columns}x{rows} is too small, {least_columns}x{least_rows} needed");
        let mut pen = Pen::new(&mut picture.buffer, &launcher.look);
        narrow(
            &mut pen,
            &[first, format!("{} quit", launcher.look.keys.said(PLACES, Action::Quit))],
            (columns, rows),
        );
        return picture;
    }
    let layout = divide((columns, rows), launcher.is_zoomed, launcher.focus, launcher.books.len());
    let buffer = &mut picture.buffer;
    let cursor = &mut picture.cursor;
    header(&mut Pen::new(buffer, &launcher.look), layout.header, launcher);
    info(buffer, layout.info, launcher, moment, cursor);
    body(buffer, &layout, launcher, moment, cursor);
    let notice = if layout.status.height > 0 { layout.status } else { layout.info };
    status(&mut Pen::new(buffer, &launcher.look), notice, launcher, moment);
    keys(&mut Pen::new(buffer, &launcher.look), layout.keys, launcher);
    overlay(buffer, launcher, area);
    picture
}

fn header(pen: &mut Pen<'_>, area: Rect, launcher: &Launcher) {
    let count = format!("{} found", launcher.books.len());
    let broken = match launcher.broken() {
        0 => String::new(),
        broken => format!(", {broken} broken"),
    };
    let x = pen.text(1, area.y, area.width, "Playbooks in ", pen.style(Token::Text));
    let room = area.width.saturating_sub(x + 4 + u16::try_from(count.len() + broken.len()).unwrap_or(0));
    let x = pen.text(x, area.y, room, &cut(&launcher.project, usize::from(room)), pen.style(Token::Title));
    if launcher.is_read && !launcher.books.is_empty() {
        let x = pen.text(x + 3, area.y, area.width, &count, pen.style(Token::Muted));
        pen.text(x, area.y, area.width, &broken, pen.style(Token::Error));
    }
}

/// Draws the filter, and what runs on its right.
fn info(buffer: &mut Buffer, area: Rect, launcher: &Launcher, moment: Moment, cursor: &mut (u16, u16)) {
    let pen = &mut Pen::new(buffer, &launcher.look);
    let mut x = 1;
    if let Some(field) = &launcher.prompt {
        let style = pen.style(Token::Field);
        x = pen.text(x, area.y, 1, "/", style);
        let room = (area.width / 2).max(20);
        *cursor = typed(pen, Rect::new(x, area.y, room, 1), field, true);
        x += room.min(u16::try_from(field.text().width() + 1).unwrap_or(room)) + 2;
    } else if !launcher.filter.is_empty() {
        let words = format!("/{}", launcher.filter);
        let room = area.width / 2;
        x = pen.text(x, area.y, room, &cut(&words, usize::from(room)), pen.style(Token::Field)) + 3;
    }
    let mut live = launcher.live();
    let Some(first) = live.next() else { return };
    let (of_row, word) = live_state(first);
    let waits = launcher.waits.get(&first.number);
    let how = waits.map_or_else(|| format!("is {word}:"), |it| format!("{};", it.words));
    let (state, words) = match live.count() {
        0 => {
            let state = waits.map_or(of_row, |it| it.state);
            (state, format!("#{} {} {how} w watches it", first.number, first.name))
        }
        more => (State::Running, format!("{} are running: w watches the newest", plural(more + 1, "job"))),
    };
    let room = area.width.saturating_sub(x + 3);
    pen.sign(x, area.y, state, moment.0);
    let token = pen.look.glyphs.state(state, pen.look.motion, moment.0).token;
    pen.text(x + 2, area.y, room, &cut(&words, usize::from(room)), pen.style(token));
}

/// Draws text that is being typed, scrolled so that the place of the next character shows; returns that place.
pub(in crate::faces::tui) fn typed(
    pen: &mut Pen<'_>,
    area: Rect,
    field: &Field,
    has_focus: bool,
) -> (u16, u16) {
    let column = field.column();
    let room = usize::from(area.width.max(2)) - 1;
    let mut skipped = 0;
    let mut text = field.text();
    while column - skipped > room {
        let Some(letter) = text.graphemes(true).next() else { break };
        let rest = &text[letter.len()..];
        skipped += text.width() - rest.width();
        text = rest;
    }
    let style = pen.style(if has_focus { Token::Field } else { Token::Text });
    pen.text(area.x, area.y, area.width, text, style);
    let at = (area.x + u16::try_from(column - skipped).unwrap_or(0), area.y);
    if has_focus && let Some(cell) = pen.buffer.cell_mut(at) {
        cell.set_style(pen.look.theme().style(Token::Selection));
    }
    at
}

fn body(
    buffer: &mut Buffer,
    layout: &Layout,
    launcher: &mut Launcher,
    moment: Moment,
    cursor: &mut (u16, u16),
) {
    if launcher.is_read && launcher.books.is_empty() {
        let run = launcher.caller.command("run FILE");
        empty(&mut Pen::new(buffer, &launcher.look), layout.body, &run);
        return;
    }
    let has_form = launcher.form.is_some();
    let (list_area, mut preview_area) = (layout.list, layout.preview);
    if has_form && (!layout.is_beside || preview_area.height == 0 || list_area.height == 0) {
        preview_area = layout.body;
    } else if list_area.height > 0 {
        let at = list(buffer, list_area, launcher, moment);
        if launcher.prompt.is_none() && launcher.focus == Focus::List {
            *cursor = at;
        }
    }
    if layout.is_beside && preview_area.x > 0 {
        Pen::new(buffer, &launcher.look).upright(preview_area.x - 1, layout.body);
    }
    if preview_area.height == 0 {
        return;
    }
    if let Some(form) = &mut launcher.form {
        let (at, rows) = form_draw::draw(&mut Pen::new(buffer, &launcher.look), preview_area, form);
        *cursor = at;
        launcher.places = Places { form: rows, ..Places::default() };
        return;
    }
    show_preview(buffer, preview_area, launcher);
    if launcher.focus == Focus::Preview {
        *cursor = (preview_area.x, preview_area.y);
    }
}

fn empty(pen: &mut Pen<'_>, body: Rect, run: &str) {
    let elsewhere = format!("A playbook from elsewhere runs with `{run}`.");
    let lines = [
        (Token::Title, "This project has no playbooks yet."),
        (Token::Text, ""),
        (
            Token::Text,
            "They belong into the folder `playbooks`: files whose names end in `.yml` or `.yaml`. They show here as soon as they are there.",
        ),
        (Token::Text, ""),
        (Token::Text, &*elsewhere),
    ];
    let mut y = body.y + 1;
    for (token, text) in lines {
        let rows = wrapped(text, usize::from(body.width.saturating_sub(6).min(76)));
        for row in if rows.is_empty() { vec![String::new()] } else { rows } {
            if y < body.bottom() {
                pen.text(3, y, body.width, &row, pen.style(token));
            }
            y += 1;
        }
    }
}

fn titled(area: Rect) -> (Rect, Rect) {
    let title = Rect { height: 1, ..area };
    (title, Rect { y: area.y + 1, height: area.height - 1, ..area })
}

/// Draws the list; returns where its cursor is.
fn list(buffer: &mut Buffer, area: Rect, launcher: &mut Launcher, (now, time): Moment) -> (u16, u16) {
    let (title, area) = titled(area);
    let height = usize::from(area.height);
    launcher.scroll(height);
    launcher.places.list = area;
    let (at, top, count) = (launcher.position(), launcher.top, launcher.hits.len());
    let pen = &mut Pen::new(buffer, &launcher.look);
    let what = if launcher.filter.is_empty() {
        "Playbooks".to_owned()
    } else {
        format!("Matches {count}/{}", launcher.books.len())
    };
    let right = match (count > height, launcher.filter.is_empty()) {
        (true, _) => format!("{}-{} of {count}", top + 1, (top + height).min(count)),
        (false, true) => "last used first".to_owned(),
        (false, false) => "Esc clears".to_owned(),
    };
    let has_focus = launcher.focus == Focus::List && launcher.form.is_none();
    pen.title(title, &what, &right, has_focus);
    if count == 0 && launcher.is_read {
        let style = pen.style(Token::Muted);
        pen.text(area.x + 3, area.y, area.width.saturating_sub(3), "no playbook fits; Esc clears", style);
    }
    // Over all that fit, so that columns stay while the list is scrolled.
    let widest = launcher.hits.iter().map(|&it| launcher.books[it].name.width()).max().unwrap_or(0);
    let names = u16::try_from(widest).unwrap_or(u16::MAX).min(area.width * 2 / 5);
    let rows = launcher.hits.iter().enumerate().skip(top).take(height);
    for (y, (index, &book)) in (area.y..).zip(rows) {
        let line = Rect { y, height: 1, ..area };
        let book = &launcher.books[book];
        if index == at {
            if has_focus {
                pen.buffer.set_style(line, pen.look.theme().style(Token::Selection));
            }
            let style = pen.style(Token::Marker);
            pen.text(line.x, y, 1, pen.look.glyphs.marker(), style);
        }
        draw_book(pen, line, book, names, |row| {
            let waits = launcher.waits.get(&row.number);
            let words = last_words(row, waits, time, &launcher.zone);
            (waits.map_or_else(|| state(row), |it| it.state), words, now)
        });
    }
    (area.x, area.y + u16::try_from(at.saturating_sub(top)).unwrap_or(0))
}

fn draw_book(
    pen: &mut Pen<'_>,
    line: Rect,
    book: &Book,
    names: u16,
    last: impl Fn(&JobRow) -> (State, String, Duration),
) {
    let y = line.y;
    let is_bad = book.content.is_bad();
    let style = pen.style(Token::Text);
    pen.text(line.x + 2, y, names, &cut(&book.name, usize::from(names)), style);
    let mut end = line.right().saturating_sub(1);
    if let Some(row) = &book.last {
        let (state, words, now) = last(row);
        let words = cut(&words, usize::from(line.width.saturating_sub(names + 8)));
        let style = pen.style(Token::Muted);
        end = pen.right(end, y, &words, style).saturating_sub(2);
        pen.sign(end, y, state, now);
    }
    let x = line.x + 2 + names + 2;
    let counts = book.counts();
    let room = usize::from(end.saturating_sub(x + 1));
    // The stages alone where the cells do not fit as well.
    let words = match counts.split_once(", ") {
        Some((stages, _)) if counts.width() > room => stages,
        _ => &counts,
    };
    if words.width() <= room {
        let style = pen.style(if is_bad { Token::Error } else { Token::Muted });
        pen.text(x, y, u16::try_from(room).unwrap_or(0), words, style);
    }
}

/// Returns `#213 yesterday, 5m41s`.
fn last_words(row: &JobRow, waits: Option<&Waiting>, time: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    let what = match (row.took, row.owner_alive) {
        (Some(took), _) if row.outcome.is_some() => {
            // With a unit: a clock behind a day would be the time of that day.
            format!("{}, {}", when(row.started, time, zone), words::elapsed(took))
        }
        (_, true) if row.outcome.is_none() => {
            waits.map_or_else(|| live_state(row).1.to_owned(), |it| it.words.clone())
        }
        (_, false) if row.outcome.is_none() => format!("{} interrupted", when(row.started, time, zone)),
        _ => when(row.started, time, zone),
    };
    format!("#{} {what}", row.number)
}

/// Draws the preview of the selected book, or what would run.
fn show_preview(buffer: &mut Buffer, area: Rect, launcher: &mut Launcher) {
    let (title, area) = titled(area);
    launcher.places.preview = area;
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let width = usize::from(inner.width);
    let ascii = launcher.look.glyphs.ascii;
    let before = launcher.preview.take();
    let Some(book) = launcher.selected() else {
        let has_focus = launcher.focus == Focus::Preview;
        Pen::new(buffer, &launcher.look).title(title, "", "", has_focus);
        return;
    };
    let (mut left, mut right) = preview::title(book);
    let rows = match &launcher.outline {
        Some(outline) => {
            let with = outline.profile.as_ref().map(|it| format!(", profile {it}")).unwrap_or_default();
            (left, right) = (format!("Plan of {}{with}", book.name), "Esc closes".to_owned());
            let lines = outline.lines.iter().flatten().flat_map(|line| wrapped(line, width));
            lines.map(|line| Row::bare(line, Token::Text)).collect()
        }
        None => match before {
            Some((path, of, rows)) if path == book.path && of == width => rows,
            _ => preview::rows(book, width, ascii),
        },
    };
    let path = book.path.clone();
    let height = usize::from(inner.height);
    let top = launcher.preview_top.min(rows.len().saturating_sub(height));
    launcher.preview_top = top;
    if rows.len() > height {
        right = format!("{right}  {}-{} of {}", top + 1, (top + height).min(rows.len()), rows.len());
    }
    let pen = &mut Pen::new(buffer, &launcher.look);
    pen.title(title, &left, right.trim_start(), launcher.focus == Focus::Preview);
    draw_rows(pen, inner, &rows, top);
    if launcher.outline.is_none() {
        launcher.preview = Some((path, width, rows));
    }
}

fn draw_rows(pen: &mut Pen<'_>, area: Rect, rows: &[Row], top: usize) {
    for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(top)) {
        let style = pen.style(row.token);
        if row.is_bare {
            pen.text(area.x, y, area.width, &cut(&row.text, usize::from(area.width)), style);
            continue;
        }
        let heading = pen.style(Token::Heading);
        pen.text(area.x, y, area.width, row.head, heading);
        let head = u16::try_from(HEAD).unwrap_or(0);
        let room = area.width.saturating_sub(head);
        pen.text(area.x + head, y, room, &cut(&row.text, usize::from(room)), style);
    }
}

/// Draws what was said. Where there is no line for it, it takes the place of what runs.
fn status(pen: &mut Pen<'_>, area: Rect, launcher: &Launcher, (now, _): Moment) {
    let starting = launcher.starting.as_ref().filter(|(_, since)| now >= *since + SILENT);
    let words = match (starting, &launcher.notice) {
        (Some((wanted, _)), _) => {
            let name = launcher.books.iter().find(|book| book.path == wanted.path).map(|book| &*book.name);
            format!("starting {}; Ctrl-C leaves", name.unwrap_or_default())
        }
        (None, Some((words, _))) => words.clone(),
        (None, None) => return,
    };
    pen.clear(area);
    let room = area.width.saturating_sub(2);
    pen.text(1, area.y, room, &cut(&words, usize::from(room)), pen.style(Token::Notice));
}

/// Draws what the keys do; what does not fit is left out, the last ones never.
fn keys(pen: &mut Pen<'_>, area: Rect, launcher: &Launcher) {
    let keymap = &launcher.look.keys;
    let scroll: Vec<&str> =
        [Action::Down, Action::Up].iter().filter_map(|it| keymap.of(PLACES, *it)?.key).collect();
    let scroll = scroll.join(" ");
    let of = |actions: &[Action]| -> Vec<(&str, &str)> {
        let hints = actions.iter().filter_map(|&action| keymap.of(PLACES, action));
        hints.filter_map(|it| Some((it.key?, it.word))).collect()
    };
    let (first, last) = if launcher.form.is_some() {
        let choose = launcher.form.as_ref().filter(|it| it.is_at_choice()).map(|_| ("left right", "choose"));
        let rest = [("tab", "next"), ("enter", "next; at the end: run"), ("shift-tab", "previous")];
        (choose.into_iter().chain(rest).collect(), pairs(&[("esc", "close")]))
    } else if launcher.prompt.is_some() {
        (pairs(&[("enter", "keep"), ("up down", "select")]), pairs(&[("esc", "clear")]))
    } else if launcher.books.is_empty() {
        (Vec::new(), of(&[Action::Help, Action::Quit]))
    } else {
        let rest = [
            Action::Filter,
            Action::WatchLast,
            Action::Edit,
            Action::NextPane,
            Action::Zoom,
            Action::New,
            Action::Change,
        ];
        let first = match launcher.selected() {
            _ if launcher.is_zoomed => pairs(&[(&scroll, "scroll"), ("esc", "back")]),
            Some(book) if book.content.is_bad() => {
                of(&[Action::Plan]).into_iter().map(|(key, _)| (key, "what is wrong")).collect()
            }
            _ => of(&[Action::Open, Action::Plan]),
        };
        (first.into_iter().chain(of(&rest)).collect(), of(&[Action::Help, Action::Quit]))
    };
    let wide = |(key, word): &(&str, &str)| key.width() + word.width() + 3;
    let needed: usize = last.iter().map(wide).sum();
    let mut room = usize::from(area.width).saturating_sub(1 + needed);
    let mut x = 1;
    let draw = |pen: &mut Pen<'_>, x: u16, (key, word): (&str, &str)| -> u16 {
        let x = pen.text(x, area.y, 12, key, pen.style(Token::Key));
        pen.text(x + 1, area.y, 30, word, pen.style(Token::Hint)) + 2
    };
    for pair in first {
        if wide(&pair) > room {
            break;
        }
        room -= wide(&pair);
        x = draw(pen, x, pair);
    }
    let mut x = area.right().saturating_sub(u16::try_from(needed).unwrap_or(0)).max(x);
    for pair in last {
        x = draw(pen, x, pair);
    }
}

/// Returns keys with what they do, as lists of the same kind as those of the keymap.
fn pairs<'k>(pairs: &[(&'k str, &'k str)]) -> Vec<(&'k str, &'k str)> {
    pairs.to_vec()
}

fn overlay(buffer: &mut Buffer, launcher: &mut Launcher, area: Rect) {
    let Some(mut overlay) = launcher.overlay.take() else { return };
    let pen = &mut Pen::new(buffer, &launcher.look);
    match &mut overlay {
        Overlay::Help { top } => help(pen, &launcher.look.keys, PLACES, top, area),
        Overlay::Sheet { title, lines, top } => {
            let rows = folded(lines.iter().map(String::as_str), area);
            let how = if fits(rows.len(), area) { "Esc closes" } else { "j k scroll, Esc closes" };
            let inner = sheet(pen, area, title, how, rows.len());
            *top = (*top).min(rows.len().saturating_sub(usize::from(inner.height)));
            draw_rows(pen, inner, &rows, *top);
        }
        Overlay::Trust { playbook, commands, top, .. } => {
            let told: Vec<String> =
                std::iter::once(format!("The playbook `{playbook}` fetches secrets by running:"))
                    .chain(commands.iter().flat_map(|(secret, command)| {
                        // All of it: what is asked for here is run.
                        let mut lines = command
                            .trim_end_matches('\n')
                            .split('\n')
                            .map(|line| written_out(line, false).into_owned());
                        let first = format!("  {secret}: {}", lines.next().unwrap_or_default());
                        std::iter::once(first)
                            .chain(lines.map(|line| format!("    {line}")))
                            .collect::<Vec<_>>()
                    }))
                    .collect();
            let rows = folded(told.iter().map(String::as_str), area);
            let how = if fits(rows.len() + 3, area) { "" } else { "j k scroll" };
            let inner = sheet(pen, area, "Trust these commands?", how, rows.len() + 3);
            let text = Rect { height: inner.height.saturating_sub(3), ..inner };
            *top = (*top).min(rows.len().saturating_sub(usize::from(text.height)));
            draw_rows(pen, text, &rows, *top);
            let choices = [("y", "run them, now and from now on"), ("Esc", "start nothing")];
            for (y, (key, word)) in (text.bottom() + 1..).zip(choices) {
                pen.text(inner.x, y, 4, key, pen.style(Token::Key));
                pen.text(inner.x + 4, y, inner.width.saturating_sub(4), word, pen.style(Token::Hint));
            }
        }
    }
    launcher.overlay = Some(overlay);
}

/// Says whether a sheet of so many lines needs no scrolling: its frame and a row around that take four.
fn fits(lines: usize, area: Rect) -> bool {
    lines + 4 <= usize::from(area.height)
}

/// Breaks lines so that all of them can be read on a sheet; the rest of an indented one stands below its beginning.
fn folded<'t>(lines: impl Iterator<Item = &'t str>, area: Rect) -> Vec<Row> {
    let width = usize::from(area.width.saturating_sub(8).min(86));
    let mut rows = Vec::new();
    for line in lines {
        let token = if line.starts_with("error") { Token::Error } else { Token::Text };
        let text = line.trim_start_matches(' ');
        let indent = match line.len() - text.len() {
            0 => 0,
            spaces => (spaces + 2).min(width / 2),
        };
        let folded = wrapped(text, width - indent);
        if folded.is_empty() {
            rows.push(Row::bare("", token));
        }
        for (at, text) in folded.into_iter().enumerate() {
            let before = if at == 0 { indent.saturating_sub(2) } else { indent };
            rows.push(Row::bare(format!("{}{text}", " ".repeat(before)), token));
        }
    }
    rows
}
