//! Draws the review of a gate.
//!
//! Not here: what keys do to it (`tui/review.rs`).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::overlay::{sheet, sheet_height, sheet_width};
use super::pen::{Pen, wrapped};
use crate::faces::gates;
use crate::faces::tui::launcher::{draw_row, told, typed};
use crate::faces::tui::review::{Review, Verdict, consequence};
use crate::faces::tui::theme::Token;
use crate::faces::tui::ui::{Facts, Look};
use crate::faces::words;
use crate::logic::text::clean::written_out;
use crate::logic::text::plural;

/// What stands on the sheet, from top to bottom.
enum Part {
    Text(String, Token),
    Gap,
    /// An input, with what is wrong with it.
    Row(usize, Vec<String>),
    Note,
    /// So many rows high.
    Buttons(u16),
}

impl Part {
    fn height(&self) -> u16 {
        match self {
            Self::Row(_, told) => 2 + u16::try_from(told.len()).unwrap_or(0),
            Self::Buttons(height) => *height,
            _ => 1,
        }
    }

    /// Says whether it is left out first where there is little room.
    fn is_extra(&self) -> bool {
        matches!(self, Self::Gap | Self::Text(_, Token::Muted))
    }
}

/// Draws the sheet; the cursor goes to where keys go.
pub(super) fn draw(
    buffer: &mut Buffer,
    look: &Look,
    review: &Review,
    facts: Facts<'_>,
    area: Rect,
    cursor: &mut (u16, u16),
) {
    let mut pen = Pen::new(buffer, look);
    let names = names(review);
    let mut parts = parts(review, facts, sheet_width(area), names);
    let sum = |parts: &[Part]| parts.iter().map(Part::height).fold(0, u16::saturating_add);
    if sum(&parts) > sheet_height(area) {
        parts.retain(|part| !part.is_extra());
    }
    let title = format!("Review: {}", facts.view.gate_name(review.gate));
    let inner = sheet(&mut pen, area, &title, "Tab next, Esc closes", sum(&parts).into());
    // What is asked stays in sight, whatever keys go to.
    let is_asked = |part: &&Part| matches!(part, Part::Text(_, Token::Title));
    let asked = parts.iter().take_while(is_asked).count().min(usize::from(inner.height / 4).max(1));
    let inner = {
        let (head, rest) = (u16::try_from(asked).unwrap_or(0), inner);
        for (y, part) in (rest.y..rest.bottom()).zip(&parts[..asked]) {
            if let Part::Text(text, token) = part {
                let style = pen.style(*token);
                pen.text(rest.x, y, rest.width, text, style);
            }
        }
        Rect { y: rest.y + head, height: rest.height.saturating_sub(head), ..rest }
    };
    let parts = &parts[asked..];
    let focus = parts.iter().position(|part| has_focus(part, review)).unwrap_or(0);
    let mut first = 0;
    // What keys go to shows, and where there is room all that is asked.
    while first < focus && sum(&parts[first..=focus]) > inner.height {
        first += 1;
    }
    let mut y = inner.y;
    for part in &parts[first..] {
        if y + part.height() > inner.bottom() {
            break;
        }
        let line = Rect { y, height: part.height(), ..inner };
        let is_focus = has_focus(part, review);
        match part {
            Part::Text(text, token) => {
                let style = pen.style(*token);
                pen.text(line.x, y, line.width, text, style);
            }
            Part::Gap => {}
            Part::Row(at, told) => {
                let place = draw_row(&mut pen, line, (&review.rows[*at], told), names, is_focus);
                if is_focus {
                    *cursor = place;
                }
            }
            Part::Note => {
                let style = pen.style(if is_focus { Token::Title } else { Token::Heading });
                pen.text(line.x + 1, y, names, "note", style);
                let x = line.x + 3 + names;
                let room = Rect { x, width: line.right().saturating_sub(x), ..line };
                let place = typed(&mut pen, room, &review.note, is_focus);
                if is_focus {
                    *cursor = place;
                }
            }
            Part::Buttons(_) => buttons(&mut pen, line, review, facts, cursor),
        }
        y += part.height();
    }
}

fn names(review: &Review) -> u16 {
    let widest = review.rows.iter().map(|row| row.input.name.chars().count()).max().unwrap_or(0);
    u16::try_from(widest).unwrap_or(u16::MAX).clamp(6, 24)
}

fn has_focus(part: &Part, review: &Review) -> bool {
    match part {
        Part::Row(at, _) => review.at == *at && review.asks.is_none(),
        Part::Note => review.at == review.note_at() && review.asks.is_none(),
        Part::Buttons(_) => review.button().is_some() || review.asks.is_some(),
        Part::Text(..) | Part::Gap => false,
    }
}

fn parts(review: &Review, facts: Facts<'_>, width: u16, names: u16) -> Vec<Part> {
    let view = facts.view;
    let room = usize::from(width);
    let mut parts = Vec::new();
    let Some(it) = view.gates.get(review.gate as usize) else { return parts };
    let mut text = |words: &str, token: Token| {
        for line in words.lines() {
            parts.extend(wrapped(line, room, room).into_iter().map(|line| Part::Text(line, token)));
        }
    };
    text(&written_out(&it.opened.message, false), Token::Title);
    let after = if it.opened.until.is_some() { format!(", {}", gates::after(it)) } else { String::new() };
    text(&format!("{}{after}", gates::waits(it, facts.time)), Token::Attention);
    let may = match it.opened.people.as_slice() {
        [] => String::new(),
        some => format!("; may answer: {}", some.join(", ")),
    };
    text(&format!("open for {}{may}", words::clock(facts.time.since(it.since))), Token::Muted);
    if !it.opened.barred.is_empty() {
        text(&format!("may not answer: {}", it.opened.barred.join(", ")), Token::Muted);
    }
    for answer in &it.approvals {
        let note = if answer.note.is_empty() { String::new() } else { format!(": {}", answer.note) };
        text(&written_out(&format!("approved by {}{note}", answer.who()), false), Token::Success);
    }
    let open = view.waiting_gates().count();
    if open > 1 {
        text(&format!("to review besides this one: {}", plural(open - 1, "gate")), Token::Muted);
    }
    parts.push(Part::Gap);
    for (at, row) in review.rows.iter().enumerate() {
        parts.push(Part::Row(at, told(row, width.saturating_sub(names + 5))));
    }
    parts.extend([Part::Note, Part::Gap, Part::Buttons(if is_broken(review, facts, width) { 2 } else { 1 })]);
    parts
}

/// Says whether the two answers to the question at the end need a row each.
fn is_broken(review: &Review, facts: Facts<'_>, width: u16) -> bool {
    let question = review.asks.map(|(verdict, _)| sure(review, facts, verdict));
    question.is_some_and(|words| words.width() + 2 + "  esc not yet".len() > usize::from(width))
}

fn sure(review: &Review, facts: Facts<'_>, verdict: Verdict) -> String {
    let verb = match verdict {
        Verdict::Approve => "approve",
        Verdict::Reject => "reject",
    };
    format!("{verb} it: {}", consequence(facts.view, review.gate, verdict))
}

fn buttons(pen: &mut Pen<'_>, line: Rect, review: &Review, facts: Facts<'_>, cursor: &mut (u16, u16)) {
    if let Some((verdict, _)) = review.asks {
        *cursor = (line.x, line.y);
        let style = pen.style(Token::Key);
        let x = pen.text(line.x, line.y, 2, "y", style) + 1;
        let style = pen.style(Token::Hint);
        let words = sure(review, facts, verdict);
        let x = pen.text(x, line.y, line.right().saturating_sub(x), &words, style) + 2;
        let (x, y) = if line.height > 1 { (line.x, line.y + 1) } else { (x, line.y) };
        let style = pen.style(Token::Key);
        let x = pen.text(x, y, line.right().saturating_sub(x), "esc", style) + 1;
        let style = pen.style(Token::Hint);
        pen.text(x, y, line.right().saturating_sub(x), "not yet", style);
        return;
    }
    let mut x = line.x + 1;
    for (verdict, words) in [(Verdict::Approve, "[ Approve ]"), (Verdict::Reject, "[ Reject ]")] {
        let is_focus = review.button() == Some(verdict);
        if is_focus {
            *cursor = (x, line.y);
        }
        let style = pen.style(if is_focus { Token::Selection } else { Token::Key });
        x = pen.text(x, line.y, line.right().saturating_sub(x), words, style) + 2;
    }
}
