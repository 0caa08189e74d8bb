//! What terminals with other ideas about widths show after frames: each cell that is not a risky cluster as it should.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

use super::{is_risky, write};

const SIZE: Rect = Rect::new(0, 0, 24, 4);

/// A terminal without an idea of clusters.
struct Terminal {
    rows: Vec<Vec<char>>,
    at: (usize, usize),
    wraps: bool,
    width: fn(char) -> usize,
}

impl Terminal {
    fn new(width: fn(char) -> usize) -> Self {
        let rows = vec![vec![' '; usize::from(SIZE.width)]; usize::from(SIZE.height)];
        Self { rows, at: (0, 0), wraps: true, width }
    }

    fn put(&mut self, c: char) {
        let wide = (self.width)(c);
        let last = usize::from(SIZE.width);
        if wide == 0 {
            return;
        }
        if self.at.0 + wide > last {
            if self.wraps {
                self.at = (0, (self.at.1 + 1).min(self.rows.len() - 1));
            } else {
                self.at.0 = last - wide;
            }
        }
        for column in 0..wide {
            self.rows[self.at.1][self.at.0 + column] = if column == 0 { c } else { ' ' };
        }
        self.at.0 += wide;
    }

    fn take(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            if c != '\x1b' {
                self.put(c);
                continue;
            }
            let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            let (parameters, verb) = (&rest[1..end], &rest[end..=end]);
            rest = &rest[end + 1..];
            match verb {
                "H" => {
                    let (row, column) = parameters.split_once(';').unwrap();
                    self.at = (column.parse::<usize>().unwrap() - 1, row.parse::<usize>().unwrap() - 1);
                }
                "K" => self.rows[self.at.1][self.at.0..].fill(' '),
                "m" => {}
                "h" | "l" => {
                    assert_eq!(parameters, "?7");
                    self.wraps = verb == "h";
                }
                _ => panic!("{verb}"),
            }
        }
        assert!(self.wraps, "left without wrapping");
    }
}

fn picture(lines: &[&str]) -> Buffer {
    let mut buffer = Buffer::empty(SIZE);
    for (y, line) in (0..).zip(lines) {
        buffer.set_string(0, y, line, Style::default());
    }
    buffer
}

/// Every cell but those of risky clusters is as the picture has it.
fn agrees(terminal: &Terminal, buffer: &Buffer) {
    for y in 0..SIZE.height {
        let mut x = 0;
        while x < SIZE.width {
            let symbol = buffer[(x, y)].symbol();
            let wide = u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap().max(1);
            if !is_risky(symbol) {
                let shown = terminal.rows[usize::from(y)][usize::from(x)];
                assert_eq!(shown.to_string(), symbol, "column {x} of row {y}: {:?}", terminal.rows);
            }
            x += wide;
        }
    }
}

#[test]
fn nothing_is_left_of_clusters_that_a_terminal_takes_for_wider_or_narrower() {
    let scenes: [&[&str]; 7] = [
        &["plain", "list | 👨‍👩‍👧 family", "list | more", "keys"],
        &["plain", "list | 🇩🇪🇫🇷 flags", "x", "keys"],
        &["plain", "list | a 👍🏽 b ❤️ c 1️⃣ d", "0123456789012345678901👨‍👩‍👧", "keys"],
        &["plain", "list / a 👍🏽 b ❤️ c 1️⃣ d", "e\u{301}e\u{301}e\u{301} \u{e0b0} 漢字", "keys"],
        &["plain", "list | short", "漢字かな 漢字かな", "keys"],
        &["👩🏽‍❤️‍💋‍👩🏽👩🏽‍❤️‍💋‍👩🏽👩🏽‍❤️‍💋‍👩🏽 x", "list | 👨‍👩‍👧 family", "", "keys"],
        &["plain", "list | only letters", "", "keys"],
    ];
    let widths: [fn(char) -> usize; 3] = [
        // One that knows single characters only.
        |c| c.width().unwrap_or(0),
        // One for which every picture is narrow.
        |c| c.width().unwrap_or(0).min(if u32::from(c) >= 0x1_f000 { 1 } else { 2 }),
        // One that shows also what has no width.
        |c| c.width().unwrap_or(0).max(1),
    ];
    for width in widths {
        for first in scenes {
            for second in scenes {
                let mut terminal = Terminal::new(width);
                let mut shown = Buffer::empty(SIZE);
                for scene in [first, second, first] {
                    let next = picture(scene);
                    let mut frame = Vec::new();
                    write(&mut frame, &shown, &next).unwrap();
                    terminal.take(&frame);
                    agrees(&terminal, &next);
                    shown = next;
                }
            }
        }
    }
}

#[test]
fn what_turns_beside_such_a_row_does_not_write_it_anew() {
    let (before, after) = (picture(&["a | 👨‍👩‍👧 family"]), picture(&["b | 👨‍👩‍👧 family"]));
    let mut frame = Vec::new();
    assert!(write(&mut frame, &before, &after).unwrap());
    let text = String::from_utf8(frame).unwrap();
    assert!(text.contains('b') && !text.contains('👨') && !text.contains("\x1b[K"), "{text:?}");
    let mut frame = Vec::new();
    assert!(!write(&mut frame, &after, &after).unwrap());
}
