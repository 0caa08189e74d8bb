//! Lists for people: columns as wide as their widest text.

use crate::faces::out::Out;

/// Returns how many columns the terminal has that is printed to; none if it is none, or has no size.
pub(super) fn columns(out: &Out) -> Option<usize> {
    let size = out.is_terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// The same for rows.
pub(super) fn rows(out: &Out) -> Option<usize> {
    let size = out.is_terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten()?;
    (size.ws_row > 0).then(|| usize::from(size.ws_row))
}

/// Rows of columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// Text with its width, which colours do not count for.
#[derive(Debug)]
struct Cell {
    text: String,
    width: usize,
}

impl Table {
    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, texts: [String; N]) {
        self.rows.push(texts.into_iter().map(|text| Cell { width: text.chars().count(), text }).collect());
    }

    /// Adds a row whose first text was coloured; `width` is how many columns it takes.
    pub(super) fn marked<const N: usize>(&mut self, mark: String, width: usize, texts: [String; N]) {
        let mut row = vec![Cell { text: mark, width }];
        row.extend(texts.into_iter().map(|text| Cell { width: text.chars().count(), text }));
        self.rows.push(row);
    }

    /// Prints the rows; columns that are empty in all of them are left out.
    pub(super) fn print(&self, out: &mut Out) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width).max().unwrap_or(0)
            })
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, &width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                line.push_str(&cell.text);
                line.extend(std::iter::repeat_n(' ', width - cell.width + 2));
            }
            out.line(line.trim_end());
        }
    }
}
