//! A line of output as what a reader sees: one cluster after the other, each with its look and its columns.
//!
//! A cluster is what a person takes for one letter, however many characters it is made of: a letter with its marks, a
//! flag, a family. It is never divided. Not here: which lines (`log_pane.rs`), how a terminal is made to show clusters
//! of whose width it thinks otherwise (`frame.rs`).

use std::fmt;
use std::ops::Range;

use ratatui::buffer::CellWidth;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

#[cfg(test)]
#[path = "clusters_tests.rs"]
mod tests;

/// Spaces between tab stops.
const TAB: usize = 8;

/// So many characters of one cluster are shown: more than any emoji has, and less than it takes to fill a frame.
const LONGEST: usize = 16;

/// The text of one cluster. Nearly all are a single character, so only others are held apart.
#[derive(Clone, PartialEq, Eq)]
enum Letter {
    One(char),
    Many(Box<str>),
}

/// One cluster with its look.
#[derive(Clone, PartialEq, Eq)]
pub struct Glyph {
    letter: Letter,
    /// How many columns it takes; at least one.
    pub wide: u16,
    pub style: Style,
    /// It belongs to what is searched for.
    pub is_hit: bool,
}

impl fmt::Debug for Glyph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.put(&mut text);
        f.debug_struct("Glyph").field("text", &text).field("wide", &self.wide).finish_non_exhaustive()
    }
}

impl Glyph {
    fn space(style: Style, is_hit: bool) -> Self {
        Self { letter: Letter::One(' '), wide: 1, style, is_hit }
    }

    /// Puts its text behind what is there.
    pub fn put(&self, text: &mut String) {
        match &self.letter {
            Letter::One(one) => text.push(*one),
            Letter::Many(many) => text.push_str(many),
        }
    }
}

/// Makes the clusters of a line: of pieces of text with their looks. Control characters but tabs must be gone; tabs
/// become spaces, what has no width of its own belongs to what stands before it, or goes. What `find` finds in the whole
/// of the text is marked; it says so in bytes, in order.
#[must_use]
pub fn clusters(pieces: &[(&str, Style)], find: impl Fn(&str) -> Vec<Range<usize>>) -> Vec<Glyph> {
    let joined: String;
    let text = match pieces {
        [(text, _)] => *text,
        _ => {
            joined = pieces.iter().map(|(text, _)| *text).collect();
            &joined
        }
    };
    let hits = find(text);
    let mut hits = hits.iter().peekable();
    let mut pieces = pieces.iter();
    let (mut style, mut piece_end) = (Style::default(), 0);
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len());
    let mut column = 0;
    let mut take = |at: usize, cluster: &str| {
        // A cluster looks as its first character does.
        while at >= piece_end
            && let Some((text, next)) = pieces.next()
        {
            piece_end += text.len();
            style = *next;
        }
        while hits.next_if(|range| range.end <= at).is_some() {}
        let is_hit = hits.peek().is_some_and(|range| range.start < at + cluster.len());
        if cluster == "\t" {
            let spaces = TAB - column % TAB;
            glyphs.extend(std::iter::repeat_n(Glyph::space(style, is_hit), spaces));
            column += spaces;
        } else if let Some(glyph) = glyph(cluster, style, is_hit) {
            column += usize::from(glyph.wide);
            glyphs.push(glyph);
        }
    };
    if text.is_ascii() {
        for at in 0..text.len() {
            take(at, &text[at..=at]);
        }
    } else {
        for (at, cluster) in text.grapheme_indices(true) {
            take(at, cluster);
        }
    }
    glyphs
}

/// Makes a glyph of a cluster; nothing of one that takes no column.
fn glyph(cluster: &str, style: Style, is_hit: bool) -> Option<Glyph> {
    let mut chars = cluster.chars();
    let first = chars.next()?;
    if first.is_control() {
        return None;
    }
    let (letter, wide) = if chars.next().is_none() {
        (Letter::One(first), cluster.cell_width())
    } else {
        let end = cluster.char_indices().nth(LONGEST).map_or(cluster.len(), |(at, _)| at);
        let kept: String = cluster[..end].chars().filter(|c| !c.is_control()).collect();
        let wide = kept.cell_width();
        (Letter::Many(kept.into()), wide)
    };
    (wide > 0).then_some(Glyph { letter, wide, style, is_hit })
}

/// Returns how many glyphs fit into so many columns; at least one, so that there is an end.
#[must_use]
pub fn fitting(glyphs: &[Glyph], width: usize) -> usize {
    let mut column = 0;
    for (at, glyph) in glyphs.iter().enumerate() {
        column += usize::from(glyph.wide);
        if column > width {
            return at.max(1);
        }
    }
    glyphs.len()
}

/// The part of a line that a pane shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// What is in sight. If something is left of it, it begins one column after the left edge.
    pub glyphs: Vec<Glyph>,
    /// Something of the line is left of what is in sight, or right of it: a column at that edge is kept for the mark.
    pub is_left: bool,
    pub is_right: bool,
}

/// Cuts a line to so many columns, from a column on.
#[must_use]
pub fn cut(glyphs: &[Glyph], from: usize, width: usize) -> Part {
    let is_left = from > 0 && !glyphs.is_empty();
    let end = from + width;
    let mut first = from + usize::from(is_left);
    let mut part = Part { is_left, ..Part::default() };
    let mut column = 0;
    // Whether the last column is needed for the mark is known only where the line ends.
    for glyph in glyphs {
        let next = column + usize::from(glyph.wide);
        if next > end {
            part.is_right = true;
            break;
        }
        if column >= first {
            part.glyphs.push(glyph.clone());
        } else if next > first {
            // Half of a wide one.
            part.glyphs.extend(std::iter::repeat_n(Glyph::space(glyph.style, false), next - first));
            first = next;
        }
        column = next;
    }
    if part.is_right {
        while column + 1 > end
            && let Some(last) = part.glyphs.pop()
        {
            column -= usize::from(last.wide);
        }
    }
    part
}

/// Returns the columns of a text, cluster by cluster, as a picture takes them.
#[must_use]
pub fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

/// Returns the beginning of a text that fits into so many columns; no cluster is divided.
#[must_use]
pub fn beginning(text: &str, width: usize) -> &str {
    let mut column = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        column += cluster.width();
        if column > width {
            return &text[..at];
        }
    }
    text
}

/// Returns the end of a text that fits into so many columns; no cluster is divided.
#[must_use]
pub fn ending(text: &str, width: usize) -> &str {
    let mut column = 0;
    for (at, cluster) in text.grapheme_indices(true).rev() {
        column += cluster.width();
        if column > width {
            return &text[at + cluster.len()..];
        }
    }
    text
}

/// Says whether terminals disagree about how many columns a cluster takes: most that are made of several characters,
/// pictures, and signs that only some fonts have.
#[must_use]
pub fn is_risky(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    match (chars.next(), chars.next()) {
        (Some(_), Some(_)) => true,
        (Some(one), None) => match one {
            // Letters of which all know that they are wide.
            '\u{20000}'..='\u{3ffff}' => false,
            '\u{e000}'..='\u{f8ff}' | '\u{1f000}'.. => true,
            '\u{2300}'..='\u{2bff}' => cluster.width() > 1,
            _ => false,
        },
        _ => false,
    }
}
