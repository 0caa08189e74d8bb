//! What a person has chosen about a grid: cursor, turn, slice, filter, shades. Only values change here.
//!
//! Not here: which keys ask for it, and drawing. Start with `GridUi`.

use super::measure::Measures;
use crate::faces::tui::tree::cell_failed;
use crate::logic::view::JobView;
use crate::logic::view::grid::{Arrangement, Grid};

/// Where the cursor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

/// What a person has chosen about a grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GridUi {
    /// Row and column in the grid, whatever is hidden.
    pub cursor: (usize, usize),
    /// The first row and column on the screen; rows count without hidden ones.
    pub scroll: (usize, usize),
    pub arrangement: Arrangement,
    /// Rows without a failure are hidden.
    pub failures_only: bool,
    /// Cells are shaded by duration.
    pub heat: bool,
}

impl GridUi {
    /// Returns the grid of a stage as it is arranged.
    #[must_use]
    pub fn grid(&self, view: &JobView, stage: u32) -> Grid {
        Grid::new(view, stage, self.arrangement)
    }

    /// Returns the rows that are not hidden.
    #[must_use]
    pub fn rows(&self, grid: &Grid, view: &JobView) -> Vec<usize> {
        let has_failure = |row: &usize| grid.row_cells(*row).any(|cell| cell_failed(view, cell));
        (0..grid.rows.len()).filter(|row| !self.failures_only || has_failure(row)).collect()
    }

    /// Returns the cell under the cursor, if there is one.
    #[must_use]
    pub fn cell(&self, grid: &Grid) -> Option<u32> {
        grid.cell(self.cursor.0, self.cursor.1)
    }

    /// Moves the cursor by one, over hidden rows. It stays inside the grid.
    pub fn move_cursor(&mut self, direction: Direction, grid: &Grid, view: &JobView) {
        let rows = self.rows(grid, view);
        let (row, column) = self.cursor;
        let at = rows.partition_point(|it| *it < row).min(rows.len().saturating_sub(1));
        let is_on = rows.get(at) == Some(&row);
        let next = match direction {
            Direction::Up => at.saturating_sub(1),
            // From a hidden row the next one is already reached.
            Direction::Down if is_on => at + 1,
            Direction::Down | Direction::Left | Direction::Right => at,
            Direction::First => 0,
            Direction::Last => rows.len().saturating_sub(1),
        };
        let row = rows.get(next.min(rows.len().saturating_sub(1))).copied().unwrap_or(0);
        let last = grid.columns.len().saturating_sub(1);
        let column = match direction {
            Direction::Left => column.saturating_sub(1),
            Direction::Right => column + 1,
            _ => column,
        };
        self.cursor = (row, column.min(last));
    }

    /// Puts the cursor on a cell of the stage, in whichever slice it is, and returns the grid with it.
    pub fn go_to(&mut self, cell: u32, grid: &Grid, view: &JobView) -> Grid {
        if let Some(slice) = grid.slice_of(cell) {
            self.arrangement.slice = slice;
        }
        let grid = self.grid(view, grid.stage);
        if let Some(place) = grid.place(cell) {
            self.cursor = place;
        }
        grid
    }

    /// Makes the next axis the columns, and returns the grid after that. The cursor stays on its cell.
    pub fn transpose(&mut self, grid: &Grid, view: &JobView) -> Grid {
        let cell = self.cell(grid);
        self.arrangement.turn = (self.arrangement.turn + 1) % grid.axes.len().max(2);
        self.arrangement.slice = 0;
        self.scroll = (0, 0);
        let turned = self.grid(view, grid.stage);
        match cell {
            Some(cell) => self.go_to(cell, &turned, view),
            None => {
                self.cursor = (0, 0);
                turned
            }
        }
    }

    /// Shows the next slice, and after the last the first; returns the grid after that.
    pub fn next_slice(&mut self, grid: &Grid, view: &JobView) -> Grid {
        self.slice(grid, view, 1)
    }

    /// Shows the slice before, and before the first the last; returns the grid after that.
    pub fn previous_slice(&mut self, grid: &Grid, view: &JobView) -> Grid {
        self.slice(grid, view, grid.slices.len().saturating_sub(1))
    }

    /// The cursor stays on the same values where the other slice has them.
    fn slice(&mut self, grid: &Grid, view: &JobView, by: usize) -> Grid {
        self.arrangement.slice = (grid.slice + by) % grid.slices.len().max(1);
        let next = self.grid(view, grid.stage);
        let row = grid.rows.get(self.cursor.0).and_then(|label| next.rows.iter().position(|it| it == label));
        let last = next.rows.len().saturating_sub(1);
        self.cursor.0 = row.unwrap_or(self.cursor.0).min(last);
        next
    }

    /// Hides rows without a failure, or shows them again.
    pub fn toggle_failures(&mut self) {
        self.failures_only = !self.failures_only;
        self.scroll.0 = 0;
    }

    /// Shades cells by duration, or does not.
    pub fn toggle_heat(&mut self) {
        self.heat = !self.heat;
    }

    /// Keeps the cursor inside the grid and on the screen, with a row or column beside it where there is one. To be
    /// called before drawing: rows may be hidden and the screen be another size since.
    pub fn reveal(&mut self, grid: &Grid, view: &JobView, measures: &Measures) {
        let rows = self.rows(grid, view);
        let at = rows.partition_point(|it| *it < self.cursor.0).min(rows.len().saturating_sub(1));
        self.cursor.0 = rows.get(at).copied().unwrap_or(0);
        self.cursor.1 = self.cursor.1.min(grid.columns.len().saturating_sub(1));
        self.scroll.0 = scrolled(self.scroll.0, at, rows.len(), measures.rows);
        self.scroll.1 = scrolled(self.scroll.1, self.cursor.1, grid.columns.len(), measures.columns);
    }
}

/// Returns the first that is shown, so that `at` is among them.
fn scrolled(first: usize, at: usize, count: usize, shown: usize) -> usize {
    let beside = usize::from(shown > 2);
    let least = (at + 1 + beside).saturating_sub(shown);
    let most = at.saturating_sub(beside);
    first.clamp(least.min(most), most.max(least)).min(count.saturating_sub(shown))
}
