//! SHOW. One vocabulary, several skins: the command line now, others beside it.
//!
//! A face holds no truth: it folds events into `logic::view::JobView`, sends orders through `engine::Handle`,
//! and never touches the store or a child process itself. Start with `cli`.

pub mod cli;
pub mod ending;
pub mod event_json;
pub mod report;
pub mod tui;
pub mod words;
