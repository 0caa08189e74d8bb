//! The grid of the stage that is looked at: which cell its cursor is on, and moving about in it.
//!
//! Pure. Not here: what the grid is made of (`logic/view/grid.rs`), how it looks (`grid.rs`).

use super::grid::Direction;
use super::ui::Ui;
use crate::logic::view::JobView;

impl Ui {
    /// Returns the cell under the grid's cursor.
    #[must_use]
    pub fn grid_cell(&self, view: &JobView) -> Option<u32> {
        let _all = view;
        None
    }

    pub(super) fn set_grid_stage(&mut self, view: &JobView, stage: u32) {
        let _all = view;
        self.grid_stage = Some(stage);
    }

    pub(super) fn move_grid(&mut self, view: &JobView, to: Direction) {
        let _all = (view, to);
    }

    pub(super) fn grid_slice(&mut self, view: &JobView, forward: bool) {
        let _all = (view, forward);
    }
}
