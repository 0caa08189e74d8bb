//! Markdown for a terminal: wrapped to a width, marked by colours where there are any, readable without.
//!
//! Not here: pages (`pages.rs`, `guide.rs`), who shows them (`paged.rs`). Start with `render`. Only what pages of ours use is drawn:
//! headings, paragraphs, lists, code, tables and links.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use unicode_width::UnicodeWidthStr;

use crate::faces::out::Paint;

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;

/// Narrowest width that text is wrapped to.
const NARROWEST: usize = 20;
/// A code span of at most so many columns stays in one piece.
const WHOLE_CODE: usize = 40;
/// What stands before each line of code.
const CODE_INDENT: &str = "    ";

/// Draws a page, line by line, for that many columns.
pub(super) fn render(text: &str, columns: usize, paint: Paint) -> Vec<String> {
    let mut page = Page { width: columns.max(NARROWEST), paint, ..Page::default() };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        page.draw(event);
    }
    page.lines
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Style {
    #[default]
    Plain,
    Bold,
    Code,
    BoldCode,
}

/// Text without a space at which a line may end.
#[derive(Clone, Debug, Default)]
struct Word {
    parts: Vec<(Style, String)>,
    columns: usize,
}

impl Word {
    fn push(&mut self, style: Style, text: &str) {
        self.columns += text.width();
        match self.parts.last_mut() {
            Some((last, before)) if *last == style => before.push_str(text),
            _ => self.parts.push((style, text.to_owned())),
        }
    }
}

/// Words in their order.
#[derive(Debug, Default)]
struct Words {
    all: Vec<Word>,
    /// The last one goes on.
    is_open: bool,
}

impl Words {
    fn text(&mut self, style: Style, text: &str) {
        for (at, piece) in text.split(char::is_whitespace).enumerate() {
            self.is_open &= at == 0;
            self.piece(style, piece);
        }
    }

    fn piece(&mut self, style: Style, piece: &str) {
        if piece.is_empty() {
            return;
        }
        if !self.is_open {
            self.all.push(Word::default());
            self.is_open = true;
        }
        if let Some(last) = self.all.last_mut() {
            last.push(style, piece);
        }
    }

    fn take(&mut self) -> Vec<Word> {
        self.is_open = false;
        std::mem::take(&mut self.all)
    }
}

/// Something that moves what is in it to the right.
#[derive(Debug)]
struct Level {
    /// What its first line begins with, until that is drawn.
    marker: Option<String>,
    indent: usize,
}

/// A list: the number of its next item, if it counts them.
type Counter = Option<u64>;

#[derive(Default)]
struct Page {
    width: usize,
    paint: Paint,
    lines: Vec<String>,
    words: Words,
    is_bold: bool,
    levels: Vec<Level>,
    lists: Vec<Counter>,
    /// The language of the code block, and its text so far.
    code: Option<(String, String)>,
    rows: Vec<Vec<Vec<Word>>>,
    link: Option<String>,
}

impl Page {
    fn draw(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.words.text(self.style(), &text),
            },
            Event::Code(text) => self.code_span(&text),
            Event::SoftBreak => self.words.is_open = false,
            Event::HardBreak => self.paragraph(),
            Event::Rule => {
                self.gap();
                self.lines.push("-".repeat(self.width.min(40)));
            }
            Event::Html(text) | Event::InlineHtml(text) => self.words.text(Style::Plain, &text),
            _ => {}
        }
    }

    fn style(&self) -> Style {
        if self.is_bold { Style::Bold } else { Style::Plain }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Table(_) => self.gap(),
            Tag::Heading { .. } => {
                self.gap();
                self.is_bold = true;
            }
            Tag::List(first) => {
                self.paragraph();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(first);
            }
            Tag::Item => {
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.levels.push(Level { indent: marker.len(), marker: Some(marker) });
            }
            Tag::BlockQuote(_) => self.levels.push(Level { indent: 2, marker: None }),
            Tag::CodeBlock(kind) => {
                self.paragraph();
                self.gap();
                let language = match kind {
                    CodeBlockKind::Fenced(words) => {
                        words.split_whitespace().next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::Strong => self.is_bold = true,
            Tag::Link { dest_url, .. } => self.link = Some(dest_url.to_string()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.paragraph(),
            TagEnd::Heading(level) => {
                self.is_bold = false;
                self.heading(level);
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item => {
                self.paragraph();
                self.levels.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.levels.pop();
            }
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::TableCell => {
                let cell = self.words.take();
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.table(),
            TagEnd::Strong => self.is_bold = false,
            TagEnd::Link => {
                let said = self.words.all.last().and_then(|word| word.parts.last());
                if let Some(url) = self.link.take().filter(|url| said.is_none_or(|(_, text)| text != url)) {
                    self.words.text(Style::Plain, &format!(" ({url})"));
                }
            }
            _ => {}
        }
    }

    /// Keeps what follows apart from what is there.
    fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    fn code_span(&mut self, text: &str) {
        // Colours tell it from other text; without them the marks of the source do.
        let mark = if self.paint.color { "" } else { "`" };
        let whole = format!("{mark}{text}{mark}");
        let style = if self.is_bold { Style::BoldCode } else { Style::Code };
        if whole.width() <= WHOLE_CODE {
            self.words.piece(style, &whole);
        } else {
            self.words.text(style, &whole);
        }
    }

    fn heading(&mut self, level: HeadingLevel) {
        let words = self.words.take();
        let columns = words.iter().map(|word| word.columns + 1).sum::<usize>().saturating_sub(1);
        for line in wrapped(&words, self.width) {
            self.lines.push(self.drawn(&line));
        }
        let rule = match level {
            HeadingLevel::H1 => "=",
            HeadingLevel::H2 => "-",
            _ => "",
        };
        if !self.paint.color && !rule.is_empty() {
            self.lines.push(rule.repeat(columns.min(self.width)));
        }
    }

    /// Ends the paragraph that is being read.
    fn paragraph(&mut self) {
        let words = self.words.take();
        if words.is_empty() {
            return;
        }
        let indent: usize = self.levels.iter().map(|level| level.indent).sum();
        let room = self.width.saturating_sub(indent).max(NARROWEST);
        for line in wrapped(&words, room) {
            let start = self.margin();
            self.lines.push(start + &self.drawn(&line));
        }
    }

    /// Returns what the next line begins with.
    fn margin(&mut self) -> String {
        let parts = self.levels.iter_mut().map(|level| match level.marker.take() {
            Some(marker) => marker,
            None => " ".repeat(level.indent),
        });
        parts.collect()
    }

    fn code_block(&mut self) {
        let Some((language, text)) = self.code.take() else { return };
        for line in text.lines() {
            let margin = self.margin();
            let line = match language.as_str() {
                "console" if line.starts_with("$ ") => self.paint.bold(line),
                "console" => self.paint.dim(line),
                _ => line.to_owned(),
            };
            self.lines.push(format!("{margin}{CODE_INDENT}{line}").trim_end().to_owned());
        }
    }

    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let widths = column_widths(&rows, self.width);
        for (at, row) in rows.iter().enumerate() {
            let cells: Vec<Vec<Vec<Word>>> =
                row.iter().zip(&widths).map(|(cell, width)| wrapped(cell, *width)).collect();
            for number in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
                let mut line = String::new();
                for (cell, width) in cells.iter().zip(&widths) {
                    let words = cell.get(number).map(Vec::as_slice).unwrap_or_default();
                    let text = self.drawn(words);
                    line.push_str(&if at == 0 { self.paint.bold(&text) } else { text });
                    let columns = words.iter().map(|word| word.columns + 1).sum::<usize>().saturating_sub(1);
                    line.extend(std::iter::repeat_n(' ', width.saturating_sub(columns) + 2));
                }
                self.lines.push(line.trim_end().to_owned());
            }
            if at == 0 {
                let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                self.lines.push(rules.join("  "));
            }
        }
    }

    fn drawn(&self, words: &[Word]) -> String {
        let mut text = String::new();
        for (at, word) in words.iter().enumerate() {
            if at > 0 {
                text.push(' ');
            }
            for (style, part) in &word.parts {
                text.push_str(&match style {
                    Style::Plain => part.clone(),
                    Style::Bold => self.paint.bold(part),
                    Style::Code => self.paint.code_span(part),
                    Style::BoldCode => self.paint.bold(&self.paint.code_span(part)),
                });
            }
        }
        text
    }
}

/// Returns the words as lines of at most that many columns; a word that is wider has a line of its own.
fn wrapped(words: &[Word], room: usize) -> Vec<Vec<Word>> {
    let mut lines: Vec<Vec<Word>> = Vec::new();
    let mut columns = 0;
    for word in words {
        match lines.last_mut() {
            Some(line) if columns + 1 + word.columns <= room => {
                columns += 1 + word.columns;
                line.push(word.clone());
            }
            _ => {
                columns = word.columns;
                lines.push(vec![word.clone()]);
            }
        }
    }
    lines
}

/// Returns how wide each column of a table is, so that all of them fit: the widest give way.
fn column_widths(rows: &[Vec<Vec<Word>>], room: usize) -> Vec<usize> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let natural =
        |cell: &Vec<Word>| cell.iter().map(|word| word.columns + 1).sum::<usize>().saturating_sub(1);
    let mut widths: Vec<usize> = (0..count)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(natural).max().unwrap_or(0).max(1))
        .collect();
    let room = room.saturating_sub(2 * count.saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > 10) else { break };
        *widest -= 1;
    }
    widths
}
