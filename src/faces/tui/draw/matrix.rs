//! The grid of a stage's cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::faces::tui::grid::{Measures, Scene};
use crate::faces::tui::ui::{Facts, Ui};
use crate::faces::why::why_cell;

/// Draws the grid; returns where its cursor is.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, ui: &mut Ui, facts: Facts<'_>) -> (u16, u16) {
    let view = facts.view;
    let Some(grid) = ui.grid_of(view) else { return (area.x, area.y) };
    let measures = Measures::new(&grid, area);
    ui.grid.reveal(&grid, view, &measures);
    let error = ui.grid.cell(&grid).and_then(|cell| why_cell(view, cell));
    let scene = Scene {
        grid: &grid,
        view,
        ui: &ui.grid,
        glyphs: ui.look.glyphs,
        theme: ui.look.theme(),
        motion: ui.look.motion,
        now: facts.time,
        error: error.as_deref(),
        keys: &[],
    };
    scene.draw(&measures, area, buffer).map_or((area.x, area.y), |at| (at.x, at.y))
}
