//! Folds: events to what can be seen. Every face shows a job through `JobView`.
//!
//! Not here: deciding anything (`logic/job`), words and colours (`faces`). Start with `JobView::fold`;
//! `forecast.rs` says how far a job is and how long it will take.

mod artifacts;
mod caching;
mod calls;
pub mod forecast;
mod freeze;
mod gates;
pub mod grid;
mod job_view;
mod parts;
mod shares;
mod sidecars;
mod together;
mod worked;

#[cfg(test)]
mod tests;

pub use artifacts::{ArtifactView, Artifacts};
pub use caching::{CacheCounts, CacheView};
pub use forecast::{Forecast, Progress};
pub use grid::Grid;
pub use job_view::JobView;
pub use parts::{CellView, Counts, Phase, StageView, StepView, Tried};
pub use shares::ShareWait;
pub use worked::Worked;
