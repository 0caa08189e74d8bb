//! One frame as bytes: what differs between what is shown and what is to be, so that it comes out right also where the
//! terminal and we disagree about how many columns a cluster takes.
//!
//! A row that has such a cluster, now or before, is written anew from there on to its end whenever something of that part
//! changes: nothing is left of what a wider one covered. Behind each such cluster the place is said. Not here: the
//! terminal (`terminal.rs`), which clusters those are (`clusters.rs`).

use std::io::{self, Write as _};

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell, CellWidth};

use super::clusters::is_risky;

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;

/// A letter that does not fit at the right edge must not go into the next row.
const NO_WRAP: &[u8] = b"\x1b[?7l";
const WRAP: &[u8] = b"\x1b[?7h";

/// Puts behind `frame` what makes `next` of a terminal that shows `shown`, of the same size. Returns whether anything
/// was to be changed.
///
/// # Errors
/// None that a vector does not have.
pub(super) fn write(frame: &mut Vec<u8>, shown: &Buffer, next: &Buffer) -> io::Result<bool> {
    let updates = shown.diff(next);
    let mut safe: Vec<(u16, u16, &Cell)> = Vec::with_capacity(updates.len());
    // Rows that are written anew, each with its first column.
    let mut anew: Vec<(u16, u16)> = Vec::new();
    let mut known: Option<(u16, Option<u16>)> = None;
    let is_empty = updates.is_empty();
    for update in updates {
        let (x, y, cell) = update;
        let risky = match known {
            Some((row, risky)) if row == y => risky,
            _ => first_risky(shown, y).into_iter().chain(first_risky(next, y)).min(),
        };
        known = Some((y, risky));
        match risky {
            Some(from) if x + cell.cell_width().max(1) > from => {
                let from = from.min(x);
                match anew.last_mut() {
                    Some((row, first)) if *row == y => *first = from.min(*first),
                    _ => anew.push((y, from)),
                }
            }
            _ => safe.push(update),
        }
    }
    CrosstermBackend::new(&mut *frame).draw(safe.into_iter())?;
    if !anew.is_empty() {
        frame.extend_from_slice(NO_WRAP);
        for (y, from) in anew {
            row(frame, next, y, from)?;
        }
        frame.extend_from_slice(WRAP);
    }
    Ok(!is_empty)
}

/// Returns the first column of a row whose cluster terminals disagree about.
fn first_risky(buffer: &Buffer, y: u16) -> Option<u16> {
    let area = buffer.area;
    (area.left()..area.right()).find(|&x| is_risky(buffer[(x, y)].symbol()))
}

/// Empties a row from a column on, and writes it.
fn row(frame: &mut Vec<u8>, next: &Buffer, y: u16, from: u16) -> io::Result<()> {
    write!(frame, "\x1b[{};{}H\x1b[K", y + 1, from + 1)?;
    let mut x = from;
    let mut piece: Vec<(u16, u16, &Cell)> = Vec::new();
    while x < next.area.right() {
        let cell = &next[(x, y)];
        let wide = cell.cell_width().max(1);
        if is_risky(cell.symbol()) {
            CrosstermBackend::new(&mut *frame).draw(piece.drain(..))?;
            // One that turns out narrower shows what is under it.
            let under = " ".repeat(usize::from(wide));
            write!(frame, "\x1b[{};{}H{under}", y + 1, x + 1)?;
            // Each piece begins with its place, so what comes after it does, too.
            CrosstermBackend::new(&mut *frame).draw(std::iter::once((x, y, cell)))?;
        } else {
            piece.push((x, y, cell));
        }
        x += wide;
    }
    CrosstermBackend::new(&mut *frame).draw(piece.into_iter())
}
