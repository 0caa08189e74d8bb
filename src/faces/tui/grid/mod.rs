//! The matrix grid: a stage's cells by two axes, with totals that show where failures cluster.
//!
//! Not here: which cell stands where (`logic/view/grid.rs`), what keys do (the screen that shows the grid). Start with
//! `GridUi`, which keys change, then `Scene::draw`. `measure.rs` says how much of a grid fits, `draw.rs` draws that.

mod draw;
mod measure;
mod state;

#[cfg(test)]
mod tests;

pub use draw::Scene;
pub use measure::Measures;
pub use state::{Direction, GridUi};
