//! The one integration binary: it drives the real program and looks at what it printed, wrote and left behind.
//!
//! Not here: rules of single modules (`tests.rs` beside the code), house rules (`tests/tidy.rs`).
//! Start with `kit/mod.rs`, the vocabulary; then one file per promise. A file that is not listed here fails the house rules.
#![expect(clippy::disallowed_methods, reason = "tests prepare files, start the program and keep deadlines")]
#![expect(clippy::panic, reason = "the kit fails a test with everything that was printed")]

mod artifacts;
mod asking;
mod bad_input;
mod bad_input_alive;
mod cache_commands;
mod cache_files;
mod cache_rules;
mod cached;
mod cached_ahead;
mod cached_others;
mod cached_unchanged;
mod cached_words;
mod cancel;
mod completions;
#[cfg(feature = "faults")]
mod crash;
mod doctor;
mod documents;
mod edit_wizard;
mod editing;
mod editor;
mod events_exec;
#[cfg(feature = "faults")]
mod faults;
mod freeze;
mod full;
mod gates;
mod handover;
mod hints;
mod history;
mod hostile;
mod inline;
mod keys;
mod kit;
mod launcher;
mod library;
mod live;
mod manual;
mod many;
mod onlooker;
mod orders;
mod pictures;
mod playbooks;
#[cfg(feature = "faults")]
mod power;
mod program;
mod reuse;
mod rollback;
mod screen;
mod screen_left;
mod scripts;
mod secrets;
mod services;
mod services_containers;
mod shown;
mod summary;
mod survivors;
mod terminal;
#[cfg(feature = "faults")]
mod time;
mod together;
mod torn;
mod wizard;
