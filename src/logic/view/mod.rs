//! Folds: events to what can be seen. Every face shows a job through `JobView`.
//!
//! Not here: deciding anything (`logic/job`), words and colours (`faces`). Start with `JobView::fold`.

pub mod grid;
mod job_view;
mod parts;

#[cfg(test)]
mod tests;

pub use grid::Grid;
pub use job_view::JobView;
pub use parts::{CellView, Counts, Phase, StageView, StepView};
