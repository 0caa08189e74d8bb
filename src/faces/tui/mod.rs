//! The full-screen face. So far: what its screens are drawn with.
//!
//! Not here: facts about jobs (`logic/view`). Start with `theme.rs`, `glyphs.rs` and `motion.rs`.

pub mod glyphs;
pub mod grid;
pub mod motion;
pub mod theme;
