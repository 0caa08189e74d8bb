//! The launcher: the playbooks of a project on the full screen, to look at and to run.
//!
//! It is built as the run view is: a picture is a function of the state (`state.rs`, `form.rs`) and the moment
//! (`draw.rs`, `preview.rs`), keys change the state or become requests (`update.rs`), one loop carries them out
//! (`turn.rs`). Files and history are read on a thread beside it (`shelf.rs`), so that hundreds of playbooks hold up
//! nobody. Not here: starting jobs and showing them (`faces/launch.rs` has the functions for that). Start with `turn.rs`.

mod book;
mod draw;
mod filter;
mod form;
mod form_draw;
mod lines;
mod preview;
mod profile;
mod shelf;
mod state;
mod turn;
mod update;
mod when;

#[cfg(test)]
mod tests;

pub(super) use draw::typed;
pub(super) use form::FormRow;
pub(super) use form_draw::{draw_row, told};
pub use state::Launcher;
pub use turn::{Launching, Left, launcher};
