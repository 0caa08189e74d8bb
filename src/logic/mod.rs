//! DECIDES. Text and events in; events and wishes out.
//!
//! Four verbs hold the logic of a job (`job/`): `decide` answers an input with events, `follow` says what those
//! events imply, `apply` folds events into state and cannot fail, `wanted` says what the world should be doing now.
//!
//! What is not here: no file, socket, process, thread, environment variable, clock or source of randomness is
//! touched, and nothing waits. Time comes in as an argument. `tests/tidy.rs` holds this.

pub mod address;
pub mod artifact;
pub mod author;
pub mod cache;
pub mod claims;
pub mod diag;
pub mod doctor;
pub mod expr;
pub mod job;
pub mod keymap;
pub mod log_command;
pub mod log_index;
pub mod log_query;
pub mod moment;
pub mod plan;
pub mod playbook;
pub mod rounds;
pub mod schedule;
pub mod secret;
pub mod settings;
pub mod sidecar;
pub mod step_files;
pub mod summary;
pub mod talk;
pub mod text;
pub mod theme;
pub mod time;
pub mod value;
pub mod view;
pub mod why;
pub mod words;
