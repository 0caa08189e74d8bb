//! Draws a grid: title, headings that stay, cells, totals, and the strip about the cell under the cursor.
//!
//! Not here: how much fits (`measure.rs`), what the person chose (`state.rs`). Start with `Scene::draw`.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::measure::{FAILURES, Measures, width};
use super::state::GridUi;
use crate::faces::tui::clusters::{beginning, ending};
use crate::faces::tui::glyphs::{CUT, Glyphs, Mark, State};
use crate::faces::tui::motion::{Motion, clock};
use crate::faces::tui::theme::{Theme, Token};
use crate::faces::tui::tree::cell_failed;
use crate::faces::{waits, words};
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::text::plural;
use crate::logic::time::Timestamp;
use crate::logic::view::grid::{Grid, short_name, total};
use crate::logic::view::{CellView, JobView, Phase};

/// States in the order in which the title counts them.
const COUNTED: [State; 12] = [
    State::Passed,
    State::Cached,
    State::Failed,
    State::TimedOut,
    State::Allowed,
    State::Running,
    State::Stopping,
    State::RetryWait,
    State::Queued,
    State::Blocked,
    State::Skipped,
    State::Cancelled,
];

/// What a picture of a grid is made of.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub grid: &'a Grid,
    pub view: &'a JobView,
    pub ui: &'a GridUi,
    pub glyphs: Glyphs,
    pub theme: &'a Theme,
    pub motion: Motion,
    pub now: Timestamp,
    /// The first line of the error of the cell under the cursor, if it is known.
    pub error: Option<&'a str>,
    /// Keys with what they do, as the keymap has them.
    pub keys: &'a [(&'a str, &'a str)],
}

impl Scene<'_> {
    /// Draws the grid and returns where the cursor is. `GridUi::reveal` comes first, with the same measures.
    pub fn draw(&self, measures: &Measures, area: Rect, buffer: &mut Buffer) -> Option<Position> {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return None;
        }
        buffer.set_style(area, self.theme.base());
        let mut pen = Pen { buffer, area };
        let rows = self.ui.rows(self.grid, self.view);
        self.title(measures, rows.len(), &mut pen);
        if rows.is_empty() {
            pen.put(1, 2, self.nothing(), self.theme.style(Token::Muted));
        }
        self.headings(measures, &mut pen);
        let shown = rows.iter().skip(self.ui.scroll.0).take(measures.rows);
        let mut cursor = None;
        let mut y = 2;
        for row in shown {
            cursor = cursor.or(self.row(*row, measures, y, &mut pen));
            y += 1;
        }
        if measures.has_totals && !rows.is_empty() {
            self.totals(measures, y, &mut pen);
        }
        let bottom = area.height - u16::from(measures.has_keys);
        if measures.has_strip {
            self.strip(bottom - 2, &mut pen);
        }
        if measures.has_keys {
            self.key_line(bottom, &mut pen);
        }
        cursor
    }

    fn nothing(&self) -> &'static str {
        if self.grid.rows.is_empty() { "no cells before the stage starts" } else { "no failures" }
    }

    fn title(&self, measures: &Measures, rows: usize, pen: &mut Pen<'_>) {
        let counts = self.counts();
        let counts_width: u16 = counts.iter().map(|(text, _)| width(text) + 1).sum();
        let room = pen.area.width.saturating_sub(counts_width + 1);
        let mut x = pen.put_within(1, 0, "Matrix", room, self.theme.style(Token::Heading));
        let name = self.view.stage_name(self.grid.stage);
        x = pen.put_within(x + 2, 0, name, room, self.theme.style(Token::Title));
        let cells = || self.grid.cells().filter_map(|cell| self.view.cells.get(cell as usize));
        let done = cells().filter(|cell| cell.phase.outcome().is_some()).count();
        let all = plural(cells().count(), "cell");
        let mut texts = if self.ui.failures_only {
            let failed = self.grid.cells().filter(|&cell| cell_failed(self.view, cell)).count();
            vec![format!("{failed} of {all} failed, only those")]
        } else {
            vec![format!("{done} of {all}")]
        };
        let named = |pairs: &[(String, String)]| {
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        if self.grid.slices.len() > 1 {
            texts.push(format!("slice {} (< >)", named(&self.grid.slices[self.grid.slice])));
        }
        if rows > measures.rows {
            let first = self.ui.scroll.0;
            texts.push(format!("rows {}-{} of {rows}", first + 1, (first + measures.rows).min(rows)));
        }
        let columns = self.grid.columns.len();
        if columns > measures.columns {
            let first = self.ui.scroll.1;
            let last = (first + measures.columns).min(columns);
            texts.push(format!("columns {}-{last} of {columns}", first + 1));
        }
        if !self.grid.axes.is_empty() && !self.grid.fixed.is_empty() {
            texts.push(named(&self.grid.fixed));
        }
        for text in texts {
            x = pen.put_within(x + 3, 0, &text, room, self.theme.style(Token::Text));
        }
        let mut x = pen.area.width.saturating_sub(counts_width);
        for (text, style) in &counts {
            x = pen.put(x, 0, text, *style) + 1;
        }
    }

    /// Returns how many cells are in which state, each as it is written.
    fn counts(&self) -> Vec<(String, Style)> {
        let states: Vec<State> = self
            .grid
            .cells()
            .filter_map(|cell| self.view.cells.get(cell as usize))
            .map(|cell| State::of_cell(cell).within(self.view))
            .collect();
        let mut counts = Vec::new();
        for state in COUNTED {
            let count = states.iter().filter(|it| **it == state).count();
            if count > 0 {
                let mark = self.mark(state);
                counts.push((format!("{}{count}", mark.text), self.theme.mark(&mark)));
            }
        }
        let missing = self.grid.missing();
        if missing > 0 {
            counts.push((format!("{}{missing}", self.absent()), self.theme.style(Token::Muted)));
        }
        counts
    }

    fn mark(&self, state: State) -> Mark {
        self.glyphs.state(state, self.motion, Duration::from_micros(u64::try_from(self.now.0).unwrap_or(0)))
    }

    /// Returns what stands where there is no cell. In ASCII a skipped cell has the usual sign already.
    fn absent(&self) -> &'static str {
        if self.glyphs.ascii { "_" } else { "-" }
    }

    /// Returns the columns that are on the screen with where each begins.
    fn columns(&self, measures: &Measures) -> impl Iterator<Item = (usize, u16)> {
        let first = self.ui.scroll.1;
        let last = (first + measures.columns).min(self.grid.columns.len());
        let (head, cell) = (measures.head, measures.cell);
        (first..last).zip((0..).map(move |at: u16| head + at * cell))
    }

    fn headings(&self, measures: &Measures, pen: &mut Pen<'_>) {
        let style = self.theme.style(Token::Heading);
        for (column, x) in self.columns(measures) {
            pen.put_name(x + 1, 1, &self.grid.columns[column], x + measures.cell, style);
        }
        if measures.total > 0 {
            for (at, state) in [State::Passed, State::Failed].into_iter().enumerate() {
                let mark = self.mark(state);
                pen.put(
                    self.total_x(measures, at, pen) + measures.total - 1,
                    1,
                    mark.text,
                    self.theme.mark(&mark),
                );
            }
        }
    }

    /// Returns where the totals of passed (0) or failed (1) cells begin.
    fn total_x(&self, measures: &Measures, at: usize, pen: &Pen<'_>) -> u16 {
        let right = pen.area.width.saturating_sub(1);
        right.saturating_sub(if at == 0 { 2 * measures.total + 1 } else { measures.total })
    }

    fn put_total(&self, count: usize, at: usize, measures: &Measures, y: u16, pen: &mut Pen<'_>) {
        let text = format!("{count:>width$}", width = usize::from(measures.total));
        let token = match (count, at) {
            (0, _) => Token::Muted,
            (_, 0) => Token::Success,
            _ => Token::Error,
        };
        pen.put(self.total_x(measures, at, pen), y, &text, self.theme.style(token));
    }

    /// Draws a row, and returns where the cursor is if it is in this row.
    fn row(&self, row: usize, measures: &Measures, y: u16, pen: &mut Pen<'_>) -> Option<Position> {
        let mut x = 1;
        for (part, columns) in self.grid.rows[row].iter().zip(&measures.labels) {
            pen.put_name(x, y, part, x + columns, self.theme.style(Token::Text));
            x += columns + 2;
        }
        let mut cursor = None;
        for (column, x) in self.columns(measures) {
            let is_cursor = self.ui.cursor == (row, column);
            self.cell(row, column, measures, (x, y), pen);
            if is_cursor {
                cursor = Some(Position::new(pen.area.x + x + 1, pen.area.y + y));
            }
        }
        if measures.total > 0 {
            let total = total(self.view, self.grid.row_cells(row));
            self.put_total(total.passed, 0, measures, y, pen);
            self.put_total(total.failed, 1, measures, y, pen);
        }
        cursor
    }

    fn cell(&self, row: usize, column: usize, measures: &Measures, (x, y): (u16, u16), pen: &mut Pen<'_>) {
        let index = self.grid.cell(row, column);
        let cell = index.and_then(|cell| self.view.cells.get(cell as usize));
        // Among failures only those are shown, but the cursor can be anywhere.
        let is_hidden = self.ui.failures_only && index.is_some_and(|cell| !cell_failed(self.view, cell));
        let end = (x + measures.cell - 1).min(pen.area.width);
        let mut at = x + 1;
        match cell {
            None => at = pen.put_within(at, y, self.absent(), end, self.theme.style(Token::Muted)),
            Some(_) if is_hidden => at += 1,
            Some(cell) => {
                let mark = self.mark(State::of_cell(cell).within(self.view));
                at = pen.put_within(at, y, mark.text, end, self.theme.mark(&mark));
                let room = usize::from(end.saturating_sub(at + 2));
                if let Some(time) = self.time(cell, room).filter(|_| measures.has_times()) {
                    at = pen.put_within(at + 1, y, &time, end, self.theme.style(Token::Text));
                }
                if let Some(token) = self.heat(cell) {
                    pen.patch(x + 1, y, at - x - 1, self.theme.style(token));
                }
            }
        }
        if self.ui.cursor == (row, column) {
            pen.put(x, y, "[", self.theme.style(Token::Marker));
            pen.put(at, y, "]", self.theme.style(Token::Marker));
            pen.patch(x, y, at + 1 - x, self.theme.style(Token::Selection));
        }
    }

    /// Returns how long a cell took or has taken, or how long it waits for its next try, in at most so many columns.
    fn time(&self, cell: &CellView, room: usize) -> Option<String> {
        let text = match (cell.phase, cell.started, cell.finished) {
            (Phase::Retrying(until), ..) => clock(until.since(self.motion.shown(self.now))),
            (_, Some(started), Some(finished)) => clock(finished.since(started)),
            (_, Some(started), None) => self.motion.running_clock(started, self.now),
            (_, None, _) => return None,
        };
        in_columns(text, room)
    }

    /// Returns the shade of a cell's duration among those of all cells on this slice.
    fn heat(&self, cell: &CellView) -> Option<Token> {
        if !self.ui.heat {
            return None;
        }
        let taken = |cell: &CellView| {
            let started = cell.started?;
            Some(cell.finished.unwrap_or_else(|| self.motion.shown(self.now)).since(started))
        };
        let all = self.grid.cells().filter_map(|it| taken(self.view.cells.get(it as usize)?));
        let (least, most) =
            all.fold((Duration::MAX, Duration::ZERO), |(least, most), it| (least.min(it), most.max(it)));
        let over = taken(cell)?.saturating_sub(least);
        let shades = [Token::Heat1, Token::Heat2, Token::Heat3, Token::Heat4];
        let range = most.saturating_sub(least).as_millis().max(1);
        let shade = usize::try_from(over.as_millis() * 4 / range).unwrap_or(3);
        Some(shades[shade.min(3)])
    }

    fn totals(&self, measures: &Measures, y: u16, pen: &mut Pen<'_>) {
        let most = 1 + measures.labels.iter().sum::<u16>();
        pen.put_within(1, y, FAILURES, most, self.theme.style(Token::Muted));
        for (column, x) in self.columns(measures) {
            let failed = total(self.view, self.grid.column_cells(column)).failed;
            let style = self.theme.style(if failed > 0 { Token::Error } else { Token::Muted });
            pen.put_within(x + 1, y, &failed.to_string(), x + measures.cell - 1, style);
        }
        if measures.total > 0 {
            let all = total(self.view, self.grid.cells());
            self.put_total(all.passed, 0, measures, y, pen);
            self.put_total(all.failed, 1, measures, y, pen);
        }
    }

    fn strip(&self, y: u16, pen: &mut Pen<'_>) {
        let rule = self.glyphs.rule().repeat(usize::from(pen.area.width));
        pen.put(0, y, &rule, self.theme.style(Token::Rule));
        let Some(index) = self.ui.cell(self.grid) else {
            let text = if self.grid.rows.is_empty() { "" } else { "the matrix has no such combination" };
            pen.put(1, y + 1, text, self.theme.style(Token::Muted));
            return;
        };
        let Some(cell) = self.view.cells.get(index as usize) else { return };
        let told = self.told(index, cell);
        let room = pen.area.width.saturating_sub(8);
        // In full where there is room, else by its values alone.
        let full = self.view.cell_name(index);
        let fits = width(&full) + 2 <= room.saturating_sub(width(&told));
        let stage = self.view.stage_name(cell.stage);
        let name = match short_name(self.view, index) {
            _ if fits => full,
            short if short == stage => short,
            short => format!("{stage}[{short}]"),
        };
        // Both are cut if need be, but the name only down to a third of the line.
        let for_name = width(&name).min(room.saturating_sub(width(&told)).max(room / 3));
        let end = pen.put_within(2, y, &format!(" {name} "), for_name + 4, self.theme.style(Token::Heading));
        let start = pen.area.width.saturating_sub(width(&told) + 4).max(end + 2);
        let last = pen.area.width.saturating_sub(2);
        pen.put_within(start, y, &format!(" {told} "), last, self.theme.style(Token::Text));
        if let Some(error) = self.error {
            pen.put(1, y + 1, error.trim_end(), self.theme.style(Token::LogError));
        }
    }

    /// Says how a cell stands: `exited with code 101 after 1:12, try 2`.
    fn told(&self, index: u32, cell: &CellView) -> String {
        if let Some(next) = waits::next_try(self.view, index, true) {
            return next.told(self.now);
        }
        let word = words::standing(self.view, cell.phase, cell.cause.as_ref());
        let step = cell.steps.iter().rev().find(|it| it.conclusion == Some(Outcome::Failure));
        // A cell of which a step failed says no more than that.
        let cause = match cell.cause.as_ref().and_then(Cause::root) {
            None | Some(Cause::Member { .. }) => {
                step.and_then(|it| it.cause.as_ref()).or(cell.cause.as_ref())
            }
            own => own,
        };
        let mut told = match cause {
            Some(cause @ (Cause::Exit { .. } | Cause::Signal { .. })) if is_bad(cell.phase) => {
                words::cause(cause, self.view)
            }
            Some(cause) if cell.phase != Phase::Done(Outcome::Success) => {
                format!("{word}: {}", words::cause(cause, self.view))
            }
            _ => word.to_owned(),
        };
        if let Some(time) = self.time(cell, usize::MAX) {
            let between = match cell.phase {
                Phase::Done(_) => "after",
                _ => "for",
            };
            told = format!("{told} {between} {time}");
        }
        let tries = cell.current.and_then(|step| cell.steps.get(step as usize)).map_or(0, |it| it.attempt);
        if tries > 1 { format!("{told}, try {tries}") } else { told }
    }

    fn key_line(&self, y: u16, pen: &mut Pen<'_>) {
        let mut x = 1;
        for (key, what) in self.keys {
            // What does not fit whole is left out.
            if x + width(key) + 1 + width(what) > pen.area.width {
                break;
            }
            x = pen.put(x, y, key, self.theme.style(Token::Key));
            x = pen.put(x + 1, y, what, self.theme.style(Token::Hint)) + 2;
        }
    }
}

fn is_bad(phase: Phase) -> bool {
    phase == Phase::Done(Outcome::Failure)
}

/// Returns a clock's text if it fits, else without its seconds, else without its minutes: `1:02:03`, `1h02`, `1h`.
fn in_columns(text: String, room: usize) -> Option<String> {
    if text.len() <= room {
        return Some(text);
    }
    let (hours, rest) = text.split_once(':')?;
    let (minutes, _) = rest.split_once(':')?;
    [format!("{hours}h{minutes}"), format!("{hours}h")].into_iter().find(|it| it.len() <= room)
}

/// Writes into a part of the screen; what does not fit is cut with a mark.
struct Pen<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
}

impl Pen<'_> {
    /// Writes up to the edge and returns the column behind the text.
    fn put(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        self.put_within(x, y, text, self.area.width, style)
    }

    /// Writes up to a column and returns the one behind the text.
    fn put_within(&mut self, x: u16, y: u16, text: &str, end: u16, style: Style) -> u16 {
        let end = end.min(self.area.width);
        if x >= end || y >= self.area.height || text.is_empty() {
            return x;
        }
        let (left, top) = (self.area.x + x, self.area.y + y);
        let room = end - x;
        if width(text) <= room {
            let (behind, _) = self.buffer.set_stringn(left, top, text, usize::from(room), style);
            return behind - self.area.x;
        }
        let (behind, _) = self.buffer.set_stringn(left, top, text, usize::from(room - 1), style);
        self.buffer.set_string(behind, top, CUT, style);
        behind + 1 - self.area.x
    }

    /// As `put_within`, but what does not fit is cut in the middle: of names both ends tell most.
    fn put_name(&mut self, x: u16, y: u16, name: &str, end: u16, style: Style) -> u16 {
        let room = end.min(self.area.width).saturating_sub(x);
        if width(name) <= room || room < 3 {
            return self.put_within(x, y, name, end, style);
        }
        let behind = (room - 1) / 2;
        let front = beginning(name, usize::from(room - 1 - behind));
        let back = ending(name, usize::from(behind));
        self.put_within(x, y, &format!("{front}{CUT}{back}"), end, style)
    }

    /// Changes how some columns look, not what they show.
    fn patch(&mut self, x: u16, y: u16, columns: u16, style: Style) {
        let wanted = Rect::new(self.area.x + x, self.area.y + y, columns, 1);
        self.buffer.set_style(wanted.intersection(self.area), style);
    }
}
