//! SHOW. One vocabulary, several skins: the command line now, others beside it.
//!
//! A face holds no truth: it folds events into `logic::view::JobView`, sends orders through `engine::Handle`,
//! and never touches the store or a child process itself. Start with `cli`.

pub mod asking;
pub mod caching;
pub mod cli;
pub mod clock;
pub mod context;
mod diff;
pub mod editing;
pub mod editor;
pub mod ending;
pub mod event_json;
#[cfg(feature = "faults")]
mod faults;
mod gate_lines;
pub mod gates;
pub mod held;
pub mod hint;
pub mod inline;
pub mod launch;
pub mod live;
pub mod making;
pub mod modes;
pub mod orders;
pub mod out;
pub mod plain;
pub mod report;
pub mod rounds;
pub mod shares;
pub mod show;
pub mod signs;
pub mod steering;
pub mod summary;
pub mod tui;
pub mod waits;
pub mod wizard;

pub use crate::logic::{why, words};
