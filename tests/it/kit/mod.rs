//! The test vocabulary: a sandbox, the program in it, and a count of what is left running.
//!
//! Not here: tests. Start with `Sandbox::new`, then `Sandbox::sortie`; the result is a `Ran` that must be looked at. What fills
//! the screen runs in a `Sandbox::terminal`, or in a `Tmux`.
//! Nothing here sleeps: everything waits for a line, for an end, or for a deadline that fails the test.

mod census;
#[cfg(feature = "faults")]
pub(crate) mod disk;
mod ran;
mod sandbox;
mod small_disk;
mod stream;
pub(crate) mod terminal;
mod tmux;
#[cfg(feature = "faults")]
pub(crate) mod trace;

#[cfg(feature = "faults")]
pub(crate) use census::Left;
pub(crate) use census::{nothing_is_left, who_is_left};
pub(crate) use ran::{Call, Live, Ran, eventually, keeper_of, limit_file_size};
pub(crate) use sandbox::{SORTIE, Sandbox};
pub(crate) use small_disk::{PAGE, SmallDisk};
pub(crate) use terminal::{Modes, Mouse, Shot, Terminal};
pub(crate) use tmux::Tmux;
