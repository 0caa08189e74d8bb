//! The grid of the stage that is looked at: which cell its cursor is on, and moving about in it.
//!
//! Pure. Not here: what the grid is made of (`logic/view/grid.rs`), how it looks (`grid`).

use super::grid::Direction;
use super::ui::Ui;
use crate::logic::view::{Grid, JobView};

impl Ui {
    /// Returns the grid of the stage that is looked at.
    #[must_use]
    pub fn grid_of(&self, view: &JobView) -> Option<Grid> {
        let stage = self.grid_stage.filter(|&stage| (stage as usize) < view.stages.len())?;
        Some(self.grid.grid(view, stage))
    }

    /// Returns the cell under the grid's cursor.
    #[must_use]
    pub fn grid_cell(&self, view: &JobView) -> Option<u32> {
        self.grid.cell(&self.grid_of(view)?)
    }

    pub(super) fn set_grid_stage(&mut self, view: &JobView, stage: u32) {
        if self.grid_stage != Some(stage) {
            self.grid_stage = Some(stage);
            self.grid.arrangement.slice = 0;
            (self.grid.cursor, self.grid.scroll) = ((0, 0), (0, 0));
        }
        let cell =
            self.log.cell.filter(|&cell| view.cells.get(cell as usize).is_some_and(|it| it.stage == stage));
        if let (Some(cell), Some(grid)) = (cell, self.grid_of(view)) {
            self.grid.go_to(cell, &grid, view);
        }
    }

    /// Puts the cursor on a cell of whichever stage.
    pub(super) fn go_to_cell(&mut self, view: &JobView, cell: u32) {
        let Some(stage) = view.cells.get(cell as usize).map(|it| it.stage) else { return };
        self.set_grid_stage(view, stage);
        if let Some(grid) = self.grid_of(view) {
            self.grid.go_to(cell, &grid, view);
        }
    }

    pub(super) fn move_grid(&mut self, view: &JobView, to: Direction) {
        if let Some(grid) = self.grid_of(view) {
            self.grid.move_cursor(to, &grid, view);
        }
    }

    pub(super) fn transpose_grid(&mut self, view: &JobView) {
        if let Some(grid) = self.grid_of(view) {
            self.grid.transpose(&grid, view);
        }
    }

    pub(super) fn grid_slice(&mut self, view: &JobView, forward: bool) {
        let Some(grid) = self.grid_of(view) else { return };
        if forward {
            self.grid.next_slice(&grid, view);
        } else {
            self.grid.previous_slice(&grid, view);
        }
    }
}
