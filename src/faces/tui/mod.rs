//! The full screen: a job in front of you, with keys to steer it.
//!
//! A picture is a function of the view (what happened), the state (what this terminal knows) and the moment. Keys become
//! actions (`keymap.rs`), actions change the state or become requests (`update.rs`, `verbs.rs`), one loop carries them
//! out and draws when something changed (`watch.rs`). The launcher is a screen of its own, made of the same parts. Everything that touches the terminal is in `terminal.rs`; all that
//! moves by itself goes through `motion.rs`. Not here: bars below the scrollback (`inline`), lines (`plain.rs`).
//! Start with `watch.rs`.

mod ask;
mod changed;
pub mod clipboard;
pub mod clusters;
pub mod draw;
pub mod field;
mod frame;
pub mod glyphs;
pub mod grid;
pub mod keymap;
pub mod launcher;
pub mod layout;
pub mod log_pane;
mod look;
mod looks;
mod matrix;
pub mod motion;
pub mod pace;
pub mod palette;
#[cfg(test)]
mod places_tests;
pub mod restart;
pub mod review;
mod screen;
pub mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod tree;
pub mod ui;
mod update;
mod verbs;
pub mod watch;

pub use look::look;
pub use watch::{Left, Watch, watch};
