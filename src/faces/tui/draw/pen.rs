//! Writes text into a picture: cut to its place, in the style of a token.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::faces::tui::clusters::{beginning, columns, ending};
use crate::faces::tui::glyphs::{CUT, State};
use crate::faces::tui::theme::Token;
use crate::faces::tui::ui::Look;

/// A hand that draws.
pub struct Pen<'a> {
    pub buffer: &'a mut Buffer,
    pub look: &'a Look,
}

impl<'a> Pen<'a> {
    /// Returns a pen for a picture.
    pub fn new(buffer: &'a mut Buffer, look: &'a Look) -> Self {
        Self { buffer, look }
    }

    /// Returns how a token looks.
    #[must_use]
    pub fn style(&self, token: Token) -> Style {
        self.look.theme().style(token)
    }

    /// Writes text of at most so many columns; returns the column after it.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        if !self.buffer.area.contains((x, y).into()) {
            return x;
        }
        let width = width.min(self.buffer.area.right().saturating_sub(x));
        let (end, _) = self.buffer.set_stringn(x, y, text, usize::from(width), style);
        end
    }

    /// Writes text so that it ends before a column; returns the column at which it begins.
    pub fn right(&mut self, end: u16, y: u16, text: &str, style: Style) -> u16 {
        let x = end.saturating_sub(u16::try_from(text.width()).unwrap_or(u16::MAX));
        self.text(x, y, end - x, text, style);
        x
    }

    /// Writes the sign of a state.
    pub fn sign(&mut self, x: u16, y: u16, state: State, now: std::time::Duration) {
        let mark = self.look.glyphs.state(state, self.look.motion, now);
        let style = self.look.theme().mark(&mark);
        self.text(x, y, 1, mark.text, style);
    }

    /// Draws a title line: a rule with words at its left and right end.
    pub fn title(&mut self, area: Rect, left: &str, right: &str, has_focus: bool) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let rule = self.style(Token::Rule);
        for x in area.left()..area.right() {
            self.text(x, area.y, 1, self.look.glyphs.rule(), rule);
        }
        let style = self.style(if has_focus { Token::Title } else { Token::Heading });
        let most = area.width - 3;
        let right_width = u16::try_from(right.width() + 2).unwrap_or(u16::MAX);
        let room = if right.is_empty() || right_width + 8 > most { most } else { most - right_width - 1 };
        let left = cut(left, usize::from(room.saturating_sub(2)));
        if !left.is_empty() {
            self.text(area.x + 1, area.y, room, &format!(" {left} "), style);
        }
        if room < most {
            let hint = self.style(Token::Hint);
            self.right(area.right() - 1, area.y, &format!(" {right} "), hint);
        }
    }

    /// Draws a line from the top of an area to its bottom.
    pub fn upright(&mut self, x: u16, area: Rect) {
        let style = self.style(Token::Rule);
        for y in area.top()..area.bottom() {
            self.text(x, y, 1, self.look.glyphs.upright(), style);
        }
    }

    /// Empties an area, as under a dialog.
    pub fn clear(&mut self, area: Rect) {
        let base = self.look.theme().base();
        for position in area.intersection(self.buffer.area).positions() {
            let cell = &mut self.buffer[position];
            cell.reset();
            cell.set_style(base);
        }
    }

    /// Draws the frame of a dialog with its title, and empties what is in it.
    pub fn frame(&mut self, area: Rect, title: &str, right: &str) {
        self.clear(area);
        let style = self.style(Token::Dialog);
        let it = self.look.glyphs.frame();
        let (left_x, right_x, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
        for x in left_x..=right_x {
            self.text(x, top, 1, it.horizontal, style);
            self.text(x, bottom, 1, it.horizontal, style);
        }
        for y in top..=bottom {
            self.text(left_x, y, 1, it.vertical, style);
            self.text(right_x, y, 1, it.vertical, style);
        }
        for (x, y, corner) in [
            (left_x, top, it.top_left),
            (right_x, top, it.top_right),
            (left_x, bottom, it.bottom_left),
            (right_x, bottom, it.bottom_right),
        ] {
            self.text(x, y, 1, corner, style);
        }
        let heading = self.style(Token::Title);
        let title = cut(title, usize::from(area.width.saturating_sub(6)));
        self.text(left_x + 2, top, area.width.saturating_sub(4), &format!(" {title} "), heading);
        let used = u16::try_from(title.width()).unwrap_or(0) + 6;
        if !right.is_empty() && used + u16::try_from(right.width()).unwrap_or(0) + 4 < area.width {
            let hint = self.style(Token::Hint);
            self.right(right_x - 1, top, &format!(" {right} "), hint);
        }
    }
}

/// Cuts a text to so many columns; what is missing shows as a mark at the end.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    match width.checked_sub(CUT.len()) {
        Some(room) => format!("{}{CUT}", beginning(text, room)),
        None => String::new(),
    }
}

/// Cuts a name to so many columns in its middle: of names both ends tell most.
pub(in crate::faces::tui) fn cut_name(name: &str, width: usize) -> String {
    if columns(name) <= width || width < 8 {
        return cut(name, width);
    }
    let behind = (width - CUT.len()) / 2;
    let front = beginning(name, width - CUT.len() - behind).trim_end();
    format!("{front}{CUT}{}", ending(name, behind).trim_start())
}

/// Breaks a text between words into lines of so many columns, the first and the others; a word that is longer than a line
/// is broken. There is at least one line.
#[must_use]
pub(in crate::faces::tui) fn wrapped(text: &str, first: usize, others: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut width = first.max(1);
    for mut word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if columns(&line) + gap + columns(word) > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            width = others.max(1);
        } else if gap == 1 {
            line.push(' ');
        }
        while columns(&line) + columns(word) > width {
            let mut part = beginning(word, width);
            if part.is_empty() {
                // A letter that is wider than the line.
                part = word;
            }
            lines.push(part.to_owned());
            word = &word[part.len()..];
            width = others.max(1);
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Writes a number with commas: `1,500,000`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
