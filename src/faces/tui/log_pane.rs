//! The log of one cell as a pane shows it: where it is scrolled to, wrapping, following, searching.
//!
//! A place is a row and a row within that row (for lines that wrap), never a row of the screen, so that another width
//! costs nothing and a hit cannot drift. Not here: files (`engine/logs`), colours of the pane (`draw/log.rs`).

use std::ops::Range;
use std::path::PathBuf;

use ansi_to_tui::IntoText;
use ratatui::style::{Color, Modifier, Style};

use super::clusters::{Glyph, Part, clusters, cut, fitting};
use crate::engine::logs::{CellLog, Progress, Query, Row, RowKind};
use crate::logic::job::report::AttemptKey;
use crate::logic::text::clean::clean;
use crate::logic::view::JobView;

#[cfg(test)]
#[path = "log_pane_tests.rs"]
mod tests;

/// Bytes that are looked at between two looks at the keys.
const SLICE: usize = 1024 * 1024;

/// What stands in front of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeShown {
    #[default]
    Off,
    /// The time of day.
    Clock,
    /// Since the start of the job.
    Since,
}

/// A row of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaneRow {
    Heading(AttemptKey),
    Text { row: u64, is_first: bool, is_error: bool, time_us: Option<u64>, part: Part },
}

/// Where a pane stands: the cell, the first row that shows and the row within it, whether it follows the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(Option<u32>, (u64, usize), bool);

/// A search.
#[derive(Clone, Debug)]
pub struct Find {
    pub text: String,
    pub is_pattern: bool,
    /// What is wrong with the pattern.
    pub problem: Option<String>,
    /// Where the log was scrolled to before.
    origin: (u64, usize, bool),
    /// The hit that is stood at.
    pub at: Option<u64>,
    /// The next hit that is found is to be shown.
    is_seeking: bool,
}

/// The pane.
pub struct LogPane {
    dir: PathBuf,
    pub cell: Option<u32>,
    log: CellLog,
    tries: Vec<AttemptKey>,
    /// The end is shown, and stays shown while the log grows.
    pub follow: bool,
    /// First row that shows, and the row within it.
    top: (u64, usize),
    pub sideways: usize,
    /// Set by hand; else the width decides.
    wrap: Option<bool>,
    pub time: TimeShown,
    pub find: Option<Find>,
    pub problem: Option<String>,
    /// Of the last picture: columns for text, rows.
    size: (usize, usize),
    /// Of the last picture: rows of the log from and to, and the place of its last row.
    shown: Range<u64>,
    last: (u64, usize),
    /// Lines that there were when following ended.
    seen: u64,
    /// Of the last picture: where it was, and that no line in it goes on beyond the right edge.
    is_whole: Option<Place>,
    has_work: bool,
    has_color: bool,
}

impl LogPane {
    /// Returns a pane for the logs below that folder.
    #[must_use]
    pub fn new(dir: PathBuf, has_color: bool) -> Self {
        Self {
            log: CellLog::new(dir.clone()),
            dir,
            cell: None,
            tries: Vec::new(),
            follow: true,
            top: (0, 0),
            sideways: 0,
            wrap: None,
            time: TimeShown::Off,
            find: None,
            problem: None,
            size: (80, 10),
            shown: 0..0,
            last: (0, 0),
            seen: 0,
            is_whole: None,
            has_work: true,
            has_color,
        }
    }

    /// Shows a cell, from its end; the same one again changes nothing. Its tries are read from the view.
    pub fn show(&mut self, view: &JobView, cell: Option<u32>) {
        if self.cell != cell {
            self.cell = cell;
            self.log = CellLog::new(self.dir.clone());
            self.tries.clear();
            self.follow = true;
            self.top = (0, 0);
            self.sideways = 0;
            self.problem = None;
            if let Some(find) = &mut self.find {
                // The place to go back to was one of another log.
                find.origin = (0, 0, true);
            }
            self.search_again();
        }
        let Some(cell) = cell else { return };
        // Tries are only ever added, mostly at the end.
        let is_mine = |key: &&AttemptKey| key.cell == cell && view.is_command(key.cell, key.step);
        let count = view.attempts.iter().filter(is_mine).count();
        if count != self.tries.len() {
            self.tries = view.attempts.iter().filter(is_mine).copied().collect();
            self.log.set_tries(&self.tries);
            self.has_work = true;
        }
    }

    /// Says that a log has grown; returns whether it is one of those shown.
    pub fn grew(&mut self, key: AttemptKey) -> bool {
        let is_mine = self.cell == Some(key.cell);
        self.has_work |= is_mine;
        is_mine
    }

    /// Says that something may have changed without a word, such as the last bytes of a try.
    pub fn look_again(&mut self) {
        self.has_work = true;
    }

    /// Says whether `work` has anything to do.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.has_work
    }

    /// Looks at a slice of what is new, or of what is to be searched. Returns whether the picture may have changed.
    pub fn work(&mut self) -> bool {
        let before = (self.log.count(), self.hits());
        let progress = self.log.advance(SLICE);
        let mut is_more = progress == Progress::More;
        self.problem = match progress {
            Progress::Unreadable(message) => Some(message),
            Progress::More | Progress::AtEnd => None,
        };
        if self.find.is_some() {
            is_more |= self.log.search_advance(SLICE) == Progress::More;
            self.seek();
        }
        self.has_work = is_more;
        before != (self.log.count(), self.hits()) || is_more
    }

    /// Returns the rows of the log, headings included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.log.count()
    }

    /// Returns the lines of the log, over all its tries.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.log.lines_before(self.log.count())
    }

    /// Returns the lines that came since following ended.
    #[must_use]
    pub fn new_lines(&self) -> u64 {
        if self.follow { 0 } else { self.lines().saturating_sub(self.seen) }
    }

    /// Returns the lines of the last picture, from and to, counted from 0. None where only headings are in sight.
    #[must_use]
    pub fn shown_lines(&self) -> Range<u64> {
        self.log.lines_before(self.shown.start)..self.log.lines_before(self.shown.end)
    }

    /// Returns the rows of the last picture, from and to.
    #[must_use]
    pub fn shown(&self) -> Range<u64> {
        self.shown.clone()
    }

    /// Says whether long lines are wrapped, in a pane of that width.
    #[must_use]
    pub fn is_wrapped(&self, width: usize) -> bool {
        self.wrap.unwrap_or(width < 100)
    }

    /// Says whether long lines were wrapped in the last picture.
    #[must_use]
    pub fn wraps(&self) -> bool {
        self.is_wrapped(self.size.0)
    }

    /// Wraps long lines, or cuts them.
    pub fn toggle_wrap(&mut self) {
        self.wrap = Some(!self.is_wrapped(self.size.0));
        self.is_whole = None;
        self.sideways = 0;
        self.top.1 = 0;
    }

    /// Shows another time in front of lines, or none.
    pub fn next_time(&mut self) {
        self.time = match self.time {
            TimeShown::Off => TimeShown::Clock,
            TimeShown::Clock => TimeShown::Since,
            TimeShown::Since => TimeShown::Off,
        };
    }

    /// Moves sideways by columns.
    ///
    /// # Errors
    /// If there is nothing to see there; in words, why.
    pub fn shift(&mut self, by: isize) -> Result<(), &'static str> {
        if self.wraps() {
            return Err("long lines are wrapped here; w cuts them, then there is more to the right");
        }
        if by > 0 && self.is_whole == Some(self.place()) {
            return Err("no line in sight goes on to the right");
        }
        if by < 0 && self.sideways == 0 {
            return Err("this is where the lines begin");
        }
        self.sideways = self.sideways.saturating_add_signed(by);
        Ok(())
    }

    /// Follows the end, or stays where it is.
    pub fn set_follow(&mut self, follow: bool) {
        if self.follow && !follow {
            self.seen = self.lines();
        }
        self.follow = follow;
    }

    /// Moves by rows of the screen; any move up ends following, and reaching the end begins it.
    pub fn scroll(&mut self, by: i64) {
        let (width, height) = self.size;
        if by < 0 {
            self.set_follow(false);
            self.go_up(usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX));
            return;
        }
        if self.follow {
            return;
        }
        for _ in 0..by {
            let rows = self.rows_of(self.top.0, width);
            if self.top.1 + 1 < rows {
                self.top.1 += 1;
            } else if self.top.0 + 1 < self.log.count() {
                self.top = (self.top.0 + 1, 0);
            } else {
                break;
            }
        }
        let end = self.end_top(width, height);
        if self.top >= end {
            self.top = end;
            self.set_follow(true);
        }
    }

    /// Returns the height of the last picture.
    #[must_use]
    pub fn height(&self) -> usize {
        self.size.1
    }

    /// Goes to the first row.
    pub fn go_first(&mut self) {
        self.set_follow(false);
        self.top = (0, 0);
    }

    /// Moves the top up by rows of the screen.
    fn go_up(&mut self, mut by: usize) {
        while by > 0 {
            if self.top.1 > 0 {
                let step = self.top.1.min(by);
                self.top.1 -= step;
                by -= step;
            } else if self.top.0 > 0 {
                let tall = self.rows_of(self.top.0 - 1, self.size.0);
                self.top = (self.top.0 - 1, tall.saturating_sub(1));
                by -= 1;
            } else {
                return;
            }
        }
    }

    /// Goes to a place, a third from the top of the pane.
    fn go_to(&mut self, place: (u64, usize)) {
        self.set_follow(false);
        self.top = (place.0.min(self.log.count().saturating_sub(1)), place.1);
        self.go_up(self.size.1 / 3);
    }

    /// Returns where the pane stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place(self.cell, self.top, self.follow)
    }

    /// Goes to a line, counted from 1 as the title counts them, or to the last one; says which one it became. Nothing if
    /// there are no lines.
    pub fn go_to_line(&mut self, line: u64) -> Option<u64> {
        let line = line.clamp(1, self.lines().max(1));
        let row = self.log.row_of_line(line - 1)?;
        self.set_follow(false);
        self.top = (row, 0);
        Some(line)
    }

    /// Goes to the next or the previous heading.
    pub fn go_section(&mut self, forward: bool) {
        let heads: Vec<u64> = self.tries.iter().filter_map(|&key| self.log.first_row_of(key)).collect();
        let here = if self.follow { self.shown.start } else { self.top.0 };
        let to = if forward {
            heads.iter().copied().find(|&row| row > here)
        } else {
            heads.iter().copied().rfind(|&row| row < here)
        };
        match to {
            Some(row) => {
                self.set_follow(false);
                self.top = (row, 0);
            }
            None if forward => self.set_follow(true),
            None => self.go_first(),
        }
    }

    /// Notes the present place, to which a search that is only tried goes back.
    pub fn stay_here(&mut self) {
        let place = (self.shown.start, self.top.1, self.follow);
        if let Some(find) = &mut self.find {
            find.origin = place;
        }
    }

    /// Begins or changes a search. What is found first from the present place on is shown.
    pub fn search(&mut self, text: &str, is_pattern: bool) {
        let origin =
            self.find.as_ref().map_or((self.shown.start, self.top.1, self.follow), |find| find.origin);
        self.find = Some(Find {
            text: text.to_owned(),
            is_pattern,
            problem: None,
            origin,
            at: None,
            is_seeking: !text.is_empty(),
        });
        self.search_again();
    }

    fn search_again(&mut self) {
        let Some(find) = &mut self.find else { return };
        self.log.clear_search();
        find.at = None;
        if find.text.is_empty() {
            find.problem = None;
            return;
        }
        let kind = if find.is_pattern {
            crate::engine::logs::Kind::Regex
        } else {
            crate::engine::logs::Kind::Literal
        };
        match Query::new(&find.text, kind) {
            Ok(query) => {
                find.problem = None;
                self.log.search(query);
                self.has_work = true;
            }
            Err(problem) => find.problem = Some(problem),
        }
    }

    /// Ends the search, and goes back to where it began if it was only tried.
    pub fn end_search(&mut self, go_back: bool) {
        let Some(find) = self.find.take() else { return };
        self.log.clear_search();
        if go_back {
            let (row, sub, follow) = find.origin;
            self.top = (row, sub);
            self.set_follow(follow);
        }
    }

    /// Shows the first hit from the origin on, once there is one.
    fn seek(&mut self) {
        let Some(find) = self.find.as_ref().filter(|find| find.is_seeking) else { return };
        let from = find.origin.0;
        let is_done = self.log.search_is_done();
        let hit = self.at_or_after(from).or_else(|| if is_done { self.at_or_after(0) } else { None });
        if let Some(row) = hit {
            self.stand_at(row);
        }
        if let Some(find) = &mut self.find {
            find.is_seeking = hit.is_none() && !is_done;
        }
    }

    fn at_or_after(&self, row: u64) -> Option<u64> {
        if self.log.is_hit(row) { Some(row) } else { self.log.next_hit_after(row) }
    }

    fn stand_at(&mut self, row: u64) {
        if let Some(find) = &mut self.find {
            find.at = Some(row);
        }
        let (width, _) = self.size;
        let (columns, sub) = self.hit_in(row);
        let place = (row, sub);
        if self.follow || place < self.top || place > self.last || !self.shown.contains(&row) {
            self.go_to(place);
        }
        // The marks at the edges take a column each.
        let from = self.sideways + usize::from(self.sideways > 0);
        let is_seen = columns.start >= from && columns.end < self.sideways + width;
        if !self.wraps() && !is_seen {
            self.sideways = if columns.end < width { 0 } else { columns.start.saturating_sub(width / 3) };
        }
    }

    /// Returns the columns of the first hit in a row, and the row of the screen within it that it begins in.
    fn hit_in(&mut self, row: u64) -> (Range<usize>, usize) {
        let Some(read) = self.log.read(row, 1).pop() else { return (0..0, 0) };
        let RowKind::Line { line, .. } = &read.kind else { return (0..0, 0) };
        let around = self.around(&read);
        let glyphs = self.glyphs(&line.bytes, around.as_ref());
        // What a hit of the piece before goes on with is none of this one, if there is another.
        let tail = if line.continued { glyphs.iter().take_while(|glyph| glyph.is_hit).count() } else { 0 };
        let own = glyphs.iter().skip(tail).position(|glyph| glyph.is_hit).map(|at| at + tail);
        let Some(first) = own.or_else(|| glyphs.iter().position(|glyph| glyph.is_hit)) else {
            return (0..0, 0);
        };
        let wide = |glyphs: &[Glyph]| glyphs.iter().map(|glyph| usize::from(glyph.wide)).sum::<usize>();
        let more = glyphs[first..].iter().take_while(|glyph| glyph.is_hit).count();
        let start = wide(&glyphs[..first]);
        let columns = start..start + wide(&glyphs[first..first + more]);
        let sub = if self.wraps() { parts(&glyphs[..=first], self.size.0).count() - 1 } else { 0 };
        (columns, sub)
    }

    /// Returns what stands around a piece of a line that was cut, if that matters.
    fn around(&mut self, row: &Row) -> Option<(String, String)> {
        if self.log.query().is_some() { self.log.around(row) } else { None }
    }

    /// Goes to the next or the previous hit, around the ends.
    pub fn next_hit(&mut self, forward: bool) {
        let Some(find) = &self.find else { return };
        let here = find.at.unwrap_or(self.shown.start);
        let hit = if forward {
            self.log.next_hit_after(here).or_else(|| self.at_or_after(0))
        } else {
            self.log.last_hit_before(here).or_else(|| self.log.last_hit_before(u64::MAX))
        };
        if let Some(row) = hit {
            self.stand_at(row);
        }
    }

    /// Returns how many lines have hits so far.
    #[must_use]
    pub fn hits(&self) -> u64 {
        if self.find.is_some() { self.log.hits() } else { 0 }
    }

    /// Returns which of the hits is stood at, from 1.
    #[must_use]
    pub fn hit_rank(&self) -> Option<u64> {
        self.log.hit_rank(self.find.as_ref()?.at?)
    }

    /// Says whether all of the log has been searched.
    #[must_use]
    pub fn is_searched(&self) -> bool {
        self.log.search_is_done()
    }

    /// Returns the text of what is shown, or of everything, but only the end of it if it is more than so many bytes; and
    /// whether it is all.
    #[must_use]
    pub fn text(&mut self, all: bool, most: usize) -> (String, bool) {
        let range = if all { 0..self.log.count() } else { self.shown.clone() };
        self.log.end_of(range, most)
    }

    /// Returns the rows of the picture, for so many columns and rows.
    pub fn picture(&mut self, width: usize, height: usize) -> Vec<PaneRow> {
        self.size = (width.max(1), height);
        if height == 0 {
            return Vec::new();
        }
        if self.follow {
            self.top = self.end_top(width, height);
        }
        let count = self.log.count();
        self.top.0 = self.top.0.min(count.saturating_sub(1));
        let mut rows = Vec::with_capacity(height);
        let mut last = self.top.0;
        let read = self.log.read(self.top.0, height);
        for (at, row) in read.iter().enumerate() {
            let around = self.around(row);
            let mut of_row = self.rows_for(row, width, around.as_ref());
            let tall = of_row.len();
            last = row.number + 1;
            if at == 0 {
                // The pane may be wider by now, and the row less tall.
                self.top.1 = self.top.1.min(of_row.len().saturating_sub(1));
                of_row.drain(..self.top.1);
            }
            rows.append(&mut of_row);
            self.last = (row.number, tall.saturating_sub(1 + rows.len().saturating_sub(height)));
            if rows.len() >= height {
                break;
            }
        }
        rows.truncate(height);
        self.shown = self.top.0..last;
        let is_beyond = rows.iter().any(|row| matches!(row, PaneRow::Text { part, .. } if part.is_right));
        self.is_whole = (!is_beyond).then_some(self.place());
        rows
    }

    /// Returns the place at which the last rows fill the pane.
    fn end_top(&mut self, width: usize, height: usize) -> (u64, usize) {
        let count = self.log.count();
        let first = count.saturating_sub(height as u64);
        let rows = self.log.read(first, height);
        let mut left = height;
        for row in rows.iter().rev() {
            let tall = if self.is_wrapped(width) { self.rows_for(row, width, None).len() } else { 1 };
            if tall >= left {
                return (row.number, tall - left);
            }
            left -= tall;
        }
        (first, 0)
    }

    fn rows_of(&mut self, row: u64, width: usize) -> usize {
        if !self.is_wrapped(width) {
            return 1;
        }
        let rows = self.log.read(row, 1);
        rows.first().map_or(1, |row| self.rows_for(row, width, None).len())
    }

    /// Makes the rows of the screen of a row of the log.
    fn rows_for(&self, row: &Row, width: usize, around: Option<&(String, String)>) -> Vec<PaneRow> {
        let RowKind::Line { line, stream, time_us } = &row.kind else {
            return vec![PaneRow::Heading(row.key)];
        };
        let glyphs = self.glyphs(&line.bytes, around);
        let is_error = *stream == crate::logic::log_index::Stream::Err;
        let text = |part: Part, is_first: bool| PaneRow::Text {
            row: row.number,
            is_first,
            is_error,
            time_us: *time_us,
            part,
        };
        if !self.is_wrapped(width) {
            return vec![text(cut(&glyphs, self.sideways, width), !line.continued)];
        }
        let rows = parts(&glyphs, width).enumerate().map(|(at, glyphs)| {
            let part = Part { glyphs: glyphs.to_vec(), ..Part::default() };
            text(part, at == 0 && !line.continued)
        });
        rows.collect()
    }

    /// Makes clusters of bytes: colours are kept, all other control codes go.
    fn glyphs(&self, bytes: &[u8], around: Option<&(String, String)>) -> Vec<Glyph> {
        let find = |text: &str| match (self.log.query(), around) {
            (Some(query), Some((before, behind))) => query.ranges_between(before, text, behind),
            (Some(query), None) => query.ranges(text),
            (None, _) => Vec::new(),
        };
        let cleaned = clean(bytes, self.has_color);
        let has_codes = cleaned.contains('\x1b');
        if !has_codes {
            return clusters(&[(&cleaned, Style::default())], find);
        }
        let text = cleaned.as_bytes().into_text().unwrap_or_default();
        let spans = text.lines.iter().flat_map(|line| &line.spans);
        let pieces: Vec<(&str, Style)> = spans.map(|span| (&*span.content, legible(span.style))).collect();
        clusters(&pieces, find)
    }
}

/// Divides a line into what fits into so many columns each; an empty line is one part, too.
fn parts(glyphs: &[Glyph], width: usize) -> impl Iterator<Item = &[Glyph]> {
    let mut rest = Some(glyphs);
    std::iter::from_fn(move || {
        let glyphs = rest?;
        let (part, more) = glyphs.split_at(fitting(glyphs, width));
        rest = (!more.is_empty()).then_some(more);
        Some(part)
    })
}

/// Text in the colour of its background, or hidden, could not be read, and nobody reads a log that blinks.
fn legible(style: Style) -> Style {
    let mut style = style.remove_modifier(Modifier::HIDDEN | Modifier::SLOW_BLINK | Modifier::RAPID_BLINK);
    if style.fg.is_some() && style.fg == style.bg {
        (style.fg, style.bg) = (None, None);
    }
    if style.fg == Some(Color::Reset) {
        style.fg = None;
    }
    if style.bg == Some(Color::Reset) {
        style.bg = None;
    }
    style
}
