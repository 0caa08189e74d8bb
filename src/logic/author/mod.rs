//! Making and changing playbooks for people who need not know the YAML.
//!
//! What a new playbook is to do are [`Answers`]: questions of a wizard lead to them (`session.rs` asks, `flow.rs` says what comes
//! next), flags of a command line lead to them (`flags.rs`), and `write.rs` turns them into text, so that both ways end in the
//! same bytes. Start with [`Session`]. A playbook that is there is changed by `edit` and laid out by `format`, both on `layout`, which
//! knows the place of every sign. Not here: asking on a terminal (`faces/wizard`), files (`engine/authoring.rs`, `engine/rewrite.rs`).

mod answers;
pub mod edit;
mod flags;
mod flow;
pub mod format;
mod layout;
mod live;
mod scalar;
mod session;
mod template;
#[cfg(test)]
mod tests;
mod words;
mod write;

pub use answers::{Answers, NewCache, NewInput, NewSchedule, NewStage, Then, Work};
pub use flags::{Flag, flags, put};
pub use session::{Draft, Session, World};
pub use template::{Template, bundled};
pub use words::{axis, check_name, list};
pub use write::{problems, text};
