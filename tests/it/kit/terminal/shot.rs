//! A picture of the terminal at one moment, and what can be asked of it: its text, its styles, its modes.
//!
//! Not here: how it is drawn for people (`svg.rs`). Rows and columns count from 0.

use vt100::{Color, MouseProtocolMode, Screen};

use super::emulator::Marks;
use super::svg;

/// What the glass showed.
#[derive(Clone)]
pub(crate) struct Shot {
    screen: Screen,
    title: String,
    marks: Marks,
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Colour of the character.
    pub(crate) fg: Color,
    /// Colour behind it.
    pub(crate) bg: Color,
    bits: u8,
}

const BOLD: u8 = 1;
const DIM: u8 = 2;
const ITALIC: u8 = 4;
const UNDERLINE: u8 = 8;
const REVERSE: u8 = 16;
const WORDS: [(u8, &str); 5] =
    [(BOLD, "bold"), (DIM, "dim"), (ITALIC, "italic"), (UNDERLINE, "underline"), (REVERSE, "reverse")];
const NAMES: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

impl Style {
    pub(crate) fn is_bold(self) -> bool {
        self.bits & BOLD != 0
    }

    pub(crate) fn is_dim(self) -> bool {
        self.bits & DIM != 0
    }

    pub(crate) fn is_italic(self) -> bool {
        self.bits & ITALIC != 0
    }

    pub(crate) fn is_underlined(self) -> bool {
        self.bits & UNDERLINE != 0
    }

    pub(crate) fn is_reversed(self) -> bool {
        self.bits & REVERSE != 0
    }

    /// The style in words: `bold red on bright black`, `plain`.
    pub(crate) fn words(self) -> String {
        let mut words: Vec<String> = WORDS
            .iter()
            .filter(|(bit, _)| self.bits & bit != 0)
            .map(|(_, word)| (*word).to_owned())
            .collect();
        words.extend(color_word(self.fg));
        words.extend(color_word(self.bg).map(|color| format!("on {color}")));
        if words.is_empty() { "plain".to_owned() } else { words.join(" ") }
    }
}

fn color_word(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Idx(n @ 0..=7) => Some(NAMES[usize::from(n)].to_owned()),
        Color::Idx(n @ 8..=15) => Some(format!("bright {}", NAMES[usize::from(n - 8)])),
        Color::Idx(n) => Some(format!("color {n}")),
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
    }
}

impl Shot {
    pub(super) fn new(screen: Screen, title: String, marks: Marks) -> Self {
        Self { screen, title, marks }
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        let (rows, columns) = self.screen.size();
        (columns.get(), rows.get())
    }

    /// The rows as text, without blanks at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.screen.rows(0, self.size().0).map(|row| row.trim_end().to_owned()).collect()
    }

    /// One row as text, without blanks at its end.
    pub(crate) fn row(&self, row: u16) -> String {
        let found = self.screen.rows(0, self.size().0).nth(usize::from(row));
        found.map(|text| text.trim_end().to_owned()).unwrap_or_default()
    }

    /// All rows, without empty ones at the end.
    pub(crate) fn text(&self) -> String {
        self.rows().join("\n").trim_end().to_owned()
    }

    /// Says whether some row holds the text.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.screen.rows(0, self.size().0).any(|row| row.contains(text))
    }

    /// Column and row of the first cell of a text; the first place from the top.
    pub(crate) fn find(&self, text: &str) -> Option<(u16, u16)> {
        let (columns, rows) = self.size();
        (0..rows).find_map(|row| {
            let at = self.row(row).find(text)?;
            let mut bytes = 0;
            let is_it = |column: &u16| {
                let before = bytes;
                bytes += self.contents(row, *column).len();
                before == at && bytes > before
            };
            Some(((0..columns).find(is_it)?, row))
        })
    }

    /// The character of a cell; a blank where nothing was drawn, nothing in the second half of a wide one.
    pub(crate) fn contents(&self, row: u16, column: u16) -> &str {
        match self.screen.cell(row, column) {
            Some(cell) if cell.is_wide_continuation() => "",
            Some(cell) if cell.has_contents() => cell.contents(),
            _ => " ",
        }
    }

    /// How a cell looks.
    pub(crate) fn style(&self, row: u16, column: u16) -> Style {
        let Some(cell) = self.screen.cell(row, column) else { return Style::default() };
        if cell.is_wide_continuation() {
            return self.style(row, column - 1);
        }
        let set = [cell.bold(), cell.dim(), cell.italic(), cell.underline(), cell.inverse()];
        let bits = WORDS.iter().zip(set).filter(|(_, is_set)| *is_set).map(|((bit, _), _)| bit).sum();
        Style { fg: cell.fgcolor(), bg: cell.bgcolor(), bits }
    }

    /// Column and row of the cursor, whether visible or not.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        let (row, column) = self.screen.cursor_position();
        (column, row)
    }

    pub(crate) fn is_cursor_visible(&self) -> bool {
        !self.screen.hide_cursor()
    }

    pub(crate) fn is_alternate(&self) -> bool {
        self.screen.alternate_screen()
    }

    /// Which events of the mouse the program wants.
    pub(crate) fn mouse(&self) -> MouseProtocolMode {
        self.screen.mouse_protocol_mode()
    }

    pub(crate) fn is_paste_bracketed(&self) -> bool {
        self.screen.bracketed_paste()
    }

    pub(crate) fn reports_focus(&self) -> bool {
        self.marks.reports_focus
    }

    /// Says whether arrows are sent the way of keypads.
    pub(super) fn is_cursor_application(&self) -> bool {
        self.screen.application_cursor()
    }

    /// The title of the window.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// The text, then one letter per cell for its style, then what the letters stand for.
    ///
    /// Plain cells are dots, and left out at the end of a row. Letters are given in the order in which styles appear.
    pub(crate) fn styled(&self) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let (columns, rows) = self.size();
        let mut seen: Vec<Style> = Vec::new();
        let mut block = Vec::new();
        for row in 0..rows {
            let letter = |column| {
                let style = self.style(row, column);
                if style == Style::default() {
                    return '.';
                }
                let at = seen.iter().position(|s| *s == style).unwrap_or_else(|| {
                    seen.push(style);
                    seen.len() - 1
                });
                LETTERS.get(at).map_or('?', |byte| char::from(*byte))
            };
            let line: String = (0..columns).map(letter).collect();
            block.push(line.trim_end_matches('.').to_owned());
        }
        let letters = block.join("\n");
        let legend =
            seen.iter().zip(LETTERS).map(|(style, l)| format!("{} {}\n", char::from(*l), style.words()));
        let (text, legend) = (self.text(), legend.collect::<String>());
        format!("{text}\n--- styles\n{}\n--- legend\n{legend}", letters.trim_end())
    }

    /// A picture of the screen that needs nothing else.
    pub(crate) fn svg(&self) -> String {
        svg::draw(self)
    }

    /// What differs from a terminal that nobody has touched, in words.
    pub(super) fn left_behind(&self) -> Vec<String> {
        let screen = &self.screen;
        let plain = Color::Default;
        let has_attributes = screen.fgcolor() != plain
            || screen.bgcolor() != plain
            || [screen.bold(), screen.dim(), screen.italic(), screen.underline(), screen.inverse()]
                .contains(&true);
        let marks = &self.marks;
        let found = [
            (screen.alternate_screen(), "the alternate screen is on"),
            (screen.hide_cursor(), "the cursor is hidden"),
            (screen.mouse_protocol_mode() != MouseProtocolMode::None, "the mouse is reported"),
            (
                screen.mouse_protocol_encoding() != vt100::MouseProtocolEncoding::Default,
                "the mouse is encoded anew",
            ),
            (screen.bracketed_paste(), "pasted text is bracketed"),
            (screen.application_cursor(), "arrows are sent the way of keypads"),
            (screen.application_keypad(), "the keypad is an application's"),
            (screen.cursor_style() != vt100::CursorStyle::Default, "the cursor has another shape"),
            (has_attributes, "colours or attributes are on"),
            (marks.reports_focus, "focus is reported"),
            (marks.is_updating, "a synchronized update is open"),
            (marks.keeps_lines_long, "long lines are not wrapped"),
            (marks.scroll_region.is_some(), "the scroll region is not the whole screen"),
            (!marks.pushed_titles.is_empty(), "a title is pushed and not popped"),
            (marks.pushed_keyboards > 0, "a keyboard mode is pushed and not popped"),
        ];
        found.iter().filter(|(is_so, _)| *is_so).map(|(_, what)| (*what).to_owned()).collect()
    }
}
