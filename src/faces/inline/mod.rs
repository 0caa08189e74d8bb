//! The inline face: output goes to the terminal's own history, and below it a few rows say how far the job is and what
//! runs.
//!
//! Lines are those of `faces/plain.rs`. `rows.rs` has the text of the rows, `sheet.rs` keeps them below the output,
//! `keys.rs` knows what keys mean, `modes.rs` lets them be read, `face.rs` is the loop. Not here: the summary at the end
//! (`faces/summary.rs`). Start with [`follow`].

mod face;
mod keys;
mod modes;
mod rows;
mod sheet;
mod wait;

pub use face::follow;
pub use modes::size;
pub use rows::lines;
pub use wait::{Waited, wait};

/// What the full screen hands over: a stream of lines, until a key goes back to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The cell whose newest log is shown from a little earlier on.
    pub cell: Option<u32>,
}

/// Why the face was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing more comes of the job.
    Ended,
    /// The full screen shall show the rest.
    Full,
    /// Whoever only looks on has seen enough.
    Seen,
    /// The job of this process is to go on without it.
    Detach,
}
